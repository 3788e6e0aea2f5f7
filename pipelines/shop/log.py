"""The chunk's events as the rows of the log's monthly files."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from features.columns import EVENT_SCHEMA, TIME
from pipelines.shop.arrays import Ints
from pipelines.shop.chunk import NUMBERS, Chunk
from pipelines.shop.deeds import instants_us
from pipelines.shop.imperfections import disorder, received
from pipelines.shop.telling import Told, numbered

SOURCE = "simulated"
EVENTS_PER_CHUNK = 10 * NUMBERS


def month_tables(chunk: Chunk) -> Iterator[tuple[str, pa.Table, dict[str, int]]]:
    """(month, rows, rows by type): what was learnt in each month, nearly in the order it was learnt."""
    rng = np.random.default_rng(chunk.log_seed)
    tables, number = [], chunk.number * EVENTS_PER_CHUNK
    for told in chunk.told:
        table, arrived = _table(rng, chunk, told, number)
        number += len(told.at)
        tables.append((told.type, table, arrived))
    bounds = _months(min(int(a[0]) for _, _, a in tables if len(a)), chunk.end_us)
    for (month, begins), (_, ends) in zip(bounds, bounds[1:], strict=False):
        parts, times, counts = [], [], {}
        for event_type, table, arrived in tables:
            low, high = np.searchsorted(arrived, [begins, ends])
            parts.append(table.slice(low, high - low))
            times.append(arrived[low:high])
            counts[event_type] = counts.get(event_type, 0) + int(high - low)
        order = np.argsort(np.concatenate(times), kind="stable")
        order = order[disorder(rng, chunk.parameters, len(order))]
        if len(order):
            whole = pa.concat_tables(parts, promote_options="default").take(pa.array(order))
            yield month, _complete(whole), counts


def _table(rng: np.random.Generator, chunk: Chunk, told: Told, first_number: int) -> tuple[pa.Table, Ints]:
    """The rows of one telling that reached the log in time, by arrival, with the arrivals."""
    occurred = instants_us(told.at, chunk.names.epoch_us)
    in_store = np.array([v == "store" for v in told.channel.values])[told.channel.codes]
    arrived = received(rng, chunk.parameters, occurred, in_store)
    rows = np.flatnonzero(arrived < chunk.end_us)
    rows = rows[np.argsort(arrived[rows], kind="stable")]
    take = pa.array(rows)
    who, device = told.who[rows], told.device[rows]
    columns = {
        "event_id": numbered("e", first_number + rows),
        "type": pa.repeat(told.type, len(rows)),
        "customer_id": chunk.customer_ids.take(pa.array(who, mask=who < 0)),
        "anonymous_id": chunk.device_ids.take(pa.array(device, mask=device < 0)),
        "occurred_at": pa.array(occurred[rows]).cast(TIME),
        "received_at": pa.array(arrived[rows]).cast(TIME),
        "channel": told.channel.column().take(take),
        "touchpoint": told.touchpoint.column().take(take),
        "source": pa.repeat(SOURCE, len(rows)),
        "schema_version": pa.repeat(pa.scalar(1, pa.int16()), len(rows)),
        **{name: column.take(take) for name, column in told.payload.items()},
    }
    return pa.table(columns), arrived[rows]


def _complete(table: pa.Table) -> pa.Table:
    """All columns of the schema, the absent ones null."""
    return pa.Table.from_arrays(
        [
            table[f.name].cast(f.type) if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
            for f in EVENT_SCHEMA
        ],
        schema=EVENT_SCHEMA,
    )


def _months(first_us: int, end_us: int) -> list[tuple[str, int]]:
    """(name, first instant) of the months from `first_us` on; the last entry is the end."""
    day = datetime.fromtimestamp(first_us // 1_000_000, UTC)
    bounds, year, month = [], day.year, day.month
    while (begins := round(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1_000_000) < end_us:
        bounds.append((f"{year}-{month:02d}", begins))
        year, month = year + month // 12, month % 12 + 1
    return [*bounds, ("", end_us)]
