"""Second purchase of first-time buyers, and value: what customers will spend; two real shops, each test scored once."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.amount_figures import compare_amounts, deciles, interval_scores
from benchmarks.comparison import OURS, compare_probabilities, told, verdict_words
from benchmarks.main_job import COMPLETE_JOURNEY, ONLINE_RETAIL, Case, find_data
from benchmarks.people_data import People, read_people
from benchmarks.people_words import protocol_words, second_words, value_words
from benchmarks.report import write_result
from benchmarks.yardsticks.churn import WEEK_DAYS, rfm, weeks
from benchmarks.yardsticks.value import expected_spend
from features.inputs.scoring import Model
from training.bgnbd import fit_bgnbd
from training.churn import train_churn
from training.learners import Matrix, fit_logistic
from training.metrics import Floats, paired_bootstrap
from training.params import ChurnParams
from training.people import Result
from training.second_purchase import ordered_once, second_purchase_rows, train_second_purchase
from training.short_history import is_short
from training.split import cutoffs
from training.value import train_value

SHARE = 0.8
PARAMS = ChurnParams()
CENTS = 100


@dataclass(frozen=True)
class Shop:
    """A data set, its first day, and when its first-time buyers and its spend are tested.

    The groceries are tested on first-time buyers in spring: in December hardly anybody has one order only.
    """

    case: Case
    title: str
    begins: datetime
    second: datetime
    value: datetime


SHOPS = (
    Shop(ONLINE_RETAIL, "Online Retail", datetime(2010, 12, 1, tzinfo=UTC), ONLINE_RETAIL.test, ONLINE_RETAIL.test),
    Shop(
        COMPLETE_JOURNEY,
        "The Complete Journey",
        datetime(2017, 1, 1, tzinfo=UTC),
        datetime(2017, 4, 23, tzinfo=UTC),
        COMPLETE_JOURNEY.test,
    ),
)


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where any of the data are absent."""
    paths = [find_data(shop.case) for shop in SHOPS]
    if None in paths:
        missing = [shop.title for shop, path in zip(SHOPS, paths, strict=True) if path is None]
        print(f"people: skipped, its data are absent: {', '.join(missing)}", file=sys.stderr)  # noqa: T201
        return False
    parts: list[dict[str, Any]] = [{"text": protocol_words(SHARE)}]
    facts: dict[str, Any] = {}
    for shop, path in zip(SHOPS, paths, strict=True):
        assert path is not None
        with TemporaryDirectory(prefix="tahdikas-benchmark-") as folder:
            people = read_people(Path(folder), shop.case, path, _moments(shop), now=now)
        for name, (own, found) in {"second": second_purchase(people, shop), "value": value(people, shop)}.items():
            parts += own
            facts.setdefault(shop.case.name, {})[name] = found
    write_result(
        "people",
        title="Second purchase, and value: Online Retail and The Complete Journey",
        order=12,
        command="python -m benchmarks people",
        today=now.date(),
        parts=parts,
        facts=facts,
    )
    return True


def _moments(shop: Shop) -> list[datetime]:
    return [moment for test in {shop.second, shop.value} for moment in (test, *_known(shop, test))]


def _known(shop: Shop, test: datetime) -> list[datetime]:
    """Cutoffs to learn from, newest first, as the product takes them."""
    told = PARAMS.model_dump(include={"step_days", "min_history_days"}) | {"count": PARAMS.cutoffs}
    return cutoffs(test, shop.begins, window_days=shop.case.horizon_days, **told)


def second_purchase(people: People, shop: Shop) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Parts and facts: who of those with one order came back."""
    test, names, horizon = people.groups[shop.second], people.names, people.horizon_days
    known = [people.groups[moment] for moment in _known(shop, shop.second)]
    today = _today(people, shop, shop.second)
    own = second_purchase_rows(test, names)
    once = ordered_once(test.inputs, names)
    ours = train_second_purchase(known, names, horizon, PARAMS, today)
    churn = train_churn(known, names, horizon, PARAMS, today)
    newest = second_purchase_rows(known[0], names)
    recency = fit_logistic(newest.inputs, newest.truth, names, ["recency_days"])
    frame = rfm(people.purchases, shop.second)
    silent = fit_bgnbd(*weeks(frame, shop.second)).silent(
        *weeks(frame.loc[people.numbers(test.customers)], shop.second), ahead=horizon / WEEK_DAYS
    )
    scores = {
        OURS: _model(ours).probability(own.inputs, names),
        "recency": recency.model.raw(own.inputs, names),
        "BG/NBD": 1 - silent[once],
        "churn model, turned": 1 - _model(churn).probability(own.inputs, names),
    }
    table, facts = compare_probabilities(own.truth, scores)
    words = second_words(shop.title, shop.second, own.truth, horizon, ours)
    facts |= {"customers": len(own.truth), "came_back": float(own.truth.mean()), "chosen": ours.chosen}
    rivals = {name: facts[name] for name in scores}
    return [
        {"heading": f"Second purchase, {shop.title}"},
        {"text": words},
        table,
        {"text": verdict_words(rivals)},
    ], facts


def value(people: People, shop: Shop) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Parts and facts: what everybody spends."""
    names, horizon = people.names, people.horizon_days
    test = people.spend(shop.value)
    known = [people.spend(moment) for moment in _known(shop, shop.value)]
    found = train_value(known, names, horizon, PARAMS, _today(people, shop, shop.value))
    amounts = {
        OURS: found.model.expected(test.inputs, names),
        "its two parts alone": found.model.two_parts(test.inputs, names),
        **expected_spend(people.purchases, people.numbers(test.customers), shop.value, horizon),
    }
    shown = {name: p / CENTS for name, p in amounts.items()}
    table, facts = compare_amounts(test.truth / CENTS, shown, OURS)
    tenths, facts["deciles"] = deciles(
        test.truth / CENTS, {name: shown[name] for name in (OURS, "BG/NBD + Gamma-Gamma")}
    )
    low, high = found.model.interval(test.inputs, names, SHARE)
    everybody = np.full(len(low), np.quantile(known[0].truth, SHARE))
    facts["interval"] = {
        OURS: _interval(test.truth, low, high),
        "nothing to the same for everybody": _interval(test.truth, np.zeros(len(low)), everybody),
    }
    facts["interval_ours_better_by"] = told(
        paired_bootstrap(
            -interval_scores(test.truth, low, high, SHARE) / CENTS,
            -interval_scores(test.truth, np.zeros(len(low)), everybody, SHARE) / CENTS,
        )
    )
    rivals = {name: facts[name] for name in amounts}
    words = value_words(shop.title, shop.value, test.truth / CENTS, horizon, found)
    facts |= {"chosen": found.chosen, "amount_errors": found.amounts.errors}
    parts = [
        {"heading": f"Value, {shop.title}"}, {"text": words}, table, {"text": verdict_words(rivals)},
        {"text": "Calibration in tenths by each method's own order:"}, tenths, _interval_table(facts),
    ]  # fmt: skip
    return parts, facts


def _model(result: Result) -> Model:
    return Model(result.fitted.spec, result.calibration, result.fitted.boosters)


def _today(people: People, shop: Shop, test: datetime) -> Matrix | None:
    """Inputs of everybody at the test cutoff, where history is short."""
    short = is_short(shop.begins, _known(shop, test)[0], people.horizon_days)
    return people.groups[test].inputs if short else None


def _interval(truth: Floats, low: Floats, high: Floats) -> dict[str, float]:
    return {
        "coverage": float(np.mean((low <= truth) & (truth <= high))),
        "below": float(np.mean(truth < low)),
        "above": float(np.mean(truth > high)),
        "width": float(np.mean(high - low)) / CENTS,
        "score": float(np.mean(interval_scores(truth, low, high, SHARE))) / CENTS,
    }


def _interval_table(facts: dict[str, Any]) -> dict[str, Any]:
    better = facts["interval_ours_better_by"]
    rows = [
        [f"**{name}**" if name == OURS else name]
        + [f"{own[key]:.1%}" for key in ("coverage", "below", "above")]
        + [
            f"{own['width']:.0f}",
            f"{own['score']:.0f}",
            "" if name == OURS else f"{better['text']} {better['verdict']}",
        ]
        for name, own in facts["interval"].items()
    ]
    columns = [f"interval of {SHARE:.0%}", "inside", "below", "above", "mean width", "interval score"]
    return {"table": {"columns": [*columns, f"{OURS} better by, interval score"], "rows": rows}}


if __name__ == "__main__":
    sys.exit(0 if run(datetime.now(UTC)) else 1)
