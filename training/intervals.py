"""One figure with its 95 % interval, in closed form: an area under the curve, rank correlation, a mean, a share."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from features.inputs.scoring import sigmoid
from training.metrics import Array, auc

FEWEST_RANKED = 10
Z = 1.959963984540054  # of the normal distribution, two-sided 95 %


@dataclass(frozen=True)
class Estimate:
    """A value between the ends of its 95 % interval; NaN where it cannot be told."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


def auc_interval(truth: Array, score: Array) -> Estimate:
    """AUC by DeLong's variance, symmetric in log-odds, so that both ends lie within 0 and 1.

    DeLong, DeLong, Clarke-Pearson: Comparing the areas under two or more correlated receiver operating characteristic
    curves (1988). Where order is perfect, or perfectly wrong, that variance is nothing: the interval is then that of a
    share of the rarer kind. NaN with fewer than two of either kind.
    """
    positive = np.asarray(truth) > 0.5
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if min(ones, zeros) < 2:
        return UNKNOWN
    value = auc(truth, score)
    together, score = rankdata(score), np.asarray(score)
    above = (together[positive] - rankdata(score[positive])) / zeros  # of each one: share of zeros below it
    below = 1 - (together[~positive] - rankdata(score[~positive])) / ones
    error = float(np.sqrt(above.var(ddof=1) / ones + below.var(ddof=1) / zeros))
    if not error or not 0 < value < 1:
        return share_interval(round(value * min(ones, zeros)), min(ones, zeros))
    odds, wide = np.log(value / (1 - value)), Z * error / (value * (1 - value))
    low, high = sigmoid(np.array([odds - wide, odds + wide])).tolist()
    return Estimate(value, low, high)


def rank_interval(truth: Array, score: Array) -> Estimate:
    """Spearman's rank correlation, by Fisher's z with the error of ranks; NaN with fewer than 10 rows or one value.

    Bonett, Wright: Sample size requirements for estimating Pearson, Kendall and Spearman correlations (2000).
    """
    n, a, b = len(truth), rankdata(truth), rankdata(score)
    if n < FEWEST_RANKED or not a.std() or not b.std():
        return UNKNOWN
    value = float(np.corrcoef(a, b)[0, 1])
    if abs(value) >= 1:
        return Estimate(value, value, value)
    middle, wide = np.arctanh(value), Z * float(np.sqrt((1 + value**2 / 2) / (n - 3)))
    return Estimate(value, float(np.tanh(middle - wide)), float(np.tanh(middle + wide)))


def mean_interval(values: Array, clusters: Array | None = None) -> Estimate:
    """The mean, with an interval by its standard error. `clusters` `[n]`: rows of one are not independent.

    NaN with fewer than two independent rows.

    >>> mean_interval(np.array([1.0, 2.0, 3.0])).value
    2.0
    """
    n, mean = len(values), float(np.mean(values)) if len(values) else float("nan")
    _, which = np.unique(np.arange(n) if clusters is None else clusters, return_inverse=True)
    off = np.bincount(which, np.asarray(values, np.float64) - mean)
    if len(off) < 2:
        return UNKNOWN
    error = float(np.sqrt((off**2).sum() * len(off) / (len(off) - 1))) / n
    return Estimate(mean, mean - Z * error, mean + Z * error)


def share_interval(hits: int, n: int) -> Estimate:
    """A share by Wilson's interval, which holds for few rows and for none or all of them; NaN of nothing.

    Wilson: Probable inference, the law of succession, and statistical inference (1927).
    """
    if not n:
        return UNKNOWN
    share, square = hits / n, Z**2 / n
    middle = (share + square / 2) / (1 + square)
    wide = Z / (1 + square) * float(np.sqrt(share * (1 - share) / n + square / (4 * n)))
    return Estimate(share, max(0.0, middle - wide) if hits else 0.0, min(1.0, middle + wide) if hits < n else 1.0)
