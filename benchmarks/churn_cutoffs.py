"""Churn on Online Retail at several cutoffs: the product as of each, beside BG/NBD, recency, logistic and trees.

At each test cutoff the product is trained as of that moment: its newest window with a known truth ends there. What is
drawn, chosen or calibrated is decided before the cutoff; the 90 days after it are scored once.
"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.comparison import OURS, compare_probabilities, verdict_words
from benchmarks.main_job import ONLINE_RETAIL, find_data
from benchmarks.product import params_of, train_and_score_churn
from benchmarks.purchases import Purchases, read_purchases
from benchmarks.report import write_result
from benchmarks.several_cutoffs import Scored, pooled
from benchmarks.yardsticks.churn import score_yardsticks
from features.home import Home

TESTS = tuple(datetime(2011, month, 10, tzinfo=UTC) for month in (4, 5, 6))
HORIZON_DAYS = 90
STEP = timedelta(days=HORIZON_DAYS)


@dataclass(frozen=True)
class Cutoff:
    """Everybody known at a test cutoff, all methods' probabilities, and how the product chose."""

    at: datetime
    scored: Scored
    trained: dict[str, Any]  # the product's report.json


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the data are absent."""
    path = find_data(ONLINE_RETAIL)
    if path is None:
        print("churn: skipped, its data are absent (online_retail in the data folder)", file=sys.stderr)  # noqa: T201
        return False
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as folder:
        found = measure(Path(folder), path, now)
    _report(now, found)
    return True


def measure(folder: Path, path: Path, now: datetime) -> list[Cutoff]:
    """The product in one home, trained anew as of each test cutoff, and the yardsticks."""
    from pipelines.ingest import ingest

    home = Home.open(folder)
    ingest(home, ONLINE_RETAIL.name, path, now=now, progress=None)
    purchases = read_purchases(ONLINE_RETAIL.source.batches(path))
    return [_measure_one(home, purchases, test) for test in TESTS]


def _measure_one(home: Home, purchases: Purchases, test: datetime) -> Cutoff:
    ours, trained = train_and_score_churn(home, test, params_of(HORIZON_DAYS))
    lapse = score_yardsticks(purchases, train=test - STEP, test=test, horizon_days=HORIZON_DAYS)
    own = np.array([ours[str(name)] for name in purchases.customer_ids[lapse.customers]])
    scores = {OURS: own, **lapse.scores}
    return Cutoff(test, Scored(lapse.customers, lapse.churned.astype(np.float64), scores), trained)


def _report(now: datetime, found: list[Cutoff]) -> None:
    parts: list[dict[str, Any]] = [{"text": protocol_words()}]
    facts: dict[str, Any] = {}
    for one in found:
        table, own = compare_probabilities(one.scored.truth, one.scored.scores)
        key = f"{one.at:%Y-%m-%d}"
        facts[key] = own | {"chosen": one.trained["chosen"], "note": one.trained["compared"].get("note", "")}
        parts += [
            {"heading": f"Cutoff {key}"},
            {
                "text": f"{len(one.scored.truth):,} customers, of whom {one.scored.truth.mean():.1%} did not buy. "
                f"Train cutoff of the yardsticks {one.at - STEP:%Y-%m-%d}. The product chose: {one.trained['chosen']}; "
                f"{one.trained['compared'].get('note', 'level as in the known windows')}."
            },
            table,
            {"text": verdict_words(own)},
        ]
    table, facts["together"] = pooled([one.scored for one in found], OURS)
    parts += [
        {"heading": "The three together"},
        {
            "text": "Means over the three cutoffs; customers drawn with replacement, all rows of a customer with her, "
            "so that windows that overlap are not counted as news."
        },
        table,
        {"text": verdict_words(facts["together"])},
    ]
    write_result(
        "churn",
        title="Churn on Online Retail at several cutoffs",
        order=11,
        command="python -m benchmarks churn",
        today=now.date(),
        parts=parts,
        facts=facts,
    )


def protocol_words() -> str:
    """The protocol, in a paragraph."""
    return (
        "Churn: no purchase in the 90 days from the cutoff, of everybody who bought before it. At each cutoff the "
        "product is trained as of that day: it learns from windows that end by it, at least 28 days after the file "
        "begins on 2010-12-01 (one, two and three of them), chooses among its candidates there and is scored once on "
        "the days that follow. Supervised yardsticks learn 90 days before the cutoff; BG/NBD is fitted to everything "
        "known at it. Overlaps: the truth of the second and third cutoff overlaps by 60 and 59 days with the one "
        "before, so the three tables are not independent; within training, windows 28 days apart overlap too, and a "
        "customer of the newest is then predicted by models that never saw her. No truth of training reaches beyond "
        "the cutoff. That the level is drawn half way to BG/NBD's where the file is younger than two horizons at the "
        "newest known window was decided on windows of 28 and 42 days that end by 2011-04-09, before the first test "
        "cutoff. Intervals: paired bootstrap over customers, 95 %."
    )


if __name__ == "__main__":
    sys.exit(0 if run(datetime.now(UTC)) else 1)
