"""Memory of a service's processes, after the start and under load: of one worker, with a process that decides for it
and without, and of two, beside the naive stack.

`SHOP` (100000x10000) and `MEMORY_SECONDS` (60) in the environment make a run shorter.
"""

import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load.progress import say
from benchmarks.load.rounds import Measured, Memory, product
from benchmarks.load.shop import decides_beside, made_shop, opened_shop
from benchmarks.naive_parts import naive_parts
from benchmarks.report import write_result
from benchmarks.serve import DECISIONS_A_SECOND, EVENTS_A_SECOND, LEARNED_FROM, large_shop, naive

SECONDS = float(os.environ.get("MEMORY_SECONDS", "60"))
AIM_MB = 300
WORKERS = {"1": 1, "within": 1, "2": 2}
NAIVE_A_SECOND = 40.0  # about half of what it bears


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data. About eight minutes."""
    found: dict[str, Memory] = {}
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as folder:
        root = Path(folder)
        say(f"a shop of {LEARNED_FROM:,} customers is simulated and learned from")
        small = opened_shop(made_shop(root / "made", LEARNED_FROM))
        naive_parts(small, root / "naive")
        shop = large_shop(root / "made", root / "large")
        for name, workers in WORKERS.items():
            decides_beside(shop.home, name != "within")
            ours = Measured(f"{workers} workers", product(shop, workers=workers), shop.cast, shop.key)
            found[name] = ours.memory(DECISIONS_A_SECOND, EVENTS_A_SECOND, SECONDS)
        stack = Measured("naive", naive(root / "naive", "threads"), small.cast, "", takes_events=False)
        found["naive"] = stack.memory(NAIVE_A_SECOND, 0.0, SECONDS)
    _report(now, found, len(shop.cast.customers), len(shop.cast.items))
    return True


def _report(now: datetime, found: dict[str, Memory], customers: int, items: int) -> None:
    names = {
        "1": "one worker",
        "within": "one worker that decides itself (`decide_beside: false`)",
        "2": "two workers of one address",
        "naive": "the naive stack",
    }
    rows = [
        [names[key], *(f"{mb:,.0f}" if mb else "" for mb in (getattr(m, one) for one in m.__struct_fields__))]
        for key, m in found.items()
    ]
    one, beside = found["1"], found["naive"]
    text = (
        f"A shop of {customers:,} customers and {items:,} items, megabytes (VmRSS; at most: VmHWM): after the start, "
        f"and in {SECONDS:,.0f} s of {DECISIONS_A_SECOND:,.0f} decisions and {EVENTS_A_SECOND:,.0f} events a second "
        f"(the naive stack: {NAIVE_A_SECOND:,.0f} decisions). The aim is {AIM_MB} MB; the "
        "lookout stands beside at the lowest priority. Of all processes together, pages that several have are "
        "counted once."
    )
    both, alone = one.worker_mb + one.decider_mb, found["within"].worker_mb
    said = (
        f"Who serves and who decides take {both:,.0f} MB, {both / beside.worker_mb:.2f} times what the naive stack "
        f"takes; one process that does both takes {alone:,.0f} MB, {alone / beside.worker_mb:.2f} times as much."
    )
    columns = [
        "",
        "who serves, after the start",
        "who serves, at most",
        "who decides, at most",
        "the lookout, at most",
        "all together",
    ]
    write_result(
        "memory",
        title="Memory of a service",
        order=32,
        command="python -m benchmarks memory",
        today=now.date(),
        parts=[{"text": text}, {"table": {"columns": columns, "rows": rows}}, {"text": said}],
        facts={key: {name: getattr(m, name) for name in m.__struct_fields__} for key, m in found.items()},
    )
