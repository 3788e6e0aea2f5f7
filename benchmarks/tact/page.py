"""What the benchmark page says of the policies: figures, differences, the course of satisfaction, other assumptions."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import verdict
from benchmarks.tact.differences import over_shops
from benchmarks.tact.outcomes import Outcome
from benchmarks.tact.runs import (
    BASE,
    MAILING,
    NEWS_ONLY,
    NOTHING,
    PERSUADABLE,
    POLICIES,
    RANKING,
    RECHECKED,
    SELLING,
    TACT,
    UNHELD,
)
from training.metrics import Difference

Runs = Sequence[Mapping[str, Outcome]]
"""One entry a shop: the outcomes by policy."""


class Measure(NamedTuple):
    """A figure of `Outcome`, in words; `sign` is 1 where more is better, -1 where less is, 0 where neither."""

    key: str
    words: str
    digits: int
    sign: int


MEASURES = (
    Measure("satisfaction_end", "satisfaction at the end", 3, 1),
    Measure("satisfaction", "over the year", 3, 1),
    Measure("left_percent", "left, %", 1, -1),
    Measure("orders", "orders", 3, 1),
    Measure("ordered_lately_percent", "ordered in the last quarter, %", 1, 1),
    Measure("margin_eur", "margin, EUR", 2, 1),
    Measure("discount_eur", "discounts, EUR", 2, 0),
    Measure("letters", "offers sent", 1, 0),
    Measure("letters_in_trouble", "of them in trouble, per 100 customers", 1, 0),
    Measure("messages_percent", "of all sent, service and care, %", 1, 0),
)
JUDGED = tuple(measure for measure in MEASURES if measure.sign)
TOLD = tuple(m for m in JUDGED if m.key in ("satisfaction_end", "left_percent", "orders", "margin_eur"))

PAIRS = (
    (TACT, MAILING),
    (TACT, NEWS_ONLY),
    (TACT, RANKING),
    (TACT, UNHELD),
    (TACT, SELLING),
    (TACT, NOTHING),
    (RECHECKED, MAILING),
    (MAILING, NOTHING),
    (PERSUADABLE, TACT),
)
TESTED = ((TACT, SELLING), (TACT, UNHELD), (TACT, MAILING), (TACT, NOTHING))
"""The pairs that are run again under other assumptions."""


def difference(runs: Runs, ours: str, theirs: str, measure: Measure) -> Difference:
    """How much better ours is, over the shops."""
    sign = measure.sign or 1
    return over_shops(
        [sign * run[ours].figures[measure.key] for run in runs],
        [sign * run[theirs].figures[measure.key] for run in runs],
    )


def mean(runs: Runs, policy: str, key: str) -> float:
    """A figure of a policy, averaged over the shops."""
    return float(np.mean([run[policy].figures[key] for run in runs]))


def figures_table(runs: Runs) -> dict[str, Any]:
    """Each policy's figures, averaged over the shops."""
    rows = [[policy, *(f"{mean(runs, policy, m.key):.{m.digits}f}" for m in MEASURES)] for policy in POLICIES]
    return {"table": {"columns": ["sent", *(m.words for m in MEASURES)], "rows": rows}}


def differences_table(runs: Runs) -> dict[str, Any]:
    """Each pair's differences with their intervals and verdicts."""
    rows = [[f"{a} - {b}", *(_told(difference(runs, a, b, m), m) for m in JUDGED)] for a, b in PAIRS]
    columns = ["the first better by", *(m.words if m.sign > 0 else f"fewer {m.words}" for m in JUDGED)]
    return {"table": {"columns": columns, "rows": rows}}


def assumptions_table(variants: Mapping[str, Runs]) -> dict[str, Any]:
    """The tested pairs under each assumption."""
    rows = [
        [name, f"{a} - {b}", *(_told(difference(runs, a, b, m), m) for m in TOLD)]
        for name, runs in variants.items()
        for a, b in TESTED
        if {a, b} <= set(runs[0])
    ]
    columns = ["assumed", "the first better by", *(m.words if m.sign > 0 else f"fewer {m.words}" for m in TOLD)]
    return {"table": {"columns": columns, "rows": rows}}


def in_words(runs: Runs, ours: str, theirs: str, measures: Sequence[Measure] = JUDGED) -> str:
    """Wins, losses and parity of a pair in one sentence; losses are never left out.

    The words are those of the table's columns.
    """
    found: dict[str, list[str]] = {"win": [], "loss": [], "parity": []}
    for measure in measures:
        found[verdict(difference(runs, ours, theirs, measure))].append(measure.words)
    told = [f"**{word}** in {', '.join(names)}" for word, names in found.items() if names]
    return f"{ours} against {theirs}: {'; '.join(told)}."


def courses(runs: Runs) -> dict[str, Any]:
    """Mean satisfaction by week of each policy, over the shops."""
    return {policy: np.mean([run[policy].weekly for run in runs], axis=0) for policy in POLICIES}


def facts(variants: Mapping[str, Runs]) -> dict[str, Any]:
    """Every shop's figures, for machines; and the base case's differences."""
    return {
        "figures": {
            name: {policy: [run[policy].figures for run in runs] for policy in runs[0]}
            for name, runs in variants.items()
        },
        "differences": {
            f"{a} - {b}": {m.key: list(difference(variants[BASE.name], a, b, m).__dict__.values()) for m in JUDGED}
            for a, b in PAIRS
        },
    }


def _told(found: Difference, measure: Measure) -> str:
    digits = measure.digits
    return f"{found.value:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}] {verdict(found)}"
