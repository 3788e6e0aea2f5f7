"""Paired differences of policies over seeds, with studentised bootstrap intervals: honest for a dozen of shops."""

from collections.abc import Sequence

import numpy as np

from pipelines.shop.arrays import Floats
from training.metrics import Difference

DRAWS = 4000


def over_seeds(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> Difference:
    """The mean of ours - theirs with its 95 % bootstrap-t interval (Efron and Tibshirani 1993, chapter 12.5).

    One value a shop, the same shops in both. A percentile interval over so few would be too narrow.

    >>> over_seeds([3.0, 3.0, 3.0], [1.0, 1.0, 1.0])
    Difference(value=2.0, low=2.0, high=2.0)
    """
    apart: Floats = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    n, mean = len(apart), float(apart.mean())
    error = _error(apart)
    if n < 2 or error < 1e-12:
        return Difference(mean, mean, mean)
    drawn = apart[np.random.default_rng(seed).integers(0, n, (DRAWS, n))]
    errors = _error(drawn)
    varied = errors > 1e-6 * error  # a draw of one shop alone has none
    drawn, errors = drawn[varied], errors[varied]
    low, high = np.quantile((drawn.mean(axis=1) - mean) / errors, [0.025, 0.975])
    return Difference(mean, float(mean - high * error), float(mean - low * error))


def _error(values: Floats) -> Floats:
    """The standard error of the mean along the last axis."""
    n = values.shape[-1]
    error: Floats = values.std(axis=-1) / np.sqrt(max(n - 1, 1))
    return error
