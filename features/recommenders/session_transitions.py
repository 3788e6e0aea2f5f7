"""What follows what: items seen a few views after an item, near ones counted most.

Sequential rules with distance decay as in Kamehkhosh, Jannach & Ludewig, "A Comparison of Frequent Pattern Techniques
and a Deep Learning Method for Session-Based Recommendation" (2017): a pair at distance d counts 1 / d. The session's
own latest items are asked, each with a weight that fades by its distance from the end.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.recommenders.sequences import Sequences
from features.recommenders.session_views import LatestViews


@dataclass(frozen=True)
class Transitions:
    """`follows[a, b]`: how often b comes within `steps` views of a, over how often a is there, a little damped."""

    name: str
    follows: sparse.csr_array
    last: int  # how many of the newest views are asked
    fade: float  # weight of the view before, relative to the one after it

    @classmethod
    def fit(
        cls,
        known: Sequences,
        *,
        name: str = "next",
        steps: int = 10,
        last: int = 1,
        fade: float = 0.5,
        damping: float = 5.0,
    ) -> "Transitions":
        """Count the pairs of each session."""
        seen = np.bincount(known.item, minlength=known.size) + damping
        follows = pairs_within(known, steps)
        follows.data = follows.data / np.repeat(seen, np.diff(follows.indptr))
        return cls(name, follows, last, fade)

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`."""
        views = LatestViews.of(of, self.last)
        asked = sparse.csr_array((self.fade**views.ago, (views.owner, views.item)), shape=(len(of), of.size))
        found = sparse.csr_array(asked @ self.follows)
        found.sort_indices()
        return found


def pairs_within(known: Sequences, steps: int) -> sparse.csr_array:
    """`[items, items]` sums of 1 / distance over all pairs of views at most `steps` apart in one session.

    Added up distance by distance: the pairs of one distance are in memory at a time.
    """
    place, shape = known.basket_of, (known.size, known.size)
    found = sparse.csr_array(shape)
    for distance in range(1, min(steps + 1, len(known.item))):
        a, b = known.item[:-distance], known.item[distance:]
        same = (known.owner[:-distance] == known.owner[distance:]) & (place[:-distance] < place[distance:])
        if same.any():
            found += sparse.csr_array((np.full(int(same.sum()), 1 / distance), (a[same], b[same])), shape=shape)
    return found
