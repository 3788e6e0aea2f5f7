"""What everybody takes."""

from features.recommenders.popularity import Popularity
from features.recommenders.sequences import Items, Sequences
from tests.features.recommenders.contract import Contract


class TestContract(Contract):
    def fit(self, known: Sequences) -> Popularity:
        return Popularity.fit(known, listed=5)


def test_the_share_of_all_baskets() -> None:
    items = Items(["bread", "milk", "soap"])
    known = Sequences.of([[["milk"], ["milk", "bread"]], [["milk"], ["soap", "bread"]]], items)
    assert Popularity.fit(known, listed=2).scores(known).toarray().tolist() == [[0.5, 0.75, 0.0]] * 2
