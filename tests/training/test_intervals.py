"""Intervals in closed form: by hand, against the bootstrap, and in how many of many draws they hold the truth."""

import numpy as np
import pytest

from training.intervals import auc_interval, mean_interval, rank_interval, share_interval
from training.metrics import auc


def _scored(n, seed, apart=1.0):
    draw = np.random.default_rng(seed)
    truth = (draw.random(n) < 0.3).astype(float)
    return truth, draw.normal(size=n) + apart * truth


def test_auc_is_as_wide_as_the_bootstrap_says():
    truth, score = _scored(800, 1)
    found, draw = auc_interval(truth, score), np.random.default_rng(2)
    drawn = [auc(truth[rows], score[rows]) for rows in (draw.integers(0, 800, 800) for _ in range(1000))]
    assert found.value == pytest.approx(auc(truth, score))
    assert [found.low, found.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.006)


def test_auc_holds_the_true_one_nineteen_times_in_twenty():
    true = 0.7602499389  # of unit normals one apart: Phi(1 / sqrt 2)
    held = [(found := auc_interval(*_scored(200, seed))).low <= true <= found.high for seed in range(400)]
    assert 0.92 <= np.mean(held) <= 0.98


def test_perfect_order_is_not_certain_and_one_kind_tells_nothing():
    found = auc_interval(np.array([0, 0, 0, 1, 1]), np.arange(5.0))
    assert (found.value, found.high) == (1.0, 1.0) and found.low < 0.5
    assert np.isnan(auc_interval(np.zeros(9), np.arange(9.0)).value)
    assert np.isnan(auc_interval(np.array([0, 0, 1]), np.arange(3.0)).value), "one alone tells of no spread"


def test_a_share_by_wilson():
    none = share_interval(0, 10)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.2775, abs=1e-4)
    half = share_interval(5, 10)
    assert (half.low, half.high) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert np.isnan(share_interval(0, 0).value)


def test_rows_of_one_customer_told_twice_tell_no_more():
    values = np.random.default_rng(3).normal(size=60)
    once, twice = mean_interval(values), mean_interval(np.repeat(values, 2), np.repeat(np.arange(60), 2))
    naive = mean_interval(np.repeat(values, 2))
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))
    assert naive.high - naive.low < 0.75 * (once.high - once.low)
    assert np.isnan(mean_interval(np.array([1.0])).low)


def test_ranks_hold_the_true_correlation():
    def drawn(seed):
        draw = np.random.default_rng(seed)
        a = draw.normal(size=300)
        return rank_interval(a, 0.6 * a + 0.8 * draw.normal(size=300))

    true = 6 / np.pi * np.arcsin(0.3)  # Spearman's of normals correlated by .6
    assert 0.92 <= np.mean([(found := drawn(seed)).low <= true <= found.high for seed in range(300)]) <= 0.98
    assert np.isnan(rank_interval(np.zeros(20), np.arange(20.0)).value)
