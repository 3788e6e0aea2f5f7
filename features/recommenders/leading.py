"""What her history leads to: a ridge regression of the next basket on everything before it.

One linear model an item, all solved at once in closed form (Hoerl and Kennard, 1970; EASE does so for what is taken
together: Steck, WWW 2019; here the past predicts the future, so that an item may speak for itself). Unlike pair counts
it knows that two items which always go together say the same thing twice.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import linalg, sparse

from features.recommenders.histories import basket_counts, fading, scaled, strongest
from features.recommenders.sequences import Floats, Ints, Sequences


@dataclass(frozen=True)
class Leading:
    """`towards[i, j]`: how far item i in her history raises item j in her next basket."""

    name: ClassVar[str] = "leading"
    towards: sparse.csr_array
    fade: float

    @classmethod
    def fit(
        cls,
        known: Sequences,
        *,
        items: int = 1500,
        fade: float = 0.9,
        penalty: float = 60.0,
        steps: int = 5,
        most: int = 150,
    ) -> "Leading":
        """Among the `items` most frequent ones, from each owner's last `steps` baskets and what was before each."""
        before, after = _steps(known, fade, steps)
        kept = np.sort(np.argsort(-np.bincount(known.item, minlength=known.size), kind="stable")[:items])
        solved = _ridge(before[:, kept], after[:, kept], penalty)
        return cls(_spread(solved, kept, known.size, most), fade)

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`; roughly a chance."""
        found = sparse.csr_array(history(of, self.fade) @ self.towards)
        found.sort_indices()
        return found


def history(of: Sequences, fade: float) -> sparse.csr_array:
    """Faded counts, over their Euclidean length: a long history says more things, each less loudly."""
    rows = fading(of, fade)
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel())
    return scaled(rows, 1 / np.maximum(length, 1e-12))


def _steps(known: Sequences, fade: float, steps: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    before, after = [], []
    for _ in range(steps):
        earlier, last = known.before_last()
        some = np.flatnonzero(basket_counts(earlier) > 0)
        before.append(history(earlier.take(some), fade))
        after.append(fading(last.take(some), 1.0))
        known = earlier
    return sparse.vstack(before, format="csr"), sparse.vstack(after, format="csr")


def _ridge(before: sparse.csr_array, after: sparse.csr_array, penalty: float) -> Floats:
    gram = (before.T @ before).toarray()
    gram[np.diag_indices_from(gram)] += penalty
    wanted = (before.T @ after).toarray()
    return np.asarray(linalg.solve(gram, wanted, assume_a="pos", overwrite_a=True, overwrite_b=True), np.float64)


def _spread(solved: Floats, kept: Ints, size: int, most: int) -> sparse.csr_array:
    """The `most` strongest of each row, as a matrix over all items; what lowers a chance is left out."""
    found = sparse.coo_array(strongest(sparse.csr_array(solved), most))
    return sparse.csr_array((found.data, (kept[found.row], kept[found.col])), shape=(size, size))
