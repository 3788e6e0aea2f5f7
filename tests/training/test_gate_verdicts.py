"""How one gate is decided: against a limit, against a margin, and what it says when it fails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.gates.areas import auc_difference
from training.gates.verdict import (
    at_least,
    at_most,
    calibrated,
    level,
    not_inferior,
    not_worse,
    rows_needed,
    share_at_most,
)
from training.metrics import Difference, auc, paired_bootstrap

MARGIN = 0.01


@pytest.mark.parametrize(
    ("low", "high", "passed", "told"),
    [
        (-0.0099, -0.002, True, "margin 0.01"),  # clearly worse, but surely by less than the margin
        (-0.0101, -0.002, False, "clearly worse, and by up to 0.0001 more than the margin allows"),
        (-0.0101, 0.0, True, "too few rows to tell, the interval reaches 0.0001 beyond the margin"),
        (-0.2, 0.3, True, "900 are there, about 2,250,000 would tell"),
        (0.001, 0.003, True, "+0.0020 [+0.0010, +0.0030]"),
    ],
    ids=["within", "just_over", "cannot_tell", "hopelessly_few", "better"],
)
def test_a_challenger_is_refused_where_it_is_clearly_worse_and_maybe_by_more_than_the_margin(low, high, passed, told):
    gate = not_inferior("auc", Difference((low + high) / 2, low, high), MARGIN, 900, "AUC")
    assert gate.passed is passed
    assert told in str(gate)
    assert str(gate).startswith("passed" if passed else "FAILED")
    assert gate.unsure is ("too few rows" in told or "would tell" in told)


@given(
    value=st.floats(-0.1, 0.1), arm=st.floats(0, 0.1), better=st.floats(0, 0.1), narrower=st.floats(0, 1),
)  # fmt: skip
def test_a_better_challenger_never_fails_where_a_worse_one_passed(value, arm, better, narrower):
    def passes(v):
        return not_inferior("g", Difference(v, v - arm, v + arm), MARGIN, 100, "AUC").passed

    assert passes(value + better) or not passes(value)


@given(arm=st.floats(0, 1), value=st.floats(-1, 1))
def test_more_rows_never_excuse_more_than_the_margin(arm, value):
    """With an interval narrower than half the margin only non-inferiority itself passes; a wider one excuses an arm."""
    gate = not_inferior("g", Difference(value, value - arm, value + arm), MARGIN, 100, "AUC")
    allowed = max(MARGIN - arm, arm)
    if abs(value + allowed) > 1e-9:
        assert gate.passed is (value > -allowed)


@given(st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_an_equal_challenger_passes_whatever_the_rows(n, seed):
    values = np.random.default_rng(seed).random(n)
    gate = not_inferior("g", paired_bootstrap(values, values, draws=20), 0.0, n, "NDCG")
    assert gate.value == 0.0 and (gate.passed or gate.limit == 0.0)
    assert not_inferior("g", paired_bootstrap(values, values, draws=20), 1e-9, n, "NDCG").passed


def test_so_many_rows_would_tell():
    """Four times the rows halve the interval: an arm of one margin needs to be half of one."""
    assert rows_needed(Difference(0.0, -MARGIN, MARGIN), MARGIN, 500) == 2000


def test_one_kind_of_row_compares_nothing():
    nothing = Difference(float("nan"), float("nan"), float("nan"))
    gate = not_inferior("g", nothing, MARGIN, 80, "AUC")
    assert gate.passed and "nothing to compare" in gate.text


def test_limits_say_by_how_much():
    assert at_least("n", 50, 50, "customers").passed
    assert str(at_least("n", 49, 50, "customers")) == "FAILED n: 49 customers, at least 50, 1 too few"
    assert str(at_least("auc", 0.5499, 0.55, "AUC")).endswith("at least 0.55, 0.0001 short")
    assert not at_least("auc", float("nan"), 0.55, "AUC").passed
    assert at_most("x", 0.5, 0.5, "share").passed
    assert str(at_most("x", 0.5001, 0.5, "share")) == "FAILED x: share 0.5001, at most 0.5: 0.0001 too much"
    assert not_worse("r", Difference(-0.01, -0.03, 0.0), "AUC").passed
    assert "worse by 0.0100" in str(not_worse("r", Difference(-0.01, -0.03, -0.0001), "AUC"))


@given(st.integers(2, 80), st.integers(0, 2**32 - 1), st.booleans())
def test_areas_by_counting_are_those_by_sorting(n, seed, ties):
    draw = np.random.default_rng(seed)
    truth = (draw.random(n) < 0.4).astype(float)
    ours, theirs = draw.random(n).round(1 if ties else 9), draw.random(n)
    fast = auc_difference(truth, ours, theirs, 20)
    if truth.min() == truth.max():
        assert np.isnan(fast.value)
        return
    with np.errstate(all="ignore"):
        plain = paired_bootstrap(ours, theirs, truth=truth, metric=auc, draws=20)
    assert (fast.value, fast.low, fast.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-12)


def test_calibration_and_level_allow_what_chance_shows_and_no_more():
    draw = np.random.default_rng(3)
    p = draw.uniform(0.1, 0.5, 4000)
    truth = (draw.random(4000) < p).astype(float)
    assert calibrated("c", truth, p, 0.002).passed, "a perfect model needs hardly a limit"
    assert level("l", truth, p, 0.0).passed
    off = calibrated("c", truth, p + 0.05, 0.03)
    assert not off.passed and "too much" in off.text
    just = off.value - off.limit + 0.03
    assert calibrated("c", truth, p + 0.05, just + 1e-6).passed
    assert not calibrated("c", truth, p + 0.05, just - 1e-6).passed
    gap = level("l", truth, p + 0.05, 0.03)
    assert not gap.passed and gap.limit == pytest.approx(0.03 + 2 * 0.0073, abs=1e-3)


def test_a_share_of_errors_may_pass_its_limit_by_chance_only():
    wrong = np.arange(100) < 14
    gate = share_at_most("m", wrong, 0.1, "missed")
    assert gate.passed and gate.limit == pytest.approx(0.16)
    assert not share_at_most("m", np.arange(100) < 17, 0.1, "missed").passed
    assert not share_at_most("m", np.arange(10_000) < 1_061, 0.1, "missed").passed
    assert share_at_most("m", np.arange(10_000) < 1_060, 0.1, "missed").passed
