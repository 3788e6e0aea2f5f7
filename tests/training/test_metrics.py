"""Figures of merit against numbers worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from training import metrics


def test_probability_metrics_equal_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 200).astype(float)
    p = np.clip(generator.random(200), 0.01, 0.99).round(2)  # with ties
    assert metrics.auc(truth, p) == pytest.approx(roc_auc_score(truth, p), abs=1e-12)
    assert metrics.brier(truth, p) == pytest.approx(brier_score_loss(truth, p), abs=1e-12)
    assert metrics.log_loss(truth, p) == pytest.approx(log_loss(truth, p), abs=1e-12)


def test_auc_of_one_class_is_not_a_number() -> None:
    assert np.isnan(metrics.auc(np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_calibration_error_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 1, 1, 0], float)
    p = np.array([0.1] * 4 + [0.9] * 4)  # bins: predicted .1 observed .25; predicted .9 observed .75
    assert metrics.ece(truth, p, bins=2) == pytest.approx(0.15)
    assert metrics.ece(truth, p, bins=10) == pytest.approx(0.15), "equal probabilities stay in one bin"


def test_list_metrics_by_hand() -> None:
    # 0 bought 1, 2, 3 and was shown 9, 1, 2; 1 bought 5 and was shown nothing; 2 bought nothing
    shown = (np.array([0, 0, 0, 2]), np.array([9, 1, 2, 1]), np.array([0, 1, 2, 0]))
    bought = (np.array([0, 0, 0, 1]), np.array([1, 2, 3, 5]))
    found = metrics.score_lists(shown, bought, k=2)
    assert found.customer.tolist() == [0, 1]
    assert found.recall.tolist() == [pytest.approx(1 / 3), 0.0]
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert found.ndcg.tolist() == [pytest.approx(1 / np.log2(3) / ideal), 0.0]
    assert found.mrr.tolist() == [0.5, 0.0]


def test_truth_that_cannot_be_found_counts() -> None:
    found = metrics.score_lists(
        (np.array([0]), np.array([4]), np.array([0])), (np.array([0, 0]), np.array([4, -7])), 10
    )
    assert found.recall.tolist() == [0.5]


def test_paired_interval_finds_a_constant_gain_and_no_gain() -> None:
    values = np.random.default_rng(1).random(100)
    assert metrics.paired_bootstrap(values + 0.1, values).better
    assert metrics.paired_bootstrap(values - 0.1, values).worse
    same = metrics.paired_bootstrap(values, values)
    assert (same.value, same.better, same.worse) == (0.0, False, False)


def _sorted_anew(truth: metrics.Array, score: metrics.Array) -> float:
    return metrics.auc(truth, score)


@pytest.mark.parametrize("values", [1000, 3])
def test_the_area_of_drawn_rows_equals_that_of_the_rows_to_the_bit(values: int) -> None:
    generator = np.random.default_rng(1)
    truth = (generator.random(301) < 0.3).astype(np.float64)
    ours, theirs = generator.integers(0, values, (2, 301)) / 7
    found = metrics.paired_bootstrap(ours, theirs, truth=truth, metric=metrics.auc, draws=200)
    plain = metrics.paired_bootstrap(ours, theirs, truth=truth, metric=_sorted_anew, draws=200)
    assert found == plain
    assert found.low < found.high
