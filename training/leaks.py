"""A check against inputs that know the future: one that tells the truth by itself came from after the cutoff."""

from collections.abc import Sequence

import numpy as np

from features.errors import DataError
from training.metrics import Array, auc

TOO_GOOD = 0.99
FEWEST = 100  # rows of either kind; among fewer, chance alone may part them
ROWS = 50_000  # looked at; the area is then known to about 0.003


def refuse_leaks(
    inputs: Array,
    truth: Array,
    names: Sequence[str],
    *,
    seed: int,
    what: str = "what was bought in the window",
    where: str = "CANDIDATE_INPUTS",
) -> None:
    """Raise `DataError` where one input, up or down, parts the two kinds of rows with an AUC of at least 0.99.

    `inputs` is `[rows, names]`, `truth` 0 or 1. Absent values take part as a value of their own, below all others. What
    was known at a cutoff is never this sure of what people do; real shops' best inputs stay below 0.9. `what` is the
    truth, and `where` the list of inputs, in the words of the message.
    """
    if leak := leak_in(inputs, truth, names, seed=seed):
        name, area = leak
        raise DataError(
            f"The input {name} alone tells {what} (AUC {area:.3f}): it knows what came after. Compute it from what was "
            f"known as of the cutoff, or leave it out of {where}."
        )


def leak_in(inputs: Array, truth: Array, names: Sequence[str], *, seed: int) -> tuple[str, float] | None:
    """The first such input with its area, 0.99 to 1; None where there is none, or too few rows to tell."""
    rows = np.arange(len(truth))
    if len(rows) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, ROWS, replace=False))
    told = truth[rows]
    if min(told.sum(), (1 - told).sum()) < FEWEST:
        return None
    for column, name in enumerate(names):
        values = inputs[rows, column].astype(np.float64)
        area = auc(told, np.where(np.isnan(values), -np.inf, values))
        if max(area, 1 - area) >= TOO_GOOD:
            return name, max(area, 1 - area)
    return None
