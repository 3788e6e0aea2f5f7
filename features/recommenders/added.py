"""Two recommenders whose scores are chances, added: what she comes back to, and what everybody takes."""

from dataclasses import dataclass
from typing import ClassVar

from scipy import sparse

from features.recommenders.base import Recommender
from features.recommenders.sequences import Sequences


@dataclass(frozen=True)
class Added:
    """Said by either, or by both."""

    name: ClassVar[str] = "added"
    one: Recommender
    other: Recommender

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`; the sum of both."""
        found = sparse.csr_array(self.one.scores(of) + self.other.scores(of))
        found.sort_indices()
        return found
