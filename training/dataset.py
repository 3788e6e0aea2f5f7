"""Training sets: point-in-time features from Feast as a pandas frame, one row a row of the spine, in its order."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP, TIME
from features.errors import DataError
from features.feature_store.snapshots import BATCH, parquet_list, snapshots
from features.home import Home


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
    documented in docs/features.md; times are datetime64[us, UTC], text is object, the rest float64, absent NaN. A
    feature that is called like a column of the spine gets its view's name in front: `customer_batch__revenue_total`.

    Raises `DataError` if a cutoff has no snapshot, or the spine lacks a column or is empty.
    """
    from features.feature_store.feast_repo import feature_store, training_rows  # six seconds of import, where needed

    asked = _everyone(home, cutoffs) if spine is None else _checked(spine)
    with contextlib.redirect_stdout(io.StringIO()):
        store = feature_store(home)
    kept = (
        {} if isinstance(asked, str) else {str(n): asked[n] for n in asked if n not in (CUSTOMER_ID, EVENT_TIMESTAMP)}
    )
    with training_rows(store, service, asked).batches() as reader:
        return frame_of(reader, kept)


def frame_of(reader: pa.RecordBatchReader, kept: Mapping[str, pd.Series] | None = None) -> pd.DataFrame:
    """A frame of streamed rows, in memory once: numbers as float64, times as datetime64[us, UTC], the rest as objects.

    `kept` are columns to be taken as they are in place of the stream's.
    """
    instead = kept or {}
    chunks: dict[str, list[np.ndarray]] = {name: [] for name in reader.schema.names if name not in instead}
    for batch in reader:
        for name, parts in chunks.items():
            parts.append(_values(batch[name]))
    columns = {}
    for name in reader.schema.names:
        columns[name] = instead[name] if name in instead else _joined(chunks.pop(name), reader.schema.field(name).type)
    return pd.DataFrame(columns, copy=False)


def _values(column: pa.Array) -> np.ndarray:
    """A batch's column as an array of its own, which does not keep the batch in memory."""
    if pa.types.is_timestamp(column.type):
        return np.array(column.cast(TIME, safe=False).cast(pa.timestamp("us")).to_numpy(zero_copy_only=False))
    if _is_number(column.type):
        return np.array(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    return np.array(column.to_numpy(zero_copy_only=False), dtype=object)


def _joined(parts: list[np.ndarray], kind: pa.DataType) -> pd.Series:
    if pa.types.is_timestamp(kind):
        whole = np.concatenate([np.empty(0, "datetime64[us]"), *parts])
        return pd.Series(pd.DatetimeIndex(whole).tz_localize("UTC"), copy=False)
    return pd.Series(np.concatenate([np.empty(0, float if _is_number(kind) else object), *parts]), copy=False)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _checked(spine: pd.DataFrame) -> pd.DataFrame:
    missing = {CUSTOMER_ID, EVENT_TIMESTAMP} - set(spine.columns)
    if missing or spine.empty:
        raise DataError(
            f"The spine needs rows and the columns customer_id and event_timestamp; it has {len(spine)} rows"
            f"{f' and lacks {sorted(missing)}' if missing else ''}. Build snapshots first, or pass another spine."
        )
    return spine.reset_index(drop=True)


def _everyone(home: Home, cutoffs: Sequence[datetime] | None) -> str:
    """The query of every customer known at each cutoff: nobody comes to this process without her features."""
    there = {one.cutoff: one for one in snapshots(home, BATCH)}
    wanted = list(there if cutoffs is None else cutoffs)
    if lacking := [c for c in wanted if c not in there]:
        raise DataError(
            f"No feature snapshot as of {', '.join(f'{c:%Y-%m-%d %H:%M}' for c in lacking)}. "
            "Build it with `tahdikas snapshots` or `tahdikas retrain`."
        )
    if not sum(there[c].manifest.rows for c in wanted):
        raise DataError("No snapshot has a customer. Bring in events and build snapshots first, or pass a spine.")
    files = parquet_list(file for c in wanted for file in there[c].files)
    return f"select {CUSTOMER_ID}, {EVENT_TIMESTAMP} from read_parquet({files}, hive_partitioning = false)"
