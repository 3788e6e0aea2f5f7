"""Paired differences of policies over shops, with bootstrap intervals that are honest for a dozen of them."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, t

from pipelines.shop.arrays import Floats
from training.metrics import Difference

DRAWS = 10_000


def over_shops(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> Difference:
    """The mean of ours - theirs with its 95 % expanded percentile interval; one value a shop, the same shops in both.

    A percentile interval over n shops is too narrow by about sqrt(1 - 1/n) and by taking the normal's quantiles for
    Student's; its tails are widened by both (Hesterberg 2015, What Teachers Should Know About the Bootstrap, 5.3).

    >>> over_shops([3.0, 3.0, 3.0], [1.0, 1.0, 1.0])
    Difference(value=2.0, low=2.0, high=2.0)
    """
    apart: Floats = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    n, mean = len(apart), float(apart.mean())
    if n < 2:
        return Difference(mean, mean, mean)
    tail = float(norm.cdf(np.sqrt(n / (n - 1)) * t.ppf(0.025, n - 1)))
    drawn = apart[np.random.default_rng(seed).integers(0, n, (DRAWS, n))].mean(axis=1)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Difference(mean, float(low), float(high))
