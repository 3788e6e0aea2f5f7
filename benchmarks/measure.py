"""Measuring: the machine, medians, peak memory, and the plain word for a paired difference."""

import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.metrics import Difference


@dataclass
class Spent:
    """What a block cost: wall seconds, and the highest resident memory of this process during it, in megabytes."""

    seconds: float = 0.0
    peak_mb: float = 0.0

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, at most {self.peak_mb:.0f} MB"


@contextmanager
def spent() -> Iterator[Spent]:
    """Fills a `Spent` when the block ends. Where the peak cannot be reset (not Linux) it is the whole process's."""
    found = Spent()
    _reset_peak()
    start = time.perf_counter()
    yield found
    found.seconds = time.perf_counter() - start
    found.peak_mb = _peak_mb()


def median_seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """The median wall time of some calls, after one that is not counted."""
    call()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def verdict(ours_minus_theirs: Difference) -> str:
    """`win` or `loss` only if the 95 % interval excludes zero; anything else is `parity`. Higher must mean better."""
    if ours_minus_theirs.better:
        return "win"
    return "loss" if ours_minus_theirs.worse else "parity"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak_mb() -> float:
    try:
        status = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
