"""What goes with what she took: items that share a basket, or follow in the next one.

A basket's item says of another what cosine similarity says: how many baskets hold both, over the root of how many hold
each. A pair of consecutive baskets counts likewise, one item in the earlier, the other in the later.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.recommenders.histories import basket_rows, fading, scaled, strongest
from features.recommenders.sequences import Floats, Ints, Sequences

ITEMS_AT_ONCE = 1000


@dataclass(frozen=True)
class Together:
    """`towards[i, j]`: how far item i speaks for item j; the `most` strongest of each i."""

    name: str
    towards: sparse.csr_array
    fade: float

    @classmethod
    def fit(cls, known: Sequences, *, most: int = 50, fade: float = 0.8, seldom: float = 5.0) -> "Together":
        """Pairs within a basket. `seldom` baskets are added to each item's count: chance pairs of rare items fade."""
        rows = basket_rows(known)
        return cls("together", _similar(rows, rows, most, seldom), fade)

    @classmethod
    def fit_next(cls, known: Sequences, *, most: int = 50, fade: float = 0.8, seldom: float = 5.0) -> "Together":
        """Pairs of one basket and the same owner's next; an item may speak for itself."""
        rows = basket_rows(known)
        earlier = _followed(known)
        return cls("following", _similar(rows[earlier], rows[earlier + 1], most, seldom, itself=True), fade)

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`."""
        found = fading(of, self.fade) @ self.towards
        found.sort_indices()
        return found


def _followed(known: Sequences) -> Ints:
    """Baskets after which their owner has another."""
    owner = known.owner_of_basket
    return np.flatnonzero(owner[:-1] == owner[1:])


def _similar(
    one: sparse.csr_array, other: sparse.csr_array, most: int, seldom: float, *, itself: bool = False
) -> sparse.csr_array:
    by_item = sparse.csr_array(one.T)
    left, right = (1 / np.sqrt(np.maximum(_count(rows) + seldom, 1)) for rows in (one, other))
    parts = []
    for first in range(0, by_item.shape[0], ITEMS_AT_ONCE):
        pairs = by_item[first : first + ITEMS_AT_ONCE] @ other
        row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
        pairs.data *= right[pairs.indices] * (itself | (pairs.indices != row + first))
        parts.append(strongest(scaled(pairs, left[first : first + ITEMS_AT_ONCE]), most))
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, 0))


def _count(rows: sparse.csr_array) -> Floats:
    return np.bincount(rows.indices, minlength=rows.shape[1]).astype(np.float64)
