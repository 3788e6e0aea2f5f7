"""Ideas that learn from everybody's baskets."""

import numpy as np
import pytest

from features.recommenders.alike import Alike
from features.recommenders.leading import Leading
from features.recommenders.sequences import Items, Sequences
from features.recommenders.together import Together
from tests.features.recommenders.contract import Contract

ITEMS = Items(["bread", "butter", "milk", "soap"])


class TestAlike(Contract):
    def fit(self, known: Sequences) -> Alike:
        return Alike.fit(known, neighbours=2, most=5)


class TestTogether(Contract):
    def fit(self, known: Sequences) -> Together:
        return Together.fit(known, most=3)


class TestFollowing(Contract):
    def fit(self, known: Sequences) -> Together:
        return Together.fit_next(known, most=3)


class TestLeading(Contract):
    def fit(self, known: Sequences) -> Leading:
        return Leading.fit(known, items=8, penalty=1.0, most=4)


def scores(fitted: Alike | Together | Leading, *baskets: list[str]) -> dict[str, float]:
    row = fitted.scores(Sequences.of([list(baskets)], ITEMS)).toarray()[0]
    return {name: float(value) for name, value in zip(ITEMS.names, row, strict=True) if value}


def test_the_nearest_speak_and_no_one_else() -> None:
    known = Sequences.of([[["bread", "milk"]], [["bread", "butter"]], [["soap"]]], ITEMS)
    assert scores(Alike.fit(known, neighbours=2), ["bread"]) == {"bread": 1.0, "butter": 0.5, "milk": 0.5}


def test_of_many_owners_some_are_kept_evenly() -> None:
    known = Sequences.of([[["milk"]]] * 50 + [[["soap"]]] * 50, ITEMS)
    kept = Alike.fit(known, most=10).vectors
    assert kept.sum(axis=0).tolist() == [0, 0, 5, 5]


def test_what_shares_a_basket_is_alike_by_cosine() -> None:
    known = Sequences.of([[["bread", "butter"], ["bread"]], [["soap", "milk"]]], ITEMS)
    fitted = Together.fit(known, fade=0.5, seldom=0.0)
    assert scores(fitted, ["bread"]) == {"butter": pytest.approx(1 / 2**0.5)}
    assert scores(fitted, ["bread"], []) == {"butter": pytest.approx(0.5 / 2**0.5)}


def test_what_follows_is_said_by_the_basket_before_it_only() -> None:
    known = Sequences.of([[["bread"], ["butter"], ["soap"]], [["milk"]]], ITEMS)
    fitted = Together.fit_next(known, seldom=0.0)
    assert scores(fitted, ["bread"]) == {"butter": 1.0}
    assert scores(fitted, ["butter"]) == {"soap": 1.0}
    assert scores(fitted, ["milk"]) == {}


def test_the_ridge_solves_its_equations() -> None:
    known = Sequences.of([[["bread"], ["butter"]]] * 6 + [[["bread"], ["milk"]]] * 3, ITEMS)
    found = scores(Leading.fit(known, penalty=1.0), ["bread"])
    assert found == {"butter": pytest.approx(6 / 10), "milk": pytest.approx(3 / 10)}


def test_a_twin_adds_nothing_twice() -> None:
    known = Sequences.of([[["bread", "butter"], ["milk"]]] * 40 + [[["soap"], ["soap"]]] * 40, ITEMS)
    fitted = Leading.fit(known, penalty=0.01)
    assert scores(fitted, ["bread", "butter"])["milk"] == pytest.approx(1, abs=0.01)
    assert scores(Together.fit_next(known, seldom=0.0), ["bread", "butter"])["milk"] == pytest.approx(2)


def test_negative_shares_never_show() -> None:
    known = Sequences.of([[["bread"], ["milk"]]] * 5 + [[["bread", "soap"], ["butter"]]] * 5, ITEMS)
    assert (Leading.fit(known, penalty=0.1).towards.data > 0).all()
    assert np.isfinite(Leading.fit(known, penalty=0.1).towards.data).all()
