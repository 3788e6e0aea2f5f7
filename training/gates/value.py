"""Gates of value: what customers spend within the horizon, in minor units, against a simple figure and the champion."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from training.gates.verdict import Gate, at_least, at_most, not_inferior, not_worse
from training.metrics import Array, paired_bootstrap
from training.params import PromotionParams


@dataclass(frozen=True)
class ValueEvidence:
    """Validation customers: what they spent, and what challenger, baseline and champion (None: none) expected."""

    truth: Array
    challenger: Array
    baseline: Array
    champion: Array | None


def value_gates(found: ValueEvidence, params: PromotionParams) -> list[Gate]:
    """Enough customers, their order not worse than by the baseline, the sum right, errors no larger than the
    champion's."""
    n = len(found.truth)
    order = paired_bootstrap(found.challenger, found.baseline, truth=found.truth, metric=rank_correlation, draws=400)
    gates = [
        at_least("value_customers", n, params.min_customers, "customers in the validation window"),
        not_worse("value_against_baseline", order, "rank correlation with spend less the baseline's"),
        _sum_right(found.truth, found.challenger, params),
    ]
    if found.champion is not None:
        theirs = np.abs(found.champion - found.truth)
        less = paired_bootstrap(theirs, np.abs(found.challenger - found.truth))
        margin = params.max_error_loss * float(theirs.mean())
        told = "the champion's absolute error less its own, minor units"
        gates.append(not_inferior("value_against_champion", less, margin, n, told))
    return gates


def rank_correlation(truth: Array, score: Array) -> float:
    """Spearman's: Pearson's correlation of the ranks, ties halved; NaN where either has one value only.

    >>> round(rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([0.1, 0.3, 0.2])), 3)
    0.5
    """
    a, b = rankdata(truth), rankdata(score)
    a, b = a - a.mean(), b - b.mean()
    wide = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / wide if wide else float("nan")


def _sum_right(truth: Array, expected: Array, params: PromotionParams) -> Gate:
    """Expected and observed sums lie no further apart than the limit and two standard errors, as shares of observed."""
    observed = float(truth.sum())
    apart = abs(float(expected.sum()) - observed) / observed if observed else float("inf")
    chance = 2 * float(np.std(truth - expected)) * float(np.sqrt(len(truth))) / observed if observed else 0.0
    told = f"expected {expected.sum():,.0f}, spent {observed:,.0f}: apart by a share of"
    return at_most("value_level", apart, params.max_value_gap + chance, told)
