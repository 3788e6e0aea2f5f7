"""Model inputs from stored features: ages at the moment of use, logarithms, ratios, and what is absent."""

import math
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.customer.view import STATE_FEATURES
from features.feature_store.batch import BATCH_FEATURES
from features.inputs.frame import CHURN_INPUTS, STATE_INPUTS, customer_inputs, inputs_of, stored_of, to_columns

AT = datetime(2024, 6, 1, tzinfo=UTC).timestamp()
DAY = 86_400.0
ROW = {
    "last_purchase_at": AT - 10 * DAY,
    "first_purchase_at": AT - 110 * DAY,
    "mean_gap_seconds": 20 * DAY,
    "sd_gap_seconds": 5 * DAY,
    "purchase_count_90d": 3,
    "purchase_count_365d": 4,
    "purchase_count_total": 4,
    "revenue_total": 8000,
    "revenue_365d": 0,
    "returned_amount_365d": 0,
    "open_cases": 1.0,
    "top_category": "shoes",
}


def _inputs(row: dict[str, object], at: float = AT) -> dict[str, float]:
    numeric = {name: np.array([np.nan if v is None else v]) for name, v in row.items() if not isinstance(v, str)}
    names, inputs = customer_inputs(numeric, np.array([at]))
    return dict(zip(names, inputs[0].tolist(), strict=True))


def test_ages_ratios_and_logarithms_by_hand() -> None:
    found = _inputs(ROW)
    assert found["recency_days"] == 10
    assert found["tenure_days"] == 110
    assert found["recency_over_mean_gap"] == 0.5
    assert found["recency_overdue_z"] == -2.0
    assert found["recency_over_tenure"] == pytest.approx(10 / 110)
    assert found["purchases_90d_of_365d"] == 0.75
    assert found["log_order_value"] == pytest.approx(math.log(2001))
    assert found["log_purchase_count_90d"] == pytest.approx(math.log(4))
    assert found["open_cases"] == 1.0


def test_an_age_is_taken_at_the_moment_of_use() -> None:
    assert _inputs(ROW, AT + 3 * DAY)["recency_days"] == 13


def test_what_is_absent_or_divided_by_zero_is_nan() -> None:
    found = _inputs(ROW)
    assert math.isnan(found["log_browse_views_30d"])
    assert math.isnan(found["returned_share_365d"])
    assert all(math.isnan(value) for value in _inputs({"purchase_count_90d": None}).values())


def test_one_customer_and_many_give_the_same() -> None:
    rows = [ROW, {**ROW, "last_purchase_at": None}, ROW]
    together = inputs_of(stored_of(rows), np.full(3, AT))
    for index, row in enumerate(rows):
        assert together[index].tobytes() == inputs_of(stored_of([row]), np.array([AT])).tobytes()
        assert together[index].tolist() == pytest.approx(list(_inputs(row).values()), abs=0, nan_ok=True)


def test_inputs_are_pinned() -> None:
    assert len(CHURN_INPUTS) == len(set(CHURN_INPUTS)) == 47
    assert CHURN_INPUTS[:3] == ("recency_days", "tenure_days", "log_purchase_count_30d")
    assert CHURN_INPUTS[-len(STATE_INPUTS) :] == STATE_INPUTS


def test_every_stored_feature_that_inputs_need_exists() -> None:
    asked: set[str] = set()

    class Spy(dict[str, np.ndarray]):
        def get(self, name: str, default: object = None) -> None:
            asked.add(name)

    customer_inputs(Spy(), np.array([AT]))
    assert asked <= set(BATCH_FEATURES) | set(STATE_FEATURES)
    assert not set(BATCH_FEATURES) & set(STATE_FEATURES)


def test_tables_become_columns_of_epoch_seconds() -> None:
    at = datetime(2024, 6, 1, 12, 30, 0, 123457, tzinfo=UTC)
    frame = pd.DataFrame(
        {
            "at": pd.Series([at, None], dtype="datetime64[us, UTC]"),
            "count": pd.array([3, None], dtype="Int64"),
            "text": ["a", None],
        }
    )
    for columns in (to_columns(frame), to_columns(pa.Table.from_pandas(frame))):
        assert columns["at"][0] == 1717245000123457 / 1e6
        assert math.isnan(columns["at"][1])
        assert columns["count"][0] == 3
        assert math.isnan(columns["count"][1])
        assert columns["text"].tolist() == ["a", None]
