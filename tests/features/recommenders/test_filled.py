"""Lists filled up."""

import numpy as np

from features.recommenders.base import best
from features.recommenders.filled import Filled
from features.recommenders.popularity import Popularity
from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_items import SessionItems
from tests.features.recommenders.contract import Contract


class TestContract(Contract):
    def fit(self, known: Sequences) -> Filled:
        return Filled(SessionItems(), Popularity.fit(known))


def test_the_first_goes_before_the_second_and_silence_is_filled() -> None:
    items = Items(["bread", "milk", "soap"])
    filled = Filled(SessionItems(), Popularity.fit(Sequences.of_sessions([["milk", "milk", "bread"]], items)))
    lists = best(filled.scores(Sequences.of_sessions([["soap"], []], items)), 3)
    assert lists.item.tolist() == [2, 1, 0, 1, 0]
    assert np.allclose(lists.score[3:], [2 / 3, 1 / 3])
