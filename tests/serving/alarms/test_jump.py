"""The test of a jump: beside SciPy's own binomial test, by hand, and by laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest, nbinom

from serving.alarms.jump import judge, level, tail, weekday_factors

DAYS = 28
STEADY_SHOP = np.ones((1, 1 + DAYS))


def judged(now, before, activity=STEADY_SHOP):
    found = judge(np.array([now], dtype=float), np.array([before], dtype=float), activity, gap_days=1)
    return tuple(float(values[0]) for values in found)


@pytest.mark.parametrize(("now", "before", "times"), [(5, 2, 10), (1, 0, 28), (9, 56, 28), (40, 300, 28), (3, 90, 28)])
def test_without_scatter_it_is_the_exact_conditional_test(now, before, times):
    ours = tail(np.array([now]), np.array([1 / times]), np.array([before]), np.array([1.0]))[0]
    assert ours == pytest.approx(binomtest(now, now + before, 1 / (times + 1), alternative="greater").pvalue, rel=1e-9)


def test_with_scatter_it_is_a_negative_binomial_of_that_variance():
    ours = tail(np.array([12.0]), np.array([0.1]), np.array([39.0]), np.array([2.5]))[0]
    mean, variance = 4.0, 2.5 * 4 + 4.0**2 / 40
    chance = mean / variance
    assert ours == pytest.approx(nbinom.sf(11, mean * chance / (1 - chance), chance), rel=1e-9)


def test_two_a_day_and_then_ten():
    expected, scatter, p_value = judged(10, [2] * DAYS)
    assert (expected, scatter) == (pytest.approx(2), 1)
    assert p_value == pytest.approx(binomtest(10, 66, 1 / 29, alternative="greater").pvalue)


def test_nobody_now_is_no_jump():
    assert judged(0, [0] * DAYS)[2] == 1
    assert judged(0, [3] * DAYS)[2] == 1


def test_the_same_jump_after_unsteady_days_says_less():
    unsteady = [0, 0, 0, 0, 0, 0, 14] * 2 + [14, 0, 0, 0, 0, 0, 0] * 2  # two a day as well
    assert judged(10, unsteady)[1] > 5
    assert judged(10, unsteady)[2] > 100 * judged(10, [2] * DAYS)[2]


def test_a_group_with_quiet_days_is_as_unsteady_as_the_others_are():
    noisy = [0, 9] * (DAYS // 2)
    alone = judge(np.array([6.0]), np.full((1, DAYS), 0.5), STEADY_SHOP, gap_days=1)
    both = judge(np.array([6.0, 5.0]), np.array([[0.5] * DAYS, noisy]), np.ones((2, 1 + DAYS)), gap_days=1)
    assert alone.scatter[0] == 1 and both.scatter[0] > 3
    assert both.p_value[0] > alone.p_value[0]


def test_a_weekday_that_is_always_bad_is_expected_to_be():
    """Baseline day i is i + 2 days ago, so that every seventh from i = 5 is of today's weekday."""
    mondays = np.array([[70 if (day + 2) % 7 == 0 else 7 for day in range(DAYS)]], dtype=float)
    factors = weekday_factors(mondays, np.ones((1, DAYS)), gap_days=1)
    total = 4 * 70 + 24 * 7
    assert factors[0] == pytest.approx((4 * 70 + 20) / (total / 7 + 20))
    assert factors[1:] == pytest.approx((4 * 7 + 20) / (total / 7 + 20))
    assert judged(70, mondays[0])[0] > 3 * total / DAYS


def test_twice_as_much_going_on_may_go_wrong_twice_as_often():
    busy = STEADY_SHOP.copy()
    busy[0, 0] = 2
    assert judged(4, [2] * DAYS, busy)[0] == pytest.approx(4)


def test_less_going_on_makes_no_complaint_graver():
    idle = STEADY_SHOP.copy()
    idle[0, 0] = 0.1
    assert judged(4, [2] * DAYS, idle) == judged(4, [2] * DAYS)


def test_days_before_a_carrier_was_there_do_not_count():
    late = STEADY_SHOP.copy()
    late[0, 15:] = 0  # there for the latest 14 baseline days only
    assert judged(6, [2] * 14 + [0] * 14, late)[0] == pytest.approx(2)
    assert judged(6, [0] * DAYS, np.zeros((1, 1 + DAYS)))[2] == 1


def test_the_level_adds_up_to_the_false_alarms_of_a_year():
    assert level(false_alarms_per_year=4, looks_a_day=24, tests=30) * 24 * 365.25 * 30 == pytest.approx(4)
    assert level(false_alarms_per_year=4, looks_a_day=24, tests=0) == level(
        false_alarms_per_year=4, looks_a_day=24, tests=1
    )


counts = arrays(np.float64, (3, DAYS), elements=st.integers(0, 40).map(float))


@given(now=st.integers(0, 60), more=st.integers(1, 20), before=counts)
def test_more_unhappy_customers_never_lower_the_alarm(now, more, before):
    activity = np.ones((3, 1 + DAYS))
    less = judge(np.full(3, float(now)), before, activity, gap_days=1).p_value
    after = judge(np.full(3, float(now + more)), before, activity, gap_days=1).p_value
    assert (after <= less).all()


@given(now=st.integers(0, 60), before=counts, weekday=st.integers(0, 6), order=st.permutations(range(4)))
def test_days_of_the_same_weekday_may_change_places(now, before, weekday, order):
    moved = before.copy()
    places = np.arange(weekday, DAYS, 7)
    moved[:, places] = before[:, places[list(order)]]
    activity, counted = np.ones((3, 1 + DAYS)), np.full(3, float(now))
    first, second = (judge(counted, days, activity, gap_days=1) for days in (before, moved))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@given(now=arrays(np.float64, 3, elements=st.integers(0, 60).map(float)), before=counts)
def test_every_chance_is_a_chance_and_looks_do_not_depend_on_each_other(now, before):
    activity = np.ones((3, 1 + DAYS))
    one = judge(now, before, activity, gap_days=1)
    many = judge(np.stack([now, now[::-1]]), np.stack([before, before]), np.stack([activity] * 2), gap_days=1)
    assert ((one.p_value >= 0) & (one.p_value <= 1)).all() and (one.scatter >= 1).all()
    np.testing.assert_allclose(many.p_value[0], one.p_value)
