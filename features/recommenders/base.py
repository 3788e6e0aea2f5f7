"""What every recommender is: something fitted on what owners took, that scores what others take next.

The contract, which `tests/features/recommenders/contract.py` holds every idea to: scores are positive and finite; a row
depends on its own owner only, whoever else is asked about; the same sequences give the same scores, bit for bit; an
owner of whom nothing is known gets a row too, be it empty.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from features.recommenders.sequences import Floats, Ints, Sequences


class Recommender(Protocol):
    """One fitted idea of what comes next."""

    @property
    def name(self) -> str:
        """A word for tables and columns."""

    def scores(self, of: Sequences) -> sparse.csr_array:
        """`[owners, items]`, positive where the idea says anything; more is likelier. No other unit is promised."""


@dataclass(frozen=True)
class Lists:
    """Ranked items: owner `owner[r]` has `item[r]` at `place[r]` (from 0); grouped by owner, best first."""

    owner: Ints
    item: Ints
    place: Ints
    score: Floats

    def first(self, k: int) -> "Lists":
        """The first `k` of each list."""
        kept = self.place < k
        return Lists(self.owner[kept], self.item[kept], self.place[kept], self.score[kept])


def best(scores: sparse.csr_array, k: int) -> Lists:
    """The `k` highest scores of each row; equal scores go by the smaller item number."""
    kept = _contenders(scores, k)
    owner = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))[kept]
    item, score = scores.indices[kept].astype(np.int64), scores.data[kept].astype(np.float64)
    order = np.lexsort((item, -score, owner))
    sizes = np.bincount(owner, minlength=scores.shape[0])
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = order[place < k]
    return Lists(owner[rows], item[rows], place[place < k], score[rows])


def _contenders(scores: sparse.csr_array, k: int) -> Ints:
    """Entries not below the `k`-th of their row: sorting all of a long row would take most of the time."""
    lowest = np.full(scores.shape[0], -np.inf)
    for row in np.flatnonzero(np.diff(scores.indptr) > k):
        data = scores.data[scores.indptr[row] : scores.indptr[row + 1]]
        lowest[row] = np.partition(data, len(data) - k)[len(data) - k] if k else np.inf
    return np.flatnonzero(scores.data >= np.repeat(lowest, np.diff(scores.indptr)))


def look_up(scores: sparse.csr_array, owner: Ints, item: Ints) -> Floats:
    """The scores of (owner, item) pairs, 0 where there is none."""
    if not len(owner):
        return np.empty(0)
    return np.asarray(scores[owner, item], np.float64).ravel()
