"""Splits: by time first, by customer where windows overlap.

The newest cutoff validates, earlier ones train. Label windows of neighbouring cutoffs may overlap where history is
short; then a customer's own earlier row tells about her later label, so she is predicted by models that never saw her.
"""

from datetime import datetime, timedelta
from zlib import crc32

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from training.metrics import Array


def cutoffs(
    as_of: datetime,
    first_event: datetime,
    *,
    window_days: int,
    step_days: int,
    count: int,
    min_history_days: int,
) -> list[datetime]:
    """Up to `count` cutoffs, newest first, `step_days` apart, whose windows [cutoff, cutoff + window) end by `as_of`.

    Each has at least `min_history_days` of events before it. Raises `DataError` if there is none.
    """
    newest = as_of - timedelta(days=window_days)
    wanted = [newest - timedelta(days=step_days * i) for i in range(count)]
    found = [c for c in wanted if c - first_event >= timedelta(days=min_history_days)]
    if not found:
        have = (as_of - first_event) / timedelta(days=1)
        raise DataError(
            f"Too little history: {have:.0f} days before {as_of:%Y-%m-%d}, but {min_history_days + window_days} are "
            f"needed ({min_history_days} to learn from and {window_days} to see what followed). Ingest older events, "
            "train as of a later date, or shorten churn.horizon_days / next_offer.window_days / min_history_days in "
            "params.yaml."
        )
    return found


def drawn(customers: Array, most: int) -> Array:
    """Rows `[n]` of at most `most` of the customers (ids; each may have several rows), drawn by lot: true for taken.

    The lot is a hash of the id: the same customers whatever their order, and whoever else is there.
    """
    different = np.unique(customers)
    if len(different) <= most:
        return np.ones(len(customers), np.bool_)
    lots = np.array([crc32(b"drawn:" + str(one).encode()) for one in different.tolist()])
    taken = different[np.argsort(lots, kind="stable")[:most]]
    return np.asarray(np.isin(customers, taken))


def customer_folds(customers: Array, folds: int) -> npt.NDArray[np.int64]:
    """Fold of each row, by customer: equal customers share a fold, the same set of customers always the same folds."""
    names, which = np.unique(customers, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(names))
    return np.asarray(order % folds, np.int64)[which]
