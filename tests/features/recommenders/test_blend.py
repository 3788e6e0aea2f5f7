"""Several ideas under one model."""

import numpy as np

from features.recommenders.base import best
from features.recommenders.blend import Blend, NoFacts, Pool
from features.recommenders.popularity import Popularity
from features.recommenders.sequences import Items, Sequences
from tests.features.recommenders.contract import Contract


class FirstColumn:
    """In place of trees: the first idea's score, where it has one."""

    def predict(self, rows: np.ndarray, /, *, num_threads: int) -> np.ndarray:
        return np.nan_to_num(rows[:, 0])


def blend(known: Sequences, most: int = 5) -> Blend:
    return Blend(Pool((Popularity.fit(known),), NoFacts(), most), FirstColumn(), {"kind": "none"})


class TestContract(Contract):
    def fit(self, known: Sequences) -> Blend:
        return blend(known)


def test_what_each_idea_says_is_a_column() -> None:
    items = Items(["bread", "milk", "soap"])
    known = Sequences.of([[["milk"], ["milk", "bread"]], [["milk"], ["soap", "bread"]]], items)
    pool = blend(known, most=2).pool
    found = pool.candidates(known.take(np.array([1])))
    assert pool.names == ["popularity_score", "popularity_relative", "popularity_place"]
    assert found.item.tolist() == [0, 1]
    assert np.allclose(found.inputs, [[0.5, 0.5 / 0.75, 1], [0.75, 1, 0]])


def test_more_owners_than_fit_at_once() -> None:
    items = Items(list(range(9)))
    many = Sequences.of_sessions([[n % 9, (n * n) % 9] for n in range(1203)], items)
    lists = best(blend(many).scores(many), 3)
    assert len(np.unique(lists.owner)) == 1203


def test_equal_chances_keep_the_order_of_the_trees() -> None:
    items = Items(["bread", "milk", "soap"])
    known = Sequences.of([[["milk"], ["milk", "bread"]], [["milk"], ["soap", "bread"]]], items)
    flat = {"kind": "isotonic", "x": [0.0, 1.0], "y": [0.25, 0.25]}
    one = Blend(blend(known).pool, FirstColumn(), flat)
    lists = best(one.scores(known.take(np.array([0]))), 3)
    assert lists.item.tolist() == [1, 0, 2]
    assert np.allclose(lists.score, 0.25)
