"""What a source is worth: planted, absent and useless sources, each known beforehand."""

from datetime import UTC, datetime

import numpy as np

from training.churn import ChurnRows
from training.learners import fit_logistic
from training.source_worth import SOURCES, source_worth

NAMES = ["recency_days", "open_cases", "feedback_mean_365d", "log_return_count_365d"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_source_is_worth_what_it_tells_and_a_silent_one_is_not_there():
    generator = np.random.default_rng(5)
    n = 1500
    recency, case, noise = generator.normal(size=(3, n))
    truth = (recency + 2 * case + generator.normal(size=n) > 0).astype(float)
    inputs = np.column_stack([recency, case, noise, np.full(n, np.nan)])
    rows = ChurnRows(NOW, np.array([f"c{i}" for i in range(n)]), inputs, truth)
    before = inputs.copy()

    worth = source_worth([rows], NAMES, np.arange(n) % 2, lambda x, y: fit_logistic(x, y, NAMES, NAMES, 1.0), seed=1)

    assert set(worth) == {"case", "feedback"}, "returns are absent, browsing and others have no column"
    assert worth["case"].low > 0.1
    assert abs(worth["feedback"].value) < 0.02
    assert np.array_equal(inputs, before, equal_nan=True), "nothing given is changed"


def test_every_source_input_is_a_model_input():
    from features.inputs.frame import CHURN_INPUTS

    assert {name for names in SOURCES.values() for name in names} <= set(CHURN_INPUTS)
