"""A check against inputs that know the future: one that tells by itself what was bought came from after the cutoff."""

from collections.abc import Sequence

import numpy as np

from features.errors import DataError
from training.metrics import Array, auc

TOO_GOOD = 0.99
FEWEST = 100  # bought and not bought rows; among fewer, chance alone may part them
ROWS = 50_000  # looked at; the area is then known to about 0.003


def refuse_leaks(inputs: Array, truth: Array, names: Sequence[str], *, seed: int) -> None:
    """Raise `DataError` where one input, up or down, parts bought from not bought with an AUC of at least 0.99.

    `inputs` is `[rows, names]`, `truth` 0 or 1. Absent values take part as a value of their own, below all others. What
    was known at a cutoff is never this sure of a basket; real shops' best inputs stay below 0.9.
    """
    rows = np.arange(len(truth))
    if len(rows) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, ROWS, replace=False))
    told = truth[rows]
    if min(told.sum(), (1 - told).sum()) < FEWEST:
        return
    for column, name in enumerate(names):
        values = inputs[rows, column].astype(np.float64)
        area = auc(told, np.where(np.isnan(values), -np.inf, values))
        if max(area, 1 - area) >= TOO_GOOD:
            raise DataError(
                f"The input {name} alone tells what was bought in the window (AUC {max(area, 1 - area):.3f}): it knows "
                "what came after. Compute it from what was known as of the cutoff, or leave it out of CANDIDATE_INPUTS."
            )
