"""Training sets: point-in-time features from Feast as a pandas frame, one row a row of the spine, in its order."""

import contextlib
import io
from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.errors import DataError
from features.feature_store.snapshots import BATCH, snapshots
from features.home import Home

ROW_ID = "spine_row_id"


def load_training_set(
    service: str = "churn_v1",
    *,
    home: Home,
    cutoffs: Sequence[datetime] | None = None,
    spine: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Features of a Feast service as they were known at each row's time.

    The rows are those of `spine` (columns customer_id and event_timestamp, aware UTC; further columns are kept), else
    every customer known at each of `cutoffs`, else at every cutoff that has snapshots. Rows out = rows in, in the same
    order; a customer without features by her row's time has absent ones. Columns: the spine's, then the features
    documented in docs/features.md; times are datetime64[us, UTC], text is object, the rest float64, absent NaN.

    Raises `DataError` if a cutoff has no snapshot, or the spine lacks a column or is empty.
    """
    from features.feature_store.feast_repo import feature_store, historical  # six seconds of import, only where needed

    rows = _spine_of(home, cutoffs) if spine is None else spine
    missing = {CUSTOMER_ID, EVENT_TIMESTAMP} - set(rows.columns)
    if missing or rows.empty:
        raise DataError(
            f"The spine needs rows and the columns customer_id and event_timestamp; it has {len(rows)} rows"
            f"{f' and lacks {sorted(missing)}' if missing else ''}. Build snapshots first, or pass another spine."
        )
    numbered = rows.reset_index(drop=True)
    numbered[ROW_ID] = range(len(numbered))
    with contextlib.redirect_stdout(io.StringIO()):
        joined = historical(feature_store(home), service, numbered)
    frame: pd.DataFrame = joined.sort_by(ROW_ID).drop_columns([ROW_ID]).to_pandas()
    if len(frame) != len(rows):
        raise DataError(f"The point-in-time join made {len(frame)} rows of {len(rows)}: a snapshot holds a row twice.")
    features = [name for name in frame.columns if name not in rows.columns]
    numeric = [name for name in features if frame[name].dtype.kind in "iub"]
    return frame.astype(dict.fromkeys(numeric, "float64"))


def _spine_of(home: Home, cutoffs: Sequence[datetime] | None) -> pd.DataFrame:
    there = {one.cutoff: one for one in snapshots(home, BATCH)}
    wanted = there if cutoffs is None else list(cutoffs)
    if lacking := [c for c in wanted if c not in there]:
        raise DataError(
            f"No feature snapshot as of {', '.join(f'{c:%Y-%m-%d %H:%M}' for c in lacking)}. "
            "Build it with `tahdikas snapshots` or `tahdikas retrain`."
        )
    parts = [
        pq.read_table(file, columns=[CUSTOMER_ID, EVENT_TIMESTAMP]).to_pandas()
        for c in wanted
        for file in there[c].files
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[CUSTOMER_ID, EVENT_TIMESTAMP])
