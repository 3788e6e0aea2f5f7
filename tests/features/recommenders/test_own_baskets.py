"""Ideas that look at her own baskets alone."""

import numpy as np

from features.recommenders.faded import Faded
from features.recommenders.rhythm import LONGEST, Rhythm
from features.recommenders.sequences import Items, Sequences
from tests.features.recommenders.contract import Contract

ITEMS = Items(["bread", "milk", "soap"])
ANN = [["milk"], ["milk", "bread"], ["milk"]]


class TestFaded(Contract):
    def fit(self, known: Sequences) -> Faded:
        return Faded()


class TestRhythm(Contract):
    def fit(self, known: Sequences) -> Rhythm:
        return Rhythm.fit(known)


def test_fading_counts() -> None:
    of = Sequences.of([ANN], ITEMS)
    assert np.allclose(Faded(0.5).scores(of).toarray(), [[0.5, 1.75, 0]])


def test_what_was_just_taken_is_not_next_where_the_rhythm_is_every_third_basket() -> None:
    owner = [["soap"] if n % 3 == 0 else [] for n in range(15)]
    fitted = Rhythm.fit(Sequences.of([owner] * 20, ITEMS))
    soap = [fitted.scores(Sequences.of([owner[:n]], ITEMS)).toarray()[0, 2] for n in (10, 11, 12)]
    assert max(soap[:2]) < 0.01
    assert soap[2] > 0.9


def test_an_item_that_returns_more_than_the_others_is_known_for_it() -> None:
    owner = [["soap", "bread"], ["bread"], ["bread"], ["bread"]]
    factor = Rhythm.fit(Sequences.of([owner] * 50, ITEMS)).factor
    assert factor[0] > 1 > factor[2]
    assert factor[1] == 1  # nobody ever took milk


def test_the_hazard_is_what_came_back_over_what_could_have() -> None:
    owners = [[["milk"], ["milk"]]] * 30 + [[["milk"], ["bread"]]] * 70
    assert np.isclose(Rhythm.fit(Sequences.of(owners, ITEMS)).hazard[0, 0], 0.3, atol=0.01)


def test_baskets_beyond_the_longest_are_all_at_risk() -> None:
    owner = [["milk"], *[["bread"]] * (LONGEST + 30)]
    late = Rhythm.fit(Sequences.of([owner] * 9, ITEMS)).hazard[0, -1]
    assert np.isclose(late, 0.005 / (9 * 31 + 1))  # milk never came back; bread always did at once
