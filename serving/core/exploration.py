"""Exploration: seeded draws over the survivors, with the exact probability of each.

Positions are drawn one after another, each without those before it. A position's probabilities are unrounded and sum
to one over its candidates; a blocked action has probability zero and is never drawn. A draw is a function of its seed,
so a list and a request in the same time bucket agree.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from serving.core.conditions import Bools, Floats

_SCALE = 2.0**-53


def chances(gain: Floats, allowed: Bools, epsilon: Floats, firm: Bools) -> Floats:
    """Probabilities [n, m] of one position: epsilon spread over all k allowed, the rest on the best of them.

    Where the best is `firm` (service, recovery), all goes to it: nobody's case is an experiment. Each row needs an
    allowed action.

    >>> chances(np.array([[2.0, 1.0, 9.0]]), np.array([[True, True, False]]), np.array([0.2]), np.zeros((1, 3), bool))
    array([[0.9, 0.1, 0. ]])
    """
    best = np.where(allowed, gain, -np.inf).argmax(axis=1)
    rows = np.arange(len(gain))
    share = np.where(firm[rows, best], 0.0, epsilon)
    spread = np.zeros(gain.shape)
    if np.count_nonzero(share):  # few policies explore
        count = np.add.reduce(allowed, axis=1, dtype=np.int64)
        spread = np.where(allowed, (share / count)[:, None], 0.0)
    spread[rows, best] += 1.0 - share
    return spread


def draw(probability: Floats, at: Floats) -> NDArray[np.int64]:
    """One column a row, drawn by inversion; `at` is in [0, 1). Zero-probability columns are never drawn."""
    edges = probability.cumsum(axis=1)
    edges /= edges[:, -1:]
    return np.asarray(np.add.reduce(edges <= at[:, None], axis=1, dtype=np.int64))


def explored_order(weights: Sequence[float], uniform: Sequence[float]) -> tuple[list[int], list[float]]:
    """Positions filled one after another, each in proportion to the weights of those left (Plackett-Luce).

    One draw a number of `uniform`, in [0, 1). Gives the places drawn and the conditional probability of each; a weight
    below a thousandth of the largest counts as that, so that everything has a chance.

    >>> explored_order([3.0, 1.0], [0.9, 0.9])
    ([1, 0], [0.25, 1.0])
    """
    floor = max(weights, default=0.0) / 1000 or 1.0
    left = {place: max(weight, floor) for place, weight in enumerate(weights)}
    drawn, chances = [], []
    for at in uniform[: len(weights)]:
        total = sum(left.values())
        reached = accumulate(left.values())
        place = next((p for p, end in zip(left, reached, strict=True) if at * total < end), next(reversed(left)))
        chances.append(left.pop(place) / total)
        drawn.append(place)
    return drawn, chances


def bucket_of(now: datetime, seconds: float) -> int:
    """The number of the time bucket `now` falls into; buckets start at 1970 and are closed at their start."""
    return int(now.timestamp() // seconds)


def seed_of(*parts: str) -> str:
    """The seed of the draws as 64 hex digits: a hash of salt, customer, placement, policy and time bucket."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def uniforms(seed: str, positions: int) -> Floats:
    """`positions` numbers in [0, 1) from a seed, each with 53 random bits."""
    return np.array([uniform(seed, place) for place in range(positions)])


def uniform(seed: str, place: int = 0) -> float:
    """The one of `uniforms` at a place."""
    block = hashlib.sha256(f"{seed}\x1f{place}".encode()).digest()
    return (int.from_bytes(block[:8], "big") >> 11) * _SCALE


def arm_of(salt: str, key: str, shares: Sequence[tuple[str, float]]) -> str:
    """The experiment arm of a customer: the same for ever for the same salt and key; `treated` beyond the shares."""
    at = uniform(seed_of(salt, "arm", key))
    reached = 0.0
    for name, share in shares:
        reached += share
        if at < reached:
            return name
    return "treated"
