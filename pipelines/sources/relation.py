"""From DuckDB relations to what converters yield: batches of canonical events, and rejects with their raw rows."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from features.columns import EVENT_SCHEMA
from pipelines.sources.base import Reason, Reject, SourceBatch

BATCH_ROWS = 20_000


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB whose sessions speak UTC; it spills to a temporary folder of its own when memory is short."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    return con


def sql_text(path: Path) -> str:
    """A path as a SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"


def event_batches(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[SourceBatch]:
    """The rows of a query with any subset of `EVENT_SCHEMA`'s columns, as batches of at most `BATCH_ROWS` events."""
    for batch in con.sql(query).to_arrow_reader(BATCH_ROWS):
        yield SourceBatch(as_events(pa.Table.from_batches([batch])))


def reject_batches(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[SourceBatch]:
    """The rows (event_id, reason, detail, raw) of a query, as batches of rejects without events."""
    for batch in con.sql(query).to_arrow_reader(BATCH_ROWS):
        rows = batch.to_pylist()
        rejects = [Reject(row["event_id"], Reason(row["reason"]), row["detail"], row["raw"]) for row in rows]
        yield SourceBatch(EVENT_SCHEMA.empty_table(), rejects)


def as_events(table: pa.Table) -> pa.Table:
    """A table with exactly `EVENT_SCHEMA`: absent columns null, types cast."""
    count = table.num_rows
    present = set(table.column_names)
    columns = [
        table[field.name].cast(field.type) if field.name in present else pa.nulls(count, field.type)
        for field in EVENT_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=EVENT_SCHEMA)
