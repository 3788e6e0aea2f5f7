"""Canaries of `NextViews`: what was looked at, then what must be proposed first, and the score that must give.

A row holds item numbers, so that it fits where the canaries of other models are (`manifest.json`).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from features.recommenders.next_views import NextViews, new_ones
from features.recommenders.sequences import Ints, Sequences
from features.recommenders.session_views import as_looked_at


def canaries_of(model: NextViews, sessions: Sequence[Ints]) -> dict[str, list[Any]]:
    """Of sessions of item numbers, oldest first, each without its last item; one that leads nowhere is left out."""
    found = [(views, _first(model, views)) for views in (one[:-1].tolist() for one in sessions)]
    told = [(views, first) for views, first in found if first is not None]
    return {"inputs": [[*views, item] for views, (item, _) in told], "expected": [score for _, (_, score) in told]}


def miss(model: NextViews, inputs: Sequence[Sequence[float | None]], expected: Sequence[float]) -> float:
    """The largest distance of a score from what it must be; infinite where another item is proposed first."""
    if not inputs or len(inputs) != len(expected):
        return math.inf
    off = 0.0
    for row, score in zip(inputs, expected, strict=True):
        numbers = [-1 if item is None else int(item) for item in row]
        if not all(0 <= item < len(model.names) for item in numbers):
            return math.inf
        found = _first(model, numbers[:-1])
        if found is None or found[0] != numbers[-1]:
            return math.inf
        off = max(off, abs(found[1] - score))
    return off


def _first(model: NextViews, views: Sequence[int]) -> tuple[int, float] | None:
    item = np.array(views, np.int64)
    asked = Sequences(np.array([0, len(item)]), np.arange(len(item) + 1), item, len(model.names))
    ranked = new_ones(model.ideas, as_looked_at(asked), 1)
    return (int(ranked.item[0]), float(ranked.score[0])) if len(ranked.item) else None
