"""What follows what."""

import tracemalloc

import numpy as np

from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_transitions import Transitions, pairs_within
from tests.features.recommenders.contract import Contract

ITEMS = Items(["bread", "milk", "soap"])
KNOWN = Sequences.of_sessions([["bread", "milk", "soap"], ["bread", "milk"]], ITEMS)


class TestNext(Contract):
    def fit(self, known: Sequences) -> Transitions:
        return Transitions.fit(known)


class TestSeveralViews(Contract):
    def fit(self, known: Sequences) -> Transitions:
        return Transitions.fit(known, last=5)


def test_near_pairs_count_most_and_sessions_stay_apart() -> None:
    fitted = Transitions.fit(KNOWN, damping=0.0)
    assert np.allclose(fitted.follows.toarray(), [[0, 2 / 2, 0.5 / 2], [0, 0, 1 / 2], [0, 0, 0]])


def test_pairs_are_added_up_distance_by_distance() -> None:
    """All pairs at once would take ten times the views."""
    views = np.random.default_rng(0).integers(0, 20, 200_000)
    known = Sequences(np.arange(0, len(views) + 1, 20), np.arange(len(views) + 1), views, 20)
    assert known.owner.size == known.basket_of.size
    tracemalloc.start()
    found = pairs_within(known, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120 * len(views), "bytes a view"
    assert np.isclose(found.sum(), sum((20 - d) / d for d in range(1, 11)) * 10_000)


def test_older_views_are_asked_less() -> None:
    fitted = Transitions.fit(KNOWN, last=2, fade=0.5, damping=0.0)
    asked = Sequences.of_sessions([["bread", "milk"]], ITEMS)
    assert np.allclose(fitted.scores(asked).toarray(), [[0, 0.5, 0.5 * 0.25 + 0.5]])
