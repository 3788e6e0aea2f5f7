"""Facts of a session, of an item, of the two."""

import numpy as np
from hypothesis import given

from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_facts import SessionFacts
from features.recommenders.session_views import LatestViews
from tests.features.recommenders import contract

ITEMS = Items(["bread", "milk", "soap"])
KNOWN = Sequences.of_sessions([["bread", "bread", "milk"], ["milk"]], ITEMS)


def told(asked: list[str], item: int) -> dict[str, float]:
    facts = SessionFacts.fit(KNOWN)
    row = facts.values(Sequences.of_sessions([asked], ITEMS), np.array([0]), np.array([item]))
    return dict(zip(facts.names, row[0], strict=True))


def test_of_the_item_in_the_session() -> None:
    found = told(["bread", "milk", "bread", "soap"], 0)
    assert [found[name] for name in ("own_views", "own_ago", "own_first_ago", "own_gap")] == [2, 1, 3, 2]
    assert [found[name] for name in ("length", "distinct", "last_was_known", "last_twice")] == [4, 3, 0, 0]
    absent = told(["bread"], 2)
    assert absent["own_views"] == 0
    assert np.isnan([absent["own_ago"], absent["own_gap"], absent["last_twice"]]).all()


def test_of_the_item_in_all_sessions() -> None:
    found = told(["milk", "milk"], 0)
    assert found["item_sessions"] == np.log(2)
    assert found["item_again"] == 2 / 6
    assert found["last_item_sessions"] == np.log(3)
    assert found["last_item_ends"] == 3 / 7
    assert found["last_was_known"] == found["last_twice"] == 1


def test_an_empty_session_has_rows_too() -> None:
    assert np.isnan(told([], 1)["last_item_sessions"])


@given(known=contract.owners, asked=contract.owners)
def test_a_row_depends_on_its_own_session_only(known: list, asked: list) -> None:
    facts, of = SessionFacts.fit(Sequences.of(known, contract.ITEMS)), Sequences.of(asked, contract.ITEMS)
    owner, item = (part.ravel() for part in np.mgrid[: len(of), :3])
    together = facts.values(of, owner, item)
    for one in range(len(of)):
        alone = facts.values(of.take(np.array([one])), np.zeros(3, np.int64), np.arange(3))
        assert np.array_equal(together[owner == one], alone, equal_nan=True)


def test_the_latest_of_each_item_newest_first() -> None:
    views = LatestViews.of(Sequences.of_sessions([["bread", "milk", "bread", "soap"]], ITEMS), 3)
    assert (views.item.tolist(), views.ago.tolist()) == ([2, 0, 1], [0, 1, 2])
