"""What she took lately: her own items, each basket counting `fade` times the one after it."""

from dataclasses import dataclass
from typing import ClassVar

from scipy import sparse

from features.recommenders.histories import fading
from features.recommenders.sequences import Sequences


@dataclass(frozen=True)
class Faded:
    """Nothing is learned from others. `fade` is in (0, 1]."""

    name: ClassVar[str] = "faded"
    fade: float = 0.7

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`."""
        return fading(of, self.fade)
