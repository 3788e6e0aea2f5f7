"""What happened after a cutoff: who came back, and the shop's own rhythm that says how long to wait for it."""

from datetime import datetime, timedelta

import duckdb
import numpy as np

from features.errors import DataError
from training.metrics import Array

HORIZONS_DAYS = (28, 60, 90, 180)
GAP_QUANTILE = 0.9


def lapsed(
    con: duckdb.DuckDBPyConnection, customers: list[str], cutoff: datetime, horizon_days: int, known_by: datetime
) -> Array:
    """1.0 for customers without a purchase in [cutoff, cutoff + horizon), else 0.0; only lines received by `known_by`.

    Raises `ValueError` if the window is not over by `known_by`: such a label is not known yet.
    """
    end = cutoff + timedelta(days=horizon_days)
    if end > known_by:
        raise ValueError(f"The label window of {cutoff} ends {end}, after {known_by}.")
    rows = con.sql(
        "select distinct customer_id from lines where occurred_at >= $1 and occurred_at < $2 and received_at <= $3",
        params=[cutoff, end, known_by],
    ).fetchall()
    came = {row[0] for row in rows}
    return np.array([0.0 if c in came else 1.0 for c in customers])


def horizon_days(con: duckdb.DuckDBPyConnection, as_of: datetime) -> int:
    """The smallest of 28, 60, 90, 180 days that nine of ten returns to the shop fit in.

    The rhythm is the 90 % quantile of days between consecutive purchase days of a customer, all customers together,
    before `as_of`: 13 days for weekly groceries (28), 78 for gifts (90). History bounds it: at most half its length, so
    that there is as much to learn from as to look forward to. Raises `DataError` where nobody ever came back.
    """
    gap, history = con.sql(
        """with visits as (
             select distinct customer_id, date_trunc('day', occurred_at) as visit
             from lines where occurred_at < $1 and received_at <= $1),
           gaps as (
             select (epoch(visit) - epoch(lag(visit) over (partition by customer_id order by visit))) / 86400 as gap
             from visits)
           select quantile_cont(gap, $2), (select (epoch($1) - epoch(min(visit))) / 86400 from visits) from gaps""",
        params=[as_of, GAP_QUANTILE],
    ).fetchall()[0]
    if gap is None:
        raise DataError(
            f"No customer bought twice before {as_of:%Y-%m-%d}: the shop's rhythm cannot be told. Ingest more history, "
            "or state churn.horizon_days in params.yaml."
        )
    fitting = [d for d in HORIZONS_DAYS if d <= history / 2] or [HORIZONS_DAYS[0]]
    return next((d for d in fitting if d >= gap), fitting[-1])
