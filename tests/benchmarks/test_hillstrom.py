"""Hillstrom's benchmark: rows as the file has them, yardsticks that find a planted effect, honest intervals."""

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.hillstrom import read_rows
from benchmarks.hillstrom_words import compare, over_splits, uncertain_wins
from benchmarks.yardsticks.uplift import score_yardsticks
from tests.training.drawn_arms import drawn, true_effect
from training.metrics import auc
from training.qini import EffectOrder

TABLE = pa.table(
    {
        "row_id": [4, 9],
        "recency": [10, 1],
        "history": [29.99, 500.5],
        "mens": [1, 0],
        "womens": [0, 1],
        "newbie": [0, 1],
        "zip_code": ["Urban", "Rural"],
        "channel": ["Web", "Phone"],
        "segment": ["Womens E-Mail", "No E-Mail"],
        "visit": [1, 0],
        "conversion": [0, 0],
    }
)


def test_rows_are_those_of_the_file() -> None:
    rows = read_rows(TABLE, "visit")
    assert rows.treated.tolist() == [1, 0]
    assert rows.outcome.tolist() == [1, 0]
    assert rows.customers.tolist() == [4, 9]
    first = dict(zip(rows.names, rows.inputs[0].tolist(), strict=True))
    assert first["history"] == 29.99
    assert [name for name, value in first.items() if name.startswith(("zip", "channel")) and value] == [
        "zip_code_Urban",
        "channel_Web",
    ]


def test_the_yardsticks_that_can_see_an_effect_see_it() -> None:
    rows, fresh = drawn(), drawn(seed=2)
    found = score_yardsticks(rows, fresh.inputs, 0)
    seen = {name: auc(true_effect(fresh) > 0, effect) for name, effect in found.items()}
    assert min(seen[name] for name in seen if "T-learner" in name or name == "S-learner, LightGBM") > 0.7
    assert seen["random"] == pytest.approx(0.5, abs=0.04)
    # one effect on the log-odds for all is blind to whom it moves, beyond who responds anyway
    assert seen["S-learner, logistic"] < seen["T-learner, logistic"]


def test_a_knowing_order_wins_over_a_blind_one() -> None:
    rows = drawn()
    halves = np.array_split(np.arange(len(rows)), 2)
    effects = {"Tahdikas": true_effect(rows), "random": rows.inputs[:, 2]}
    orders = {
        name: [(EffectOrder.of(effect[h], rows.treated[h], rows.outcome[h]), h) for h in halves]
        for name, effect in effects.items()
    }
    facts = compare(orders, rows.customers)
    assert facts["random"]["ours_better_by"]["Qini"]["verdict"] == "win"
    doubted = facts | {"random": facts["random"] | {"better_over_splits": False}}
    assert "against random: no firm win" in uncertain_wins(doubted)
    assert facts["Tahdikas"]["half"] > 0.8
    assert facts["random"]["half"] == pytest.approx(0.5, abs=0.15)


def test_the_interval_over_splits_is_wider_than_splits_alone_would_say() -> None:
    differences = np.array([0.01, 0.02, 0.03, 0.02])
    found = over_splits(differences)
    assert found.value == pytest.approx(0.02)
    assert found.high - found.value == pytest.approx(
        3.1824 * differences.std(ddof=1) * np.sqrt(1 / 4 + 3 / 7), rel=1e-3
    )
