"""What every recommender is held to. A test module subclasses `Contract` and says how to fit the idea."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from features.recommenders.base import Recommender
from features.recommenders.sequences import Items, Sequences

ITEMS = Items([f"item{n}" for n in range(12)])
baskets = st.lists(st.lists(st.sampled_from(ITEMS.names), min_size=1, max_size=5), max_size=5)
owners = st.lists(baskets, min_size=1, max_size=8)
of_each_idea = settings(suppress_health_check=[HealthCheck.differing_executors])  # inherited on purpose


class Contract:
    """Inherited: `fit` is the idea under test."""

    def fit(self, known: Sequences) -> Recommender:
        raise NotImplementedError

    @of_each_idea
    @given(known=owners, asked=owners)
    def test_scores_are_positive_finite_and_of_the_right_shape(self, known: list, asked: list) -> None:
        scores = self._fitted(known).scores(_sequences(asked))
        assert scores.shape == (len(asked), len(ITEMS))
        assert np.isfinite(scores.data).all()
        assert (scores.data > 0).all()
        assert scores.has_canonical_format

    @of_each_idea
    @given(known=owners, asked=owners)
    def test_a_row_depends_on_its_own_owner_only(self, known: list, asked: list) -> None:
        fitted = self._fitted(known)
        together = fitted.scores(_sequences(asked)).toarray()
        alone = [fitted.scores(_sequences([owner])).toarray()[0] for owner in asked]
        assert np.array_equal(together, np.array(alone))

    @of_each_idea
    @given(known=owners, asked=owners)
    def test_the_same_sequences_give_the_same_scores(self, known: list, asked: list) -> None:
        first, again = (self._fitted(known).scores(_sequences(asked)) for _ in range(2))
        assert _equal(first, again)

    @of_each_idea
    @given(known=owners)
    def test_of_whom_nothing_is_known_gets_a_row(self, known: list) -> None:
        assert self._fitted(known).scores(_sequences([[]])).shape == (1, len(ITEMS))

    @of_each_idea
    @given(asked=owners)
    def test_fitted_on_nothing_it_still_answers(self, asked: list) -> None:
        assert self._fitted([]).scores(_sequences(asked)).shape == (len(asked), len(ITEMS))

    def _fitted(self, known: list) -> Recommender:
        return self.fit(_sequences(known))


def _sequences(owners: list) -> Sequences:
    return Sequences.of(owners, ITEMS)


def _equal(a: sparse.csr_array, b: sparse.csr_array) -> bool:
    return np.array_equal(a.toarray(), b.toarray())
