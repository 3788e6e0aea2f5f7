"""One recommender, its lists filled up by another: nobody is left without an answer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from features.recommenders.base import Recommender
from features.recommenders.sequences import Sequences


@dataclass(frozen=True)
class Filled:
    """What `first` says, then what `then` says of other items, below the least that `first` said of the owner."""

    name: ClassVar[str] = "filled"
    first: Recommender
    then: Recommender  # its scores must not exceed 1

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`; whom `first` is silent about gets the scores of `then` as they are."""
        said, more = sparse.csr_array(self.first.scores(of)), sparse.csr_array(self.then.scores(of))
        lowest = np.ones(len(of))
        np.minimum.at(lowest, np.repeat(np.arange(len(of)), np.diff(said.indptr)), said.data)
        known = said.copy()
        known.data = np.ones_like(known.data)
        new = more - more.multiply(known)
        new.eliminate_zeros()
        room = np.where(np.diff(said.indptr) > 0, lowest * 0.5, 1.0)
        new.data = np.maximum(new.data * np.repeat(room, np.diff(new.indptr)), 1e-300)
        found = sparse.csr_array(said + new)
        found.sort_indices()
        return found
