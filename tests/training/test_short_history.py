"""The level of a young file: drawn half way to BG/NBD's, and left alone where history is long."""

from datetime import timedelta

import numpy as np
import pytest

from features.inputs.rates import purchase_histories
from features.inputs.scoring import Model, logit
from tests.training.shops import day
from training.bgnbd import BgNbd
from training.learners import Fitted
from training.short_history import draw_level, is_short, silence_expected

NAMES = ["recency_days", "tenure_days", "log_purchase_count_total"]
LINE = Fitted(
    {
        "kind": "logistic", "inputs": ["recency_days"], "log": [False], "fill": [0.0], "mean": [20.0], "scale": [10.0],
        "coef": [1.0], "intercept": 0.0,
    },
    {},
)  # fmt: skip
PLATT = {"kind": "platt", "on": "logit", "slope": 1.0, "intercept": 0.0}

CURVE = {"kind": "isotonic", "x": np.linspace(0.01, 0.99, 40).tolist(), "y": np.linspace(0.01, 0.99, 40).tolist()}


def _rows(n: int = 200) -> np.ndarray:
    generator = np.random.default_rng(0)
    tenure = generator.uniform(1, 100, n)
    return np.column_stack([tenure * generator.random(n), tenure, np.log1p(generator.integers(1, 6, n))])


def test_two_horizons_of_history_are_enough() -> None:
    assert is_short(day(0), day(179), 90)
    assert not is_short(day(0), day(0) + timedelta(days=180), 90)


def test_histories_are_repeat_orders_last_and_observed_in_weeks() -> None:
    x, t_x, observed = purchase_histories(np.array([[7.0, 21.0, np.log1p(3)], [14.0, 14.0, np.log1p(1)]]), NAMES)
    assert x.tolist() == [2, 0]
    assert t_x.tolist() == [2, 0]
    assert observed.tolist() == [3, 2]


def test_silence_is_what_the_model_that_drew_the_histories_expects() -> None:
    drawn = BgNbd(r=0.8, alpha=4.0, a=0.8, b=2.4)
    generator = np.random.default_rng(4)
    rows = []
    for observed in generator.uniform(5, 40, 3000):
        rate, drop, at, x = generator.gamma(drawn.r, 1 / drawn.alpha), generator.beta(drawn.a, drawn.b), 0.0, 0
        while (then := at + generator.exponential(1 / rate)) < observed:
            at, x = then, x + 1
            if generator.random() < drop:
                break
        rows.append((7 * (observed - at), 7 * observed, np.log1p(x + 1)))
    inputs = np.array(rows)
    expected = drawn.silent(*purchase_histories(inputs, NAMES), ahead=4.0)
    assert silence_expected(inputs, NAMES, 28).mean() == pytest.approx(expected.mean(), abs=0.02)


@pytest.mark.parametrize("calibration", [PLATT, CURVE])
def test_the_level_goes_half_way_and_the_order_stays(calibration: dict[str, object]) -> None:
    rows = _rows()
    before = Model(LINE.spec, calibration, {}).probability(rows, NAMES)
    target = before.mean() + 0.2
    drawn, words = draw_level(LINE, calibration, rows, NAMES, target)
    after = Model(LINE.spec, drawn, {}).probability(rows, NAMES)
    assert before.mean() < after.mean() < target
    assert logit(after.mean()) == pytest.approx((logit(before.mean()) + logit(target)) / 2, abs=0.1)
    assert (np.diff(after[np.argsort(before)]) >= 0).all()
    assert f"{target:.3f} by BG/NBD" in words


def test_a_level_that_both_agree_on_stays() -> None:
    rows = _rows()
    before = Model(LINE.spec, PLATT, {}).probability(rows, NAMES)
    drawn, _ = draw_level(LINE, PLATT, rows, NAMES, float(before.mean()))
    assert drawn["intercept"] == pytest.approx(0, abs=1e-9)
