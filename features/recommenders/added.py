"""Two recommenders whose scores are chances, added: what she comes back to, and what everybody takes."""

from dataclasses import dataclass
from typing import ClassVar

from scipy import sparse

from features.recommenders.base import Recommender
from features.recommenders.sequences import Sequences


@dataclass(frozen=True)
class Added:
    """`weight` is how far the second is believed."""

    name: ClassVar[str] = "added"
    one: Recommender
    other: Recommender
    weight: float

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`; the sum of both."""
        found = sparse.csr_array(self.one.scores(of) + self.weight * self.other.scores(of))
        found.sort_indices()
        return found
