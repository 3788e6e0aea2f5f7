"""Memory of a service's processes: after the start and under load, of one worker and of two, beside the naive stack.

`SHOP` (100000x10000) and `MEMORY_SECONDS` (60) in the environment make a run shorter.
"""

import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load.progress import say
from benchmarks.load.rounds import Measured, Memory, product
from benchmarks.load.shop import made_shop, opened_shop
from benchmarks.naive_parts import naive_parts
from benchmarks.report import write_result
from benchmarks.serve import DECISIONS_A_SECOND, EVENTS_A_SECOND, LEARNED_FROM, large_shop, naive

SECONDS = float(os.environ.get("MEMORY_SECONDS", "60"))
AIM_MB = 300
WORKERS = (1, 2)
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
        for workers in WORKERS:
            ours = Measured(f"{workers} workers", product(shop, workers=workers), shop.cast, shop.key)
            found[str(workers)] = ours.memory(DECISIONS_A_SECOND, EVENTS_A_SECOND, SECONDS)
        stack = Measured("naive", naive(root / "naive", "threads"), small.cast, "", takes_events=False)
        found["naive"] = stack.memory(NAIVE_A_SECOND, 0.0, SECONDS)
    _report(now, found, len(shop.cast.customers), len(shop.cast.items))
    return True


def _report(now: datetime, found: dict[str, Memory], customers: int, items: int) -> None:
    names = {"1": "one worker", "2": "two workers of one address", "naive": "the naive stack"}
    rows = [
        [names[key], *(f"{mb:,.0f}" if mb else "" for mb in (m.start_mb, m.worker_mb, m.lookout_mb, m.together_mb))]
        for key, m in found.items()
    ]
    one, beside = found["1"], found["naive"]
    text = (
        f"A shop of {customers:,} customers and {items:,} items, megabytes (VmRSS; at most: VmHWM): after the start, "
        f"and in {SECONDS:,.0f} s of {DECISIONS_A_SECOND:,.0f} decisions and {EVENTS_A_SECOND:,.0f} events a second "
        f"(the naive stack: {NAIVE_A_SECOND:,.0f} decisions). The aim, {AIM_MB} MB, is of the process that serves; the "
        "lookout stands beside it at the lowest priority. Of all processes together, pages that several have are "
        "counted once."
    )
    said = f"One worker takes {one.worker_mb / beside.worker_mb:.2f} times what the naive stack takes."
    columns = ["", "a worker, after the start", "a worker, at most", "the lookout, at most", "all together"]
    write_result(
        "memory",
        title="Memory of a service",
        order=32,
        command="python -m benchmarks memory",
        today=now.date(),
        parts=[{"text": text}, {"table": {"columns": columns, "rows": rows}}, {"text": said}],
        facts={key: {name: getattr(m, name) for name in m.__struct_fields__} for key, m in found.items()},
    )
