"""A command as a process of its own, and what it cost: wall time, processor time of all its threads, peak memory."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml

from benchmarks.report import ROOT
from features.errors import DataError

LAST_WORDS = 2000  # characters of what a failed command said


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, seconds of processors, and the highest resident memory in megabytes."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def run_step(arguments: Sequence[str]) -> tuple[Cost, str]:
    """Run Python with `arguments` in the project's folder, to its end; returns its cost and what it printed.

    Raises `DataError` with its last words where it fails.
    """
    with NamedTemporaryFile("r", encoding="utf-8") as cost:
        command = [sys.executable, "-m", "benchmarks.child", cost.name, sys.executable, *arguments]
        ended = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if ended.returncode:
            raise DataError(
                f"`python {' '.join(arguments)}` ended with {ended.returncode}: {ended.stdout[-LAST_WORDS:].strip()}. "
                "Put that right and measure again."
            )
        return Cost(**json.load(cost)), ended.stdout


def retraining_steps(home: Path) -> dict[str, list[str]]:
    """Python's arguments of each stage of dvc.yaml, in the order of the file, for a data folder."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    commands = {name: str(stage["cmd"]).split() for name, stage in stages.items()}
    return {name: [word.replace("${home}", str(home)) for word in told[1:]] for name, told in commands.items()}
