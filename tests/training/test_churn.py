"""The churn model on made-up customers whose leaving is known."""

from datetime import timedelta

import numpy as np
import pytest

from features.errors import DataError
from tests.training.shops import day
from training.churn import ChurnRows, train_churn
from training.metrics import auc
from training.params import ChurnParams, Trees
from training.people import choose

NAMES = ["recency_days", "log_purchase_count_total", "noise", "future"]
PARAMS = ChurnParams(trees=Trees(rounds=40, min_data_in_leaf=20))


def _groups(n: int = 300, cutoffs: int = 3, seed: int = 0, *, shuffled: bool = False) -> list[ChurnRows]:
    """Those who have not come for long leave; `future` is empty, as anything unknown at the cutoff must be."""
    generator = np.random.default_rng(seed)
    groups = []
    for g in range(cutoffs):
        recency = generator.exponential(30, n)
        truth = (generator.random(n) < 1 / (1 + np.exp(-(recency - 30) / 8))).astype(float)
        if shuffled:
            truth = generator.permutation(truth)
        counts = generator.normal(size=n)
        inputs = np.column_stack([recency, counts, generator.normal(size=n), np.full(n, np.nan)])
        names = np.array([f"c{i:04d}" for i in range(n)])
        groups.append(ChurnRows(day(300) - timedelta(days=28 * g), names, inputs, truth))
    return groups


def test_it_learns_and_stays_simple() -> None:
    found = train_churn(_groups(), NAMES, 28, PARAMS)
    assert found.chosen == "recency", "all there is to know is recency"
    assert auc(found.truth, found.probability) > 0.8
    assert found.scores["champion"]["ece"] < 0.12
    assert sum(found.importance.values()) == pytest.approx(1)


def test_shuffled_labels_give_chance() -> None:
    """Were a customer's own label within reach, through folds, calibration or refitting, this would show it."""
    for horizon in (28, 90):  # windows apart, and overlapping
        found = train_churn(_groups(400, shuffled=True), NAMES, horizon, PARAMS)
        for name, scores in found.scores.items():
            assert scores["auc"] < 0.6, (horizon, name)  # calibrations of noise flip from fold to fold: often below 0.5


def test_overlapping_windows_never_show_a_customer_her_own_label() -> None:
    """The same customers with the same random labels and a fingerprint in every window: memory would be rewarded."""
    generator = np.random.default_rng(5)
    truth, mark = generator.integers(0, 2, 400).astype(float), generator.normal(size=(400, 3))
    names = np.array([f"c{i:04d}" for i in range(400)])
    rows = np.column_stack([mark, np.full(400, np.nan)])
    groups = [ChurnRows(day(300) - timedelta(days=28 * g), names, rows, truth) for g in range(3)]
    found = train_churn(groups, NAMES, 90, PARAMS)
    assert found.scores["trees"]["auc"] < 0.6
    assert found.scores["champion"]["auc"] < 0.6


def test_the_same_rows_give_the_same_model() -> None:
    first, second = (train_churn(_groups(), NAMES, 28, PARAMS) for _ in range(2))
    assert (first.fitted.spec, first.calibration) == (second.fitted.spec, second.calibration)


def test_one_cutoff_leaves_only_lines() -> None:
    found = train_churn(_groups(cutoffs=1), NAMES, 28, PARAMS)
    assert "trees" not in found.scores
    assert found.scores["champion"]["auc"] > 0.8


def test_a_complex_model_wins_only_with_an_interval() -> None:
    generator = np.random.default_rng(2)
    truth = generator.integers(0, 2, 300).astype(float)
    simple = truth + generator.normal(0, 1.0, 300)
    assert choose(truth, {"simple": simple, "complex": simple + generator.normal(0, 0.05, 300)}, 0)[0] == "simple"
    assert choose(truth, {"simple": simple, "complex": truth + generator.normal(0, 0.2, 300)}, 0)[0] == "complex"


def test_too_few_customers_or_one_kind_only() -> None:
    with pytest.raises(DataError, match="Only 4 customers"):
        train_churn(_groups(4), NAMES, 28, PARAMS)
    everybody = [ChurnRows(g.cutoff, g.customers, g.inputs, np.ones(len(g.truth))) for g in _groups(50)]
    with pytest.raises(DataError, match="50 of 50 customers left"):
        train_churn(everybody, NAMES, 28, PARAMS)
