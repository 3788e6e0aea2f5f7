"""The favourites list on The Complete Journey: does what is told come true, and does the order beat plain frequency?

The rhythm is fitted to October 2017, lists are made as of 1 November and judged by the four weeks after it: validation
data. December is left to the next-basket comparison.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.measure import verdict
from benchmarks.report import write_result
from benchmarks.yardsticks.run_out import days_used_up
from features.errors import SourceError
from features.favourites import DAY, Rhythm, lasting, run_out, survival
from features.inputs.places import places
from pipelines.sources.complete_journey import CompleteJourney
from training.favourites import BoughtRows, bought_again, bought_rows, fit_rhythm
from training.metrics import ListScores, auc, ece, paired_bootstrap, score_lists
from training.purchases import PURCHASE_SCHEMA
from training.retrieval import connect, item_table

FIT, JUDGE = datetime(2017, 10, 4, tzinfo=UTC), datetime(2017, 11, 1, tzinfo=UTC)
WINDOW, K = 28, 10
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moment:
    """What was bought by a cutoff, and when next within the window (epoch seconds, NaN where not)."""

    now: float
    rows: BoughtRows
    again: Floats


def run(now: datetime) -> bool:
    """Measure and write the result; False where the data are not installed."""
    try:
        lines = _lines()
    except SourceError as error:
        print(f"favourites: skipped. {error}")  # noqa: T201
        return False
    with connect(lines) as con:
        then, later = (_moment(con, cutoff) for cutoff in (FIT, JUDGE))
    started = perf_counter()
    rhythm = fit_rhythm(then.rows.bought, then.again, then.now, WINDOW)
    seconds = perf_counter() - started
    told, facts = _comes_true(later, rhythm)
    ranked, lists = _ranked(later, rhythm)
    write_result(
        "favourites",
        title="Favourites: what runs out when (The Complete Journey)",
        order=45,
        command="python -m benchmarks favourites",
        today=now.date(),
        parts=[
            {"text": " ".join(str(__doc__).split("\n\n", 1)[1].split())},
            {"text": f"Fitted in {seconds:.1f} s to {len(then.again):,} items bought by households: {rhythm}."},
            {"heading": "What is told, and what came"},
            {"text": _PLACES.format(facts["places"])},
            told,
            {"heading": f"The {K} likeliest of each list, NDCG and recall of what was bought"},
            ranked,
            {"text": _READING},
        ],
        facts={"rhythm": vars(rhythm), "comes_true": facts, "lists": lists},
    )
    return True


def _lines() -> pa.Table:
    """The purchase lines, as the product's own source converts them."""
    parts = []
    for batch in CompleteJourney().batches():
        bought = batch.events.filter(pc.equal(batch.events["type"], "purchase"))
        nested = bought["lines"].combine_chunks()
        line, parent = pc.list_flatten(nested), pc.list_parent_indices(nested)
        piece = {name: pc.struct_field(line, name) for name in ("item_id", "quantity", "unit_price", "discount")}
        paid = pc.subtract(pc.multiply(piece["quantity"], piece["unit_price"]), piece["discount"])
        owner = bought.select(["customer_id", "order_id", "occurred_at", "received_at"]).take(parent)
        columns = {name: owner[name] for name in owner.column_names}
        columns |= {"item_id": piece["item_id"], "quantity": piece["quantity"], "paid": paid}
        parts.append(pa.table({name: columns[name] for name in PURCHASE_SCHEMA.names}).cast(PURCHASE_SCHEMA))
    return pa.concat_tables(parts)


def _moment(con: Any, cutoff: datetime) -> Moment:
    table = item_table(con, cutoff)
    rows = bought_rows(con, cutoff, table)
    return Moment(cutoff.timestamp(), rows, bought_again(con, rows, table, cutoff, cutoff + timedelta(days=WINDOW)))


def _comes_true(moment: Moment, rhythm: Rhythm) -> tuple[dict[str, Any], dict[str, Any]]:
    """Chances within 1, 7, 14 and 28 days against what was bought, and where in its span each purchase fell."""
    bought = moment.rows.bought
    rows: list[list[Any]] = []
    facts: dict[str, Any] = {}
    for days in (1, 7, 14, 28):
        chance = run_out(bought, moment.now, rhythm, horizon_days=days).probability
        known = ~np.isnan(chance)
        came = (moment.again < moment.now + days * DAY)[known].astype(float)
        figures = {"told": chance[known].mean(), "came": came.mean(), "ece": ece(came, chance[known])}
        figures |= {"auc": auc(came, chance[known]), "auc_count": auc(came, bought.counts[known])}
        facts[f"{days} days"] = {name: round(float(value), 4) for name, value in figures.items()}
        rows.append([days, *(f"{value:.4f}" for value in figures.values())])
    columns = ["days", "mean chance told", "bought", "calibration error", "AUC", "AUC of the count of orders"]
    facts["places"] = _places(moment, rhythm)
    return {"table": {"columns": columns, "rows": rows}}, facts


def _places(moment: Moment, rhythm: Rhythm) -> list[float]:
    """Of what was bought in the window, the shares that fell in each fifth of the chance told for the window."""
    bought, came = moment.rows.bought, np.isfinite(moment.again)
    median, shape, _ = lasting(bought, rhythm)
    since = np.maximum((moment.now - bought.last_at) / DAY, 0.0)
    left, end = survival(since, median, shape), survival(since + WINDOW, median, shape)
    then = survival((moment.again - bought.last_at) / DAY, median, shape)
    place = ((left - then) / (left - end))[came & np.isfinite(median)]
    return [round(float(n), 3) for n in np.histogram(place, 5, (0.0, 1.0))[0] / len(place)]


def _ranked(moment: Moment, rhythm: Rhythm) -> tuple[dict[str, Any], dict[str, Any]]:
    """Our order beside plain orders of the same items, for what was bought within 3, 7 and 28 days."""
    bought, rows = moment.rows.bought, moment.rows
    age = (moment.now - bought.last_at) / DAY
    orders = {
        "favourites": run_out(bought, moment.now, rhythm).probability,
        "frequency": bought.counts + bought.last_at / 1e12,
        "frequency, halved every 90 days": bought.counts * 0.5 ** (age / 90),
        "longest overdue by her mean gap": days_used_up(bought, moment.now),
    }
    shown: list[list[Any]] = []
    facts: dict[str, Any] = {}
    for days in (3, 7, 28):
        came = moment.again < moment.now + days * DAY
        truth = rows.customer[came], rows.item[came]
        scores = {name: _scores(rows, value, truth) for name, value in orders.items()}
        ours = scores["favourites"]
        for name, found in scores.items():
            difference = paired_bootstrap(ours.ndcg, found.ndcg, draws=2000)
            facts[f"{name}, {days} days"] = {"ndcg": float(found.ndcg.mean()), "recall": float(found.recall.mean())}
            told = "" if name == "favourites" else f"{verdict(difference)} {difference}"
            shown.append([days, name, f"{found.ndcg.mean():.4f}", f"{found.recall.mean():.4f}", told])
    return {"table": {"columns": ["days", "order", "NDCG", "recall", "ours less it, NDCG"], "rows": shown}}, facts


def _scores(rows: BoughtRows, value: Floats, truth: tuple[Any, Any]) -> ListScores:
    place = places(rows.customer, -np.where(np.isnan(value), -np.inf, value), rows.item)
    best = place < K
    return score_lists((rows.customer[best], rows.item[best], place[best]), truth, K)


_PLACES = (
    "Of what was bought in the four weeks, the share in each fifth of the chance told (exact would be 0.2 each): {}."
)
_READING = (
    "Households are those that bought any item again. The order is by the chance of need within a fortnight: what her "
    "gap alone calls overdue is, as often as not, given up."
)
