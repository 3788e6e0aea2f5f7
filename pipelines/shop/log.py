"""The chunk's events as rows of monthly files: what was learnt in a month, kind by kind, as it came in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from features.columns import EVENT_SCHEMA, TIME
from pipelines.shop.arrays import Ints
from pipelines.shop.chunk import NUMBERS, Chunk
from pipelines.shop.deeds import instants_us
from pipelines.shop.imperfections import disorder, received
from pipelines.shop.telling import Numbered, Told, is_value, rows_of

SOURCE = "simulated"
EVENTS_PER_CHUNK = 10 * NUMBERS


def month_tables(chunk: Chunk) -> Iterator[tuple[str, pa.Table, dict[str, int]]]:
    """(month, rows, rows by type), months in order, empty ones left out."""
    rng = np.random.default_rng(chunk.log_seed)
    first = chunk.number * EVENTS_PER_CHUNK
    tellings: list[tuple[Told, pa.Table, Ints]] = []
    for told in chunk.told:
        tellings.append((told, *_table(rng, chunk, told, first)))
        first += len(told.at)
    bounds = _months(min(int(arrived[0]) for *_, arrived in tellings if len(arrived)), chunk.end_us)
    for (month, begins), (_, ends) in pairwise(bounds):
        parts: list[pa.Table] = []
        counts: dict[str, int] = {}
        for told, table, arrived in tellings:
            low, high = (int(i) for i in np.searchsorted(arrived, [begins, ends]))
            counts[told.type] = counts.get(told.type, 0) + high - low
            parts.append(table.slice(low, high - low))
        rows = pa.concat_tables(parts, promote_options="default")
        if rows.num_rows:
            yield month, complete(rows), counts


def _table(rng: np.random.Generator, chunk: Chunk, told: Told, first_number: int) -> tuple[pa.Table, Ints]:
    """The rows of one telling that reached the log in time, by arrival but for a few, with the arrivals as sorted."""
    every = np.arange(len(told.at))
    occurred = instants_us(told.at, chunk.names.epoch_us)
    arrived = received(rng, chunk.parameters, occurred, is_value(told.channel, "store", every))
    rows = np.flatnonzero(arrived < chunk.end_us)
    rows = rows[np.argsort(arrived[rows], kind="stable")]
    rows = rows[disorder(rng, chunk.parameters, len(rows))]
    times = occurred[rows], arrived[rows]
    table = event_rows(told, rows, *times, chunk.customer_ids, chunk.device_ids, first_number)
    return table, np.maximum.accumulate(arrived[rows])


def event_rows(
    told: Told,
    rows: Ints,
    occurred: Ints,
    arrived: Ints,
    customer_ids: pa.Array,
    device_ids: pa.Array,
    first_number: int,
) -> pa.Table:
    """The given rows of a telling as events, times in microseconds; the telling's ids begin at `first_number`."""
    who, device = told.who[rows], told.device[rows]
    columns = {
        "event_id": rows_of(Numbered("e", first_number + np.arange(len(told.at))), rows),
        "type": pa.repeat(told.type, len(rows)),
        "customer_id": customer_ids.take(pa.array(who, mask=who < 0)),
        "anonymous_id": device_ids.take(pa.array(device, mask=device < 0)),
        "occurred_at": pa.array(occurred).cast(TIME),
        "received_at": pa.array(arrived).cast(TIME),
        "channel": rows_of(told.channel, rows),
        "touchpoint": rows_of(told.touchpoint, rows),
        "source": pa.repeat(SOURCE, len(rows)),
        "schema_version": pa.repeat(pa.scalar(1, pa.int16()), len(rows)),
        **{name: rows_of(column, rows) for name, column in told.payload.items()},
    }
    return pa.table(columns)


def complete(table: pa.Table) -> pa.Table:
    """All columns of the schema, the absent ones null."""
    columns = [
        table[f.name].cast(f.type) if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
        for f in EVENT_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=EVENT_SCHEMA)


def _months(first_us: int, end_us: int) -> list[tuple[str, int]]:
    """(name, first instant) of the months from `first_us` on; the last entry is the end."""
    day = datetime.fromtimestamp(first_us // 1_000_000, UTC)
    bounds, year, month = [], day.year, day.month
    while (begins := round(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1_000_000) < end_us:
        bounds.append((f"{year}-{month:02d}", begins))
        year, month = year + month // 12, month % 12 + 1
    return [*bounds, ("", end_us)]
