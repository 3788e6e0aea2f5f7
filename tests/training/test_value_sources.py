"""What a source is worth to the model of value: open cases that say who spends nothing, returns that say nothing."""

from datetime import UTC, datetime, timedelta

import numpy as np

from features.inputs.frame import CHURN_INPUTS
from training.params import ChurnParams, Trees
from training.people import Rows
from training.value import fit_rates
from training.value_sources import value_source_worth

NAMES = list(CHURN_INPUTS)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARAMS = ChurnParams(trees=Trees(rounds=30))


def _window(cutoff: datetime, seed: int, n: int = 900) -> Rows:
    draw, inputs = np.random.default_rng(seed), np.full((n, len(NAMES)), np.nan)
    orders, tenure, told = draw.integers(1, 20, n), draw.uniform(100, 400, n), {}
    told["tenure_days"], told["recency_days"] = tenure, tenure * draw.uniform(0, 0.9, n)
    told["log_purchase_count_total"], told["log_order_value"] = np.log1p(orders), draw.normal(8, 0.5, n)
    told["log_revenue_total"] = np.log(orders) + told["log_order_value"]
    told["open_cases"], told["log_return_count_365d"] = draw.integers(0, 2, n), draw.normal(size=n)
    told["complaints_365d"] = np.zeros(n)
    for name, values in told.items():
        inputs[:, NAMES.index(name)] = values
    brought = np.where(told["open_cases"] == 1, 0.0, np.exp(draw.normal(8, 0.5, n)))
    return Rows(cutoff, np.array([f"c{i}" for i in range(n)]), inputs, brought)


def test_what_says_who_spends_nothing_is_worth_it_and_noise_is_not() -> None:
    groups = [_window(NOW - timedelta(days=28 * g), g) for g in range(2)]
    before = groups[0].inputs.copy()
    rates = fit_rates(groups[0].inputs, NAMES, 28)
    worth = value_source_worth(groups, NAMES, PARAMS, "line", 1.0, rates)
    assert set(worth) == {"case", "return"}, "of the others nothing is known"
    assert worth["case"].low > 0.2
    assert abs(worth["return"].value) < 0.02
    assert np.array_equal(groups[0].inputs, before, equal_nan=True)
