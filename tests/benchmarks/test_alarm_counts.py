import numpy as np
import pytest

from benchmarks.alarm_counts import DAYS, RULES, Course, episodes, hourly_rates, look, windows


def test_windows_are_the_hours_up_to_the_end_and_the_same_ones_from_two_days_before_on() -> None:
    counts = np.zeros((1, 24 * 32))
    end = 24 * 31
    counts[0, [end - 1, end - 6, end - 7]] = 1, 2, 4  # the last hour, the sixth last, one too early
    counts[0, [end - 24 - 1, end - 48 - 1, end - 29 * 24 - 6]] = 8, 16, 32  # in the gap, two days ago, the oldest
    (((now, *before),),) = windows(counts, 6, np.array([end]))
    assert now == 3
    assert before == [16] + [0] * 26 + [32]


def test_an_alarm_that_comes_back_within_the_rest_is_the_same() -> None:
    flags = np.zeros((40, 2), dtype=bool)
    flags[[3, 4, 10, 21], 0] = True
    flags[5, 1] = True
    assert episodes(flags, rest=10) == 3


def test_days_scatter_as_their_course_says() -> None:
    draw = np.random.default_rng(1)
    rates = hourly_rates(draw, np.array([5.0, 20.0]), 4000, Course("", scatter=3))
    days = draw.poisson(rates).reshape(2, -1, 24).sum(axis=-1)
    assert days.mean(axis=1) == pytest.approx([5, 20], rel=0.05)
    assert days.var(axis=1) / days.mean(axis=1) == pytest.approx([3, 3], rel=0.1)


def test_every_rule_sees_a_great_jump_and_none_a_usual_day() -> None:
    before = np.tile([1.0, 2.0, 3.0, 2.0], DAYS // 4)[None]
    for customers, alarmed in ((2.0, False), (40.0, True)):
        seen = look(np.array([customers]), before, np.ones((1, 1 + DAYS)), 1e-5)
        assert {name: bool(rule(seen)[0]) for name, rule in RULES.items()} == dict.fromkeys(RULES, alarmed)
