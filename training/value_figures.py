"""How well value was expected of the newest window, by parts that had not seen each customer, beside rates alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import rankdata

from features.inputs.scoring import Matrix, Model, Spec
from features.inputs.value import ValueModel, Worth
from training.metrics import Array, Difference, Floats, paired_bootstrap, reliability

DRAWN_OF = 5_000
"""Customers that intervals of differences are drawn over, evenly taken where there are more."""


@dataclass(frozen=True)
class ValueFigures:
    """What was expected `[n]`, by rates alone `[n]`, and figures of both against what each customer brought."""

    worth: Worth
    by_rates: Floats
    scores: dict[str, dict[str, float]]  # champion, rates -> figure -> value
    differences: dict[str, Difference]  # figure -> how much the choice is better than rates alone
    reliability: list[dict[str, float]]


def value_figures(
    model: ValueModel,
    leaves: Array,
    log_amount: Array,
    truth: Array,
    inputs: Matrix,
    names: Sequence[str],
    seed: int,
) -> ValueFigures:
    """`leaves` and `log_amount` `[n]` are predictions of the two parts by fits without each customer.

    Figures: `rank` (Spearman's correlation), `mae` (minor units), `level` (mean expected over mean truth), `inside`
    (share whose truth lies in the interval).
    """
    apart = replace(model, amount=Model(_GIVEN, _AS_IS, {}))
    worth = apart.worth(np.column_stack([inputs, log_amount]), [*names, "log_amount"], leaves)
    rates = model.rates.expected(inputs, names)
    inside = np.mean((worth.low <= truth) & (truth <= worth.high))
    scores = {"champion": _scores(truth, worth.expected) | {"inside": float(inside)}, "rates": _scores(truth, rates)}
    some = np.unique(np.linspace(0, len(truth) - 1, DRAWN_OF).astype(int))
    ours, theirs, real = worth.expected[some], rates[some], truth[some]
    differences = {
        "rank": paired_bootstrap(ours, theirs, truth=real, metric=rank_correlation, draws=500, seed=seed),
        "mae": paired_bootstrap(-np.abs(ours - real), -np.abs(theirs - real), draws=500, seed=seed),
    }
    return ValueFigures(worth, rates, scores, differences, reliability(truth, worth.expected))


_GIVEN: Spec = {"kind": "column", "inputs": ["log_amount"]}
_AS_IS: Spec = {"kind": "none"}


def rank_correlation(truth: Array, p: Array) -> float:
    """Spearman's: the correlation of ranks, ties at their mean rank; 0 where one is the same for everybody."""
    a, b = rankdata(truth), rankdata(p)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _scores(truth: Array, p: Array) -> dict[str, float]:
    return {
        "rank": rank_correlation(truth, p),
        "mae": float(np.mean(np.abs(p - truth))),
        "level": float(np.mean(p) / np.mean(truth)),
    }
