"""What is learned of simulated shops beside what was so: who leaves, whom a letter moves, who is unhappy.

The simulator knows what no log tells: how likely it was that she would order, what a letter adds to that, how she feels
about the shop. What counts as recovered is stated beforehand, beside each figure: `MOST_ECE`, `SLOPES`, `MOST_APART`
(`benchmarks/truth/leaving.py`), `RECOVERED_SHARE` (`moved.py`), `UNHAPPY`, `BEHIND_SCORE` (`unhappy.py`).
"""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import spent
from benchmarks.report import write_result
from benchmarks.truth import leaving, moved, unhappy
from benchmarks.truth.contacts import draw_letters
from benchmarks.truth.page import parts_of
from benchmarks.truth.worlds import tell

SEEDS = range(5)
CUSTOMERS, WEEKS, AS_OF = 2500, 58, 45  # weeks from the shop's first day; what follows the 45th is judged
SIZES = {1_500: 5, 7_000: 5, 28_000: 5, 105_000: 3}
"""Customers of the shops whose letters are learned from, and how many such shops: some 450 to 30,000 controls."""

LIMIT_SEED, LIMIT_CUSTOMERS = 1000, 28_000
"""The shop from whose true effects the limit of the inputs is learned; none of those judged."""


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    with spent() as cost:
        shops = [measure_shop(seed) for seed in SEEDS]
        limit = moved.fit_ceiling(draw_letters(LIMIT_SEED, LIMIT_CUSTOMERS))
        letters = {
            customers: [moved.figures(draw_letters(seed, customers), limit) for seed in range(count)]
            for customers, count in SIZES.items()
        }
    write_result(
        "shop_truth",
        title="What is learned beside what was so (simulated shops)",
        order=37,
        command="python -m benchmarks shop_truth",
        today=now.date(),
        parts=parts_of(shops, letters, customers=CUSTOMERS, weeks=WEEKS, as_of=AS_OF, cost=cost),
        facts={"shops": shops, "letters": letters},
    )
    return True


def measure_shop(seed: int) -> dict[str, Any]:
    """One shop through the product, and the verdicts."""
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as folder:
        shop = tell(Path(folder), seed, customers=CUSTOMERS, weeks=WEEKS)
        asked = {name: leaving.figures(one) for name, one in leaving.ask(shop, AS_OF).items()}
        return asked | {"unhappy": unhappy.figures(unhappy.judge(shop, AS_OF))}
