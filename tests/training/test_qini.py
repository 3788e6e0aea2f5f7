"""Qini: scikit-uplift's figures by hand, no credit without knowledge, and counted rows like repeated ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics import Array, Difference
from training.qini import EffectOrder, interval_of, mean_interval, mean_scores, qini

EFFECT = np.array([0.9, 0.8, 0.8, 0.5, 0.4, 0.3, 0.2, 0.1])
TREATED = np.array([1, 0, 1, 1, 0, 0, 1, 0])
OUTCOME = np.array([1, 0, 1, 0, 1, 0, 0, 1])


def interval(effect: Array, treated: Array, outcome: Array, customers: Array) -> Difference:
    return mean_interval([(EffectOrder.of(effect, treated, outcome), np.arange(len(customers)))], customers, 200)


def test_the_curve_and_the_score_are_those_of_scikit_uplift() -> None:
    """scikit-uplift 0.5.1 gives these for the same eight rows."""
    reached, gained = EffectOrder.of(EFFECT, TREATED, OUTCOME).curve()
    np.testing.assert_array_equal(reached, [0, 1, 3, 4, 5, 6, 7, 8])
    np.testing.assert_allclose(gained, [0, 1, 2, 2, 0.5, 1, 2 / 3, 0])
    assert qini(EFFECT, TREATED, OUTCOME) == pytest.approx(0.7222222222)


def test_the_perfect_order_has_one_and_equal_effects_have_none() -> None:
    best = OUTCOME * (2 * TREATED - 1)
    assert qini(best, TREATED, OUTCOME) == pytest.approx(1.0)
    assert qini(np.zeros(8), TREATED, OUTCOME) == 0.0
    assert qini(-EFFECT, TREATED, OUTCOME) < 0


def test_where_there_is_nothing_to_compare_it_is_absent() -> None:
    assert np.isnan(qini(EFFECT, np.ones(8), OUTCOME))
    assert np.isnan(qini(EFFECT, np.zeros(8), OUTCOME))
    assert np.isnan(qini(EFFECT, TREATED, np.zeros(8)))


@given(st.lists(st.integers(0, 3), min_size=8, max_size=8).filter(lambda w: w[0] + w[2] > 0 and w[4] + w[7] > 0))
def test_a_counted_row_is_a_repeated_row(weights: list[int]) -> None:
    counted = EffectOrder.of(EFFECT, TREATED, OUTCOME).score(np.array(weights, np.float64))
    assert float(counted) == pytest.approx(
        qini(np.repeat(EFFECT, weights), np.repeat(TREATED, weights), np.repeat(OUTCOME, weights)), abs=1e-9
    )


def test_knowing_nothing_is_not_told_from_zero_and_knowing_much_is() -> None:
    draw = np.random.default_rng(3)
    treated, kind = draw.integers(0, 2, 4000), draw.integers(0, 2, 4000)
    outcome = (draw.random(4000) < 0.2 + 0.2 * treated * kind).astype(int)
    blind = interval(draw.random(4000), treated, outcome, np.arange(4000))
    knowing = interval(kind, treated, outcome, np.arange(4000))
    assert not blind.better and not blind.worse
    assert knowing.better


def test_the_interval_is_wider_where_rows_are_of_the_same_customers() -> None:
    draw = np.random.default_rng(4)
    effect, treated, outcome = draw.random(500), draw.integers(0, 2, 500), draw.integers(0, 2, 500)
    fourfold = [np.tile(a, 4) for a in (effect, treated, outcome)]
    alone = interval(*fourfold, np.arange(2000))
    together = interval(*fourfold, np.tile(np.arange(500), 4))
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_differences_of_two_orders_are_paired() -> None:
    rows = np.arange(8)
    scores = mean_scores([(EffectOrder.of(EFFECT, TREATED, OUTCOME), rows)], rows, 20)
    again = mean_scores([(EffectOrder.of(2 * EFFECT, TREATED, OUTCOME), rows)], rows, 20)
    same = interval_of(scores - again)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    assert np.isnan(interval_of(np.full(3, np.nan)).low)
