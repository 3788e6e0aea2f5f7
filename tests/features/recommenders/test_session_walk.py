"""Two steps over what is viewed together."""

from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_walk import Walk
from tests.features.recommenders.contract import Contract


class TestContract(Contract):
    def fit(self, known: Sequences) -> Walk:
        return Walk.fit(known, widest=5)


def test_it_finds_what_nobody_viewed_with_it() -> None:
    items = Items(["bread", "butter", "milk", "soap"])
    walk = Walk.fit(Sequences.of_sessions([["bread", "butter"], ["butter", "milk"], ["soap"]], items))
    found = walk.scores(Sequences.of_sessions([["bread"]], items)).toarray()[0]
    assert found.tolist() == [0.5, 0.0, 0.5, 0.0]
