"""What the session already holds: people look at an item again, most of all the one they just saw."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from features.recommenders.sequences import Sequences

HALF_LIFE_VIEWS = 2.0


@dataclass(frozen=True)
class SessionItems:
    """The session's own items by how often and how lately they were viewed; nothing is learned.

    Each view adds a weight that halves with every `HALF_LIFE_VIEWS` views after it.
    """

    name: ClassVar[str] = "own"

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`."""
        weight = np.maximum(0.5 ** (of.baskets_ago / HALF_LIFE_VIEWS), 1e-12)
        found = sparse.csr_array((weight, (of.owner, of.item)), shape=(len(of), of.size))
        found.sum_duplicates()
        return found
