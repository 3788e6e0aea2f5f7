"""What everybody takes: the share of all baskets that hold an item."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from features.recommenders.sequences import Floats, Ints, Sequences


@dataclass(frozen=True)
class Popularity:
    """The share of baskets with each item, for the `listed` most frequent items; the same row for every owner."""

    name: ClassVar[str] = "popularity"
    item: Ints  # the listed items, ascending
    share: Floats  # of all baskets, of the listed items
    size: int

    @classmethod
    def fit(cls, known: Sequences, *, listed: int = 100) -> "Popularity":
        """Count; ties at the end of the list go to the smaller item number."""
        count = np.bincount(known.item, minlength=known.size)
        order = np.lexsort((np.arange(known.size), -count))[:listed]
        item = np.sort(order[count[order] > 0])
        return cls(item.astype(np.int64), count[item] / max(known.baskets, 1), known.size)

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`."""
        n, listed = len(of), len(self.item)
        indptr = np.arange(n + 1) * listed
        return sparse.csr_array((np.tile(self.share, n), np.tile(self.item, n), indptr), shape=(n, self.size))
