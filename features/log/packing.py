"""Accepted events as rows of the live store, and back as facts: payloads packed as MessagePack, content hashed.

The hash covers what was said (type, who, when, where, payload), not who told us or when we heard, so that the same
event sent again through another door is the same event.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import EVENT_SCHEMA
from features.events import EVENT_TYPES
from features.facts import Fact
from features.instants import from_us
from features.log.rules import RESERVED_PREFIX

NOBODY = ""
"""The origin of shop-level events."""

FACT_COLUMNS = "event_id, type, occurred_at, received_at, origin_id, channel, touchpoint, source, body"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Packed(NamedTuple):
    """One accepted event as the live store keeps it; the fields are columns of `facts`. Times are microseconds."""

    origin_id: str
    occurred_at: int
    event_id: str
    received_at: int
    type: str
    channel: str | None
    touchpoint: str | None
    source: str
    payload_hash: bytes
    body: bytes


def origin_of(customer_id: str | None, anonymous_id: str | None) -> str:
    """Under whom an event is recorded: her customer_id, else "anonymous:" and her anonymous_id, else nobody."""
    if customer_id is not None:
        return customer_id
    return NOBODY if anonymous_id is None else RESERVED_PREFIX + anonymous_id


def pack(events: pa.Table) -> list[Packed]:
    """Accepted events (of `validate`) in their order."""
    columns = {name: events[name].to_pylist() for name in _ENVELOPE}
    occurred = pc.cast(events["occurred_at"], pa.int64()).to_pylist()
    received = pc.cast(events["received_at"], pa.int64()).to_pylist()
    bodies = _bodies(events, columns["type"])
    packed = []
    for customer, anonymous, event_id, kind, channel, touchpoint, source, at, heard, body in zip(
        *columns.values(), occurred, received, bodies, strict=True
    ):
        said = _encode((kind, customer, anonymous, at, channel, touchpoint, body))
        content = hashlib.blake2b(said, digest_size=16).digest()
        origin = origin_of(customer, anonymous)
        packed.append(Packed._make((origin, at, event_id, heard, kind, channel, touchpoint, source, content, body)))
    return packed


def facts(rows: Iterable[tuple[Any, ...]]) -> Iterator[Fact]:
    """Rows of `FACT_COLUMNS` as facts."""
    for event_id, kind, occurred, received, origin, channel, touchpoint, source, body in rows:
        yield Fact(
            event_id, kind, from_us(occurred), from_us(received), origin, channel, touchpoint, source, _decode(body)
        )


def pack_row(row: dict[str, Any]) -> bytes:
    """A whole flat row, for the live events that wait for the lake."""
    return _encode({name: value for name, value in row.items() if value is not None})


def unpack_rows(bodies: Iterable[bytes]) -> pa.Table:
    """The rows of `pack_row` as a table of `EVENT_SCHEMA`."""
    return pa.Table.from_pylist([_decode(body) for body in bodies], schema=EVENT_SCHEMA)


def _bodies(events: pa.Table, types: list[str]) -> list[bytes]:
    bodies: list[bytes] = [b""] * len(types)
    names = np.asarray(types, dtype=object)
    for kind in dict.fromkeys(types):
        rows = np.flatnonzero(names == kind)
        part = events if len(rows) == len(types) else events.take(pa.array(rows))
        for row, payload in zip(rows.tolist(), _payloads(part, EVENT_TYPES[kind].fields), strict=True):
            bodies[row] = _encode(payload)
    return bodies


def _payloads(part: pa.Table, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """The filled payload fields of each row, in the order of `fields`."""
    columns: dict[str, list[Any]] = {}
    gaps = False
    for name in fields:
        column = part[name].combine_chunks()
        if column.null_count == part.num_rows:
            continue
        gaps = gaps or column.null_count > 0
        columns[name] = _lines(column) if name == "lines" else column.to_pylist()
    if not columns:
        return [{} for _ in range(part.num_rows)]
    return _dicts(columns, gaps)


def _lines(column: Any) -> list[Any]:
    """Lists of lines as `to_pylist` gives them but without empty fields, several times as fast."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    flat = pc.list_flatten(array)
    columns, gaps = {}, False
    for name in (field.name for field in flat.type):
        values = pc.struct_field(flat, name)
        if values.null_count < len(values):
            gaps = gaps or values.null_count > 0
            columns[name] = values.to_pylist()
    lines = _dicts(columns, gaps)
    made: list[Any] = []
    start = 0
    for count in pc.list_value_length(array).to_pylist():
        made.append(None if count is None else lines[start : start + count])
        start += count or 0
    return made


def _dicts(columns: dict[str, list[Any]], gaps: bool) -> list[dict[str, Any]]:
    names = tuple(columns)
    rows = zip(*columns.values(), strict=True)
    if not gaps:
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


_ENVELOPE = ("customer_id", "anonymous_id", "event_id", "type", "channel", "touchpoint", "source")
