"""The simplest learner at parity, and means with intervals, where a customer may have several rows."""

from collections.abc import Mapping

import numpy as np

from training.coupons import ratio
from training.metrics import Array, Difference, Floats, paired_bootstrap


def simplest_at_parity(customers: Array, losses: Mapping[str, Floats], draws: int, seed: int) -> str:
    """The first candidate that the best does not beat: the interval over customers includes zero.

    `losses` holds one number a row for each candidate, simplest first; lower is better.
    """
    best = min(losses, key=lambda name: float(losses[name].mean()))
    for name, lost in losses.items():
        if name == best or not mean_by_customer(customers, lost - losses[best], draws, seed).better:
            return name
    return best


def mean_by_customer(customers: Array, values: Floats, draws: int, seed: int) -> Difference:
    """The mean over rows with its 95 % interval, all rows of a customer drawn together with replacement."""
    _, who = np.unique(customers, return_inverse=True)
    sums, size = np.bincount(who, values).astype(np.float64), np.bincount(who).astype(np.float64)
    return paired_bootstrap(sums, np.zeros(len(sums)), truth=size, metric=ratio, draws=draws, seed=seed)
