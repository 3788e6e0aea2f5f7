"""The one path from stored features to model inputs, the same for training and serving; numpy only.

Stored features are times, counts and integer sums; a model sees ages, logarithms and ratios, taken at the moment `at`
of the training row or of the decision. What is absent stays absent: NaN in, NaN out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]
DAY_SECONDS = 86_400.0

_Formula = Callable[["_Columns"], Column]


class _Columns:
    """Stored columns by name as float64; a column that is not there is absent for everybody."""

    def __init__(self, columns: Mapping[str, npt.ArrayLike], at: Column) -> None:
        self._columns = columns
        self.at = at

    def __getitem__(self, name: str) -> Column:
        found = self._columns.get(name)
        return np.full(len(self.at), np.nan) if found is None else np.asarray(found, dtype=np.float64)


def _age_days(name: str) -> _Formula:
    return lambda c: (c.at - c[name]) / DAY_SECONDS


def _days(name: str) -> _Formula:
    return lambda c: c[name] / DAY_SECONDS


def _log(name: str) -> _Formula:
    return lambda c: np.log1p(np.maximum(c[name], 0.0))


def _as_is(name: str) -> _Formula:
    return lambda c: c[name]


def _divide(above: Column, below: Column) -> Column:
    """`above / below`; NaN where `below` is 0 or either is absent."""
    quotient = np.full(len(above), np.nan)
    np.divide(above, below, out=quotient, where=(below != 0) & ~np.isnan(below))
    return quotient


def _ratio(above: str, below: str) -> _Formula:
    return lambda c: _divide(c[above], c[below])


def _recency_over(gap: str) -> _Formula:
    return lambda c: _divide(c.at - c["last_purchase_at"], c[gap])


def _overdue_z(c: _Columns) -> Column:
    """How many of her own standard deviations she is past her usual gap."""
    return _divide(c.at - c["last_purchase_at"] - c["mean_gap_seconds"], c["sd_gap_seconds"])


STATE_INPUTS = (
    "open_cases",
    "max_case_age_days",
    "holds_in_force",
    "ratings_90d",
    "last_rating_unit",
    "late_deliveries_90d",
    "contacts_28d",
    "days_since_last_contact",
    "complaints_365d",
)

_CHURN: dict[str, _Formula] = {
    "recency_days": _age_days("last_purchase_at"),
    "tenure_days": _age_days("first_purchase_at"),
    "log_purchase_count_30d": _log("purchase_count_30d"),
    "log_purchase_count_90d": _log("purchase_count_90d"),
    "log_purchase_count_365d": _log("purchase_count_365d"),
    "log_purchase_count_total": _log("purchase_count_total"),
    "log_revenue_90d": _log("revenue_90d"),
    "log_revenue_365d": _log("revenue_365d"),
    "log_revenue_total": _log("revenue_total"),
    "log_order_value": lambda c: np.log1p(
        np.maximum(_divide(c["revenue_total"], c["purchase_count_total"]), 0.0),
    ),
    "log_items_total": _log("items_total"),
    "log_distinct_items_total": _log("distinct_items_total"),
    "mean_gap_days": _days("mean_gap_seconds"),
    "sd_gap_days": _days("sd_gap_seconds"),
    "last_gap_days": _days("last_gap_seconds"),
    "recency_over_mean_gap": _recency_over("mean_gap_seconds"),
    "recency_over_last_gap": _recency_over("last_gap_seconds"),
    "recency_overdue_z": _overdue_z,
    "recency_over_tenure": lambda c: _divide(c.at - c["last_purchase_at"], c.at - c["first_purchase_at"]),
    "purchases_90d_of_365d": _ratio("purchase_count_90d", "purchase_count_365d"),
    "revenue_90d_of_365d": _ratio("revenue_90d", "revenue_365d"),
    "discount_share_365d": _as_is("discount_share_365d"),
    "top_category_share_365d": _as_is("top_category_share_365d"),
    "log_return_count_365d": _log("return_count_365d"),
    "returned_share_365d": _ratio("returned_amount_365d", "revenue_365d"),
    "log_browse_views_30d": _log("browse_views_30d"),
    "log_browse_sessions_30d": _log("browse_sessions_30d"),
    "log_cart_adds_30d": _log("cart_adds_30d"),
    "log_searches_without_result_30d": _log("searches_without_result_30d"),
    "browse_age_days": _age_days("last_browse_at"),
    "log_feedback_count_365d": _log("feedback_count_365d"),
    "feedback_mean_365d": _as_is("feedback_mean_365d"),
    "feedback_trend": _as_is("feedback_trend"),
    "late_delivery_count_365d": _as_is("late_delivery_count_365d"),
    "lateness_mean_days_365d": _days("lateness_mean_seconds_365d"),
    "log_email_contacts_28d": _log("email_contacts_28d"),
    "log_email_clicks_90d": _log("email_clicks_90d"),
    "log_offers_accepted_365d": _log("offers_accepted_365d"),
    **{name: _as_is(name) for name in STATE_INPUTS},
}

CHURN_INPUTS: tuple[str, ...] = tuple(_CHURN)


def customer_inputs(
    columns: Mapping[str, npt.ArrayLike], at: npt.ArrayLike
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Model inputs `[n, p]` float64 with their names (`CHURN_INPUTS`), from batch and state columns at moments `at`.

    `columns` holds arrays of length n by feature name: times as epoch seconds, absent values NaN; names not needed are
    ignored, names not there count as absent. `at` is epoch seconds, of length n.
    """
    moments = np.asarray(at, dtype=np.float64)
    stored = _Columns(columns, moments)
    inputs = np.empty((len(moments), len(_CHURN)), dtype=np.float64)
    for index, formula in enumerate(_CHURN.values()):
        inputs[:, index] = formula(stored)
    return list(CHURN_INPUTS), inputs


def to_columns(table: Any) -> dict[str, npt.NDArray[Any]]:
    """Columns of a pandas frame or Arrow table as numpy: times as epoch seconds, numbers float64, text as objects."""
    if hasattr(table, "column_names"):
        table = table.to_pandas()
    return {str(name): _to_array(table[name].to_numpy()) for name in table.columns}


def rows_to_columns(rows: Sequence[Mapping[str, Any] | None], names: Sequence[str]) -> dict[str, Column]:
    """Numeric columns `names` of online records or state features, one mapping a customer (None: all absent)."""
    return {
        name: np.array(
            [np.nan if row is None or (value := row.get(name)) is None else value for row in rows], dtype=np.float64
        )
        for name in names
    }


def _to_array(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind == "M":
        return _epoch_seconds(values)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if all(value is None or isinstance(value, str) for value in values):
        return values
    return np.array([_to_number(value) for value in values], dtype=np.float64)


def _to_number(value: Any) -> float:
    """A cell of an object column: a time becomes epoch seconds, NaT, NA and None become NaN."""
    if value is None or value != value:
        return np.nan
    return float(value.timestamp()) if hasattr(value, "timestamp") else float(value)


def _epoch_seconds(times: npt.NDArray[Any]) -> Column:
    micros = times.astype("datetime64[us]")
    seconds = micros.astype(np.int64) / 1e6
    return np.where(np.isnat(micros), np.nan, seconds)
