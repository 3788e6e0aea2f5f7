"""Names for the array types the simulated shop computes with, and the small vector draws they share."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]


def chance(rng: np.random.Generator, probability: Floats | float, size: int) -> Flags:
    """One independent coin per element."""
    return rng.random(size) < probability


def pick(rng: np.random.Generator, weights: Floats) -> Ints:
    """One column per row, drawn in proportion to the non-negative weights [rows, columns]."""
    cumulative = np.cumsum(weights, axis=1)
    threshold = rng.random(len(weights)) * cumulative[:, -1]
    drawn: Ints = np.minimum((cumulative <= threshold[:, None]).sum(axis=1), weights.shape[1] - 1)
    return drawn


def positions(counts: Ints) -> Ints:
    """0..count-1 within each group, groups one after another.

    >>> positions(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    starts = np.cumsum(counts) - counts
    return np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(starts, counts)
