"""What those like her take: the mean of the nearest owners' faded frequencies.

The neighbours' half of TIFU-KNN (Hu et al., "Modeling Personalized Item Frequency Information for Next-basket
Recommendation", SIGIR 2020), with a plain fade in place of its groups. An owner who was among the known is her own
neighbour too, which changes nothing in the order of what is not her own.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from features.recommenders.histories import basket_counts, fading, scaled
from features.recommenders.sequences import Floats, Sequences

OWNERS_AT_ONCE = 256


@dataclass(frozen=True)
class Alike:
    """`vectors[n]` is what the n-th of at most `most` known owners has, and `length` its squared length."""

    name: ClassVar[str] = "alike"
    vectors: sparse.csr_array  # [known owners, items]
    length: Floats
    neighbours: int
    fade: float

    @classmethod
    def fit(cls, known: Sequences, *, neighbours: int = 300, fade: float = 0.7, most: int = 20_000) -> "Alike":
        """Of more than `most` owners with baskets, so many are kept, spread evenly."""
        someone = np.flatnonzero(basket_counts(known) > 0)
        if len(someone) > most:
            someone = someone[np.linspace(0, len(someone) - 1, most).astype(np.int64)]
        vectors = frequencies(known.take(someone), fade)
        return cls(vectors, _squared_length(vectors), min(neighbours, len(someone)), fade)

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`; the mean share of her neighbours' baskets, the older counting less."""
        asked = frequencies(of, self.fade)
        parts = [self._part(asked[first : first + OWNERS_AT_ONCE]) for first in range(0, len(of), OWNERS_AT_ONCE)]
        return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, of.size))

    def _part(self, asked: sparse.csr_array) -> sparse.csr_array:
        near = 2 * (asked @ self.vectors.T).toarray() - self.length  # her own length changes no order
        near[np.diff(asked.indptr) == 0] = 0  # of whom nothing is known is as near to everybody
        found = sparse.csr_array(_shares(near, self.neighbours) @ self.vectors)
        found.sort_indices()
        return found


def frequencies(of: Sequences, fade: float) -> sparse.csr_array:
    """`[owners, items]`: faded counts over the number of baskets."""
    return scaled(fading(of, fade), 1 / np.maximum(basket_counts(of), 1))


def _squared_length(vectors: sparse.csr_array) -> Floats:
    return np.asarray(vectors.multiply(vectors).sum(axis=1), np.float64).ravel()


def _shares(near: Floats, nearest: int) -> sparse.csr_array:
    """1 / nearest for the nearest of each row; of those equally near at the end, the first."""
    if not nearest:
        return sparse.csr_array(near.shape)
    last = np.partition(near, -nearest, axis=1)[:, -nearest, None]
    nearer, equal = near > last, near == last
    equal &= np.cumsum(equal, axis=1) <= nearest - nearer.sum(axis=1, keepdims=True)
    chosen = np.flatnonzero(nearer | equal) % near.shape[1]
    starts = np.arange(len(near) + 1) * nearest
    return sparse.csr_array((np.full(chosen.size, 1 / nearest), chosen, starts), shape=near.shape)
