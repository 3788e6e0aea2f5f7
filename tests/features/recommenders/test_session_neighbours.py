"""Sessions like this one."""

import numpy as np

from features.recommenders.base import best
from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_neighbours import Fades, Neighbours
from tests.features.recommenders.contract import Contract

ITEMS = Items(["bread", "butter", "milk", "soap", "tea", "wine"])


class TestContract(Contract):
    def fit(self, known: Sequences) -> Neighbours:
        return Neighbours.fit(known)


def ranked(sessions: list[list[str]], asked: list[str], **fades: float) -> list[str]:
    fitted = Neighbours.fit(Sequences.of_sessions(sessions, ITEMS), fades=Fades(**fades))  # type: ignore[arg-type]
    return [ITEMS.names[i] for i in best(fitted.scores(Sequences.of_sessions([asked], ITEMS)), 9).item]


def test_only_sessions_with_an_item_in_common() -> None:
    assert set(ranked([["bread", "milk"], ["soap", "tea"]], ["bread"])) == {"bread", "milk"}


def test_an_item_near_the_common_one_goes_before_a_far_one() -> None:
    found = ranked([["bread", "milk", "soap", "tea"]], ["bread"])
    assert found == ["bread", "milk", "soap", "tea"]


def test_the_newest_view_counts_most_and_new_sessions_before_old_ones() -> None:
    assert ranked([["bread", "milk"], ["soap", "tea"]], ["bread", "soap"], view=0.1)[:2] == ["soap", "tea"]
    found = ranked([["bread", "milk"], ["bread", "tea"]], ["bread"], session=1.0)
    assert found.index("tea") < found.index("milk")


def test_an_index_of_the_newest_sessions_only() -> None:
    assert "milk" not in ranked([["bread", "milk"], ["bread", "tea"]], ["bread"], newest=1)


def test_many_sessions_at_once_are_as_one() -> None:
    draw = np.random.default_rng(0)
    names = [[ITEMS.names[i] for i in draw.integers(0, 6, 4)] for _ in range(450)]
    all_of = Sequences.of_sessions(names, ITEMS)
    fitted = Neighbours.fit(all_of)
    alone = fitted.scores(all_of.take(np.array([430]))).toarray()
    assert np.array_equal(fitted.scores(all_of).toarray()[[430]], alone)
