"""The one path from stored features to model inputs, the same for training and serving; numpy only.

Stored features are times, counts and integer sums; a model sees ages, logarithms and ratios, taken at the moment `at`
of the training row or of the decision. What is absent stays absent: NaN in, NaN out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
DAY_SECONDS = 86_400.0


Quantity = str | tuple[str, str]


class _Formula(NamedTuple):
    """What is told of a quantity in seconds, pieces or money, or of the first over the second of two."""

    of: Quantity
    as_days: bool = False
    as_log: bool = False


def _since(name: str) -> str:
    """The quantity: seconds from an instant up to the moment of use."""
    return f"since {name}"


_OVERDUE = "seconds past her usual gap"


def _age_days(name: str) -> _Formula:
    return _Formula(_since(name), as_days=True)


def _days(name: str) -> _Formula:
    return _Formula(name, as_days=True)


def _log(of: Quantity) -> _Formula:
    """log(1 + x), of what is negative that of 0."""
    return _Formula(of, as_log=True)


def _as_is(name: str) -> _Formula:
    return _Formula(name)


def _ratio(above: str, below: str) -> _Formula:
    """NaN where `below` is 0 or either is absent."""
    return _Formula((above, below))


def _recency_over(below: str) -> _Formula:
    return _ratio(_since("last_purchase_at"), below)


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
    "log_order_value": _log(("revenue_total", "purchase_count_total")),
    "log_items_total": _log("items_total"),
    "log_distinct_items_total": _log("distinct_items_total"),
    "mean_gap_days": _days("mean_gap_seconds"),
    "sd_gap_days": _days("sd_gap_seconds"),
    "last_gap_days": _days("last_gap_seconds"),
    "recency_over_mean_gap": _recency_over("mean_gap_seconds"),
    "recency_over_last_gap": _recency_over("last_gap_seconds"),
    "recency_overdue_z": _ratio(_OVERDUE, "sd_gap_seconds"),
    "recency_over_tenure": _recency_over(_since("first_purchase_at")),
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

_INSTANTS = ("last_purchase_at", "first_purchase_at", "last_browse_at")
_OF_TIME = (*map(_since, _INSTANTS), _OVERDUE)
_FORMULAS = tuple(_CHURN.values())
_RATIOS = tuple(f.of for f in _FORMULAS if isinstance(f.of, tuple))
_NAMES = (*_INSTANTS, *(f.of for f in _FORMULAS if isinstance(f.of, str)), *(name for two in _RATIOS for name in two))
STORED: tuple[str, ...] = tuple(name for name in dict.fromkeys(_NAMES) if name not in _OF_TIME)
"""The stored features that inputs are made of."""

_QUANTITIES: tuple[Quantity, ...] = (*STORED, *_OF_TIME, *_RATIOS)
_PLACE = {one: j for j, one in enumerate(_QUANTITIES)}


def _places(quantities: Iterable[Quantity]) -> npt.NDArray[np.int64]:
    return np.array([_PLACE[one] for one in quantities], dtype=np.int64)


_SINCE = slice(len(STORED), len(STORED) + len(_INSTANTS))
_RATIO = slice(_SINCE.stop + 1, None)
_INSTANT, _GAP = _places(_INSTANTS), _PLACE["mean_gap_seconds"]
_ABOVE, _BELOW = _places(above for above, _ in _RATIOS), _places(below for _, below in _RATIOS)
_TOLD = _places(f.of for f in _FORMULAS)
_UNIT = np.array([DAY_SECONDS if f.as_days else 1.0 for f in _FORMULAS])
_AS_LOG = np.flatnonzero([f.as_log for f in _FORMULAS])


def customer_inputs(columns: Mapping[str, npt.ArrayLike], at: npt.ArrayLike) -> tuple[list[str], Matrix]:
    """Model inputs `[n, p]` float64 with their names (`CHURN_INPUTS`), from batch and state columns at moments `at`.

    `columns` holds arrays of length n by feature name: times as epoch seconds, absent values NaN; names not needed are
    ignored, names not there count as absent. `at` is epoch seconds, of length n.
    """
    moments = np.asarray(at, dtype=np.float64)
    stored = np.full((len(moments), len(STORED)), np.nan)
    for j, name in enumerate(STORED):
        if (column := columns.get(name)) is not None:
            stored[:, j] = column
    return list(CHURN_INPUTS), inputs_of(stored, moments)


def inputs_of(stored: Matrix, at: Column) -> Matrix:
    """The same from the features `STORED` side by side, `[n, len(STORED)]`."""
    known = np.empty((len(stored), len(_QUANTITIES)))
    known[:, : _SINCE.start] = stored
    since = np.subtract(at[:, None], stored.take(_INSTANT, axis=1), out=known[:, _SINCE])
    known[:, _SINCE.stop] = since[:, 0] - stored[:, _GAP]  # seconds past her usual gap
    below = known.take(_BELOW, axis=1)
    np.divide(known.take(_ABOVE, axis=1), np.where(below == 0, np.nan, below), out=known[:, _RATIO])
    inputs = known.take(_TOLD, axis=1)
    inputs /= _UNIT
    inputs[:, _AS_LOG] = np.log1p(np.maximum(inputs.take(_AS_LOG, axis=1), 0.0))
    return inputs


def stored_of(rows: Sequence[Mapping[str, Any]]) -> Matrix:
    """The features `STORED` of online records with state features over them, one mapping a customer; absent is NaN."""
    nan = np.nan
    told = [[nan if (value := row.get(name)) is None else value for name in STORED] for row in rows]
    return np.array(told, dtype=np.float64).reshape(len(rows), len(STORED))


def to_columns(table: Any) -> dict[str, npt.NDArray[Any]]:
    """Columns of a pandas frame or Arrow table as numpy: times as epoch seconds, numbers float64, text as objects."""
    if hasattr(table, "column_names"):
        table = table.to_pandas()
    return {str(name): _to_array(table[name].to_numpy()) for name in table.columns}


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
