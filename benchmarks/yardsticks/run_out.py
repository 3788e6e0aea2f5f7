"""A plain rule for what runs out first: how much of her mean gap has passed; what is four gaps overdue comes last."""

import numpy as np
import numpy.typing as npt

from features.favourites import DAY, Bought

GIVEN_UP = 4.0
Floats = npt.NDArray[np.float64]


def days_used_up(bought: Bought, now: float) -> Floats:
    """More is sooner: the share of her mean gap that has passed, at most 1, then the orders; bought once: nothing."""
    gap = (bought.last_at - bought.first_at) / np.maximum(bought.counts - 1, 1)
    known = (bought.counts > 1) & (gap > DAY / 2)
    passed = np.where(known, (now - bought.last_at) / np.where(known, gap, 1), 0.0)
    score = np.minimum(passed, 1.0) * 1e3 + bought.counts
    return np.where(known, np.where(passed > GIVEN_UP, score - 1e6, score), -1e9)
