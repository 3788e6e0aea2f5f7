"""Arrow batches of features as rows for the writer of online records."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from features.columns import CUSTOMER_ID, TIME
from features.feature_store.online.records import Cells, RecordSchema


def rows_of(
    batch: pa.RecordBatch, schema: RecordSchema, times: Sequence[int], sequences: Sequence[int]
) -> Iterator[tuple[str, int, int, Cells]]:
    """(customer_id, event time, sequence, values in schema order) of each row; times are microseconds since 1970."""
    columns = [
        micros_of(batch[name]) if kind == "timestamp" else batch[name].to_pylist()
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    for customer, at, sequence, *values in zip(batch[CUSTOMER_ID].to_pylist(), times, sequences, *columns, strict=True):
        yield customer, at, sequence, values


def micros_of(column: pa.Array) -> list[Any]:
    """Times as microseconds since 1970, absent ones None."""
    found: list[Any] = column.cast(TIME).cast(pa.int64()).to_pylist()
    return found
