"""Where two steps over what is viewed together lead: items that nobody viewed with this session's own, but nearly.

A random walk over the graph of items as in Cooper, Lee, Radinsky & Shavitt, "Random Walks in Recommender Systems:
Exact Computation and Simulations" (WWW 2014): from the session's latest items to items viewed near them, and on from
there. It finds what direct neighbours of rarely viewed items miss.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from features.recommenders.base import best
from features.recommenders.sequences import Sequences
from features.recommenders.session_transitions import pairs_within
from features.recommenders.session_views import LatestViews

STEPS = 10  # views that still count as near
OWNERS_AT_ONCE = 500


@dataclass(frozen=True)
class Walk:
    """`step[a, b]`: the chance to go from a to b, kept for the `widest` likeliest b of each a."""

    name: ClassVar[str] = "walk"
    step: sparse.csr_array
    last: int  # how many of the newest views are asked
    fade: float  # weight of a view, relative to the one after it

    @classmethod
    def fit(cls, known: Sequences, *, widest: int = 50, last: int = 10, fade: float = 0.7) -> "Walk":
        """Count pairs in both directions, near ones most."""
        ahead = pairs_within(known, STEPS)
        together = sparse.csr_array(ahead + ahead.T)
        together.sort_indices()
        leaving = np.asarray(together.sum(axis=1)).ravel()
        together.data = together.data / np.repeat(leaving, np.diff(together.indptr))
        kept = best(together, widest)
        return cls(sparse.csr_array((kept.score, (kept.owner, kept.item)), shape=together.shape), last, fade)

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`."""
        parts = [self._part(of, first) for first in range(0, len(of), OWNERS_AT_ONCE)]
        return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, of.size))

    def _part(self, of: Sequences, first: int) -> sparse.csr_array:
        some = of.take(np.arange(first, min(first + OWNERS_AT_ONCE, len(of))))
        views = LatestViews.of(some, self.last)
        asked = sparse.csr_array((self.fade**views.ago, (views.owner, views.item)), shape=(len(some), of.size))
        found = sparse.csr_array(asked @ self.step @ self.step)
        found.sort_indices()
        return found
