"""Two recommenders added."""

import numpy as np

from features.recommenders.added import Added
from features.recommenders.faded import Faded
from features.recommenders.popularity import Popularity
from features.recommenders.sequences import Items, Sequences
from tests.features.recommenders.contract import Contract

ITEMS = Items(["bread", "milk", "soap"])


class TestContract(Contract):
    def fit(self, known: Sequences) -> Added:
        return Added(Faded(), Popularity.fit(known))


def test_the_sum_of_both() -> None:
    known = Sequences.of([[["milk"]], [["milk", "soap"]]], ITEMS)
    fitted = Added(Faded(), Popularity.fit(known))
    assert np.array_equal(fitted.scores(known).toarray(), [[0, 2, 0.5], [0, 2, 1.5]])
