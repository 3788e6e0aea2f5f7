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

Row = dict[str, Any]


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
    return _packed(events, _payloads(events))


def pack_with_rows(events: pa.Table) -> list[tuple[Packed, Row]]:
    """Accepted events in their order, each with its flat row: the filled columns of `EVENT_SCHEMA`."""
    payloads = _payloads(events)
    packed = _packed(events, payloads)
    ids = (events[name].to_pylist() for name in ("customer_id", "anonymous_id", "schema_version"))
    return [
        (event, envelope(event, customer, anonymous, version) | payload)
        for event, payload, customer, anonymous, version in zip(packed, payloads, *ids, strict=True)
    ]


def _packed(events: pa.Table, payloads: list[Row]) -> list[Packed]:
    columns = (events[name].to_pylist() for name in _ENVELOPE)
    occurred = pc.cast(events["occurred_at"], pa.int64()).to_pylist()
    received = pc.cast(events["received_at"], pa.int64()).to_pylist()
    return [pack_one(*event) for event in zip(*columns, occurred, received, payloads, strict=True)]


def pack_one(
    customer_id: str | None,
    anonymous_id: str | None,
    event_id: str,
    kind: str,
    channel: str | None,
    touchpoint: str | None,
    source: str,
    at: int,
    heard: int,
    payload: Row,
) -> Packed:
    """An accepted event; `payload` holds its filled fields in the order in which its type names them."""
    body = _encode(payload)
    said = _encode((kind, customer_id, anonymous_id, at, channel, touchpoint, body))
    content = hashlib.blake2b(said, digest_size=16).digest()
    origin = origin_of(customer_id, anonymous_id)
    return Packed(origin, at, event_id, heard, kind, channel, touchpoint, source, content, body)


def envelope(event: Packed, customer_id: str | None, anonymous_id: str | None, version: int) -> Row:
    """The filled fields of the envelope."""
    row = {
        "event_id": event.event_id,
        "type": event.type,
        "customer_id": customer_id,
        "anonymous_id": anonymous_id,
        "occurred_at": from_us(event.occurred_at),
        "received_at": from_us(event.received_at),
        "channel": event.channel,
        "touchpoint": event.touchpoint,
        "source": event.source,
        "schema_version": version,
    }
    return {name: value for name, value in row.items() if value is not None}


def facts(rows: Iterable[tuple[Any, ...]]) -> Iterator[Fact]:
    """Rows of `FACT_COLUMNS` as facts."""
    for event_id, kind, occurred, received, origin, channel, touchpoint, source, body in rows:
        yield Fact(
            event_id, kind, from_us(occurred), from_us(received), origin, channel, touchpoint, source, _decode(body)
        )


def pack_row(row: Row) -> bytes:
    """A whole flat row of `pack_with_rows`, for the live events that wait for the lake."""
    return _encode(row)


def unpack_rows(bodies: Iterable[bytes]) -> pa.Table:
    """The rows of `pack_row` as a table of `EVENT_SCHEMA`."""
    return pa.Table.from_pylist([_decode(body) for body in bodies], schema=EVENT_SCHEMA)


def _payloads(events: pa.Table) -> list[Row]:
    """The filled payload fields of each event, in the order in which its type names them."""
    types = events["type"].to_pylist()
    payloads: list[Row] = [{}] * len(types)
    names = np.asarray(types, dtype=object)
    for kind in dict.fromkeys(types):
        rows = np.flatnonzero(names == kind)
        part = events.select(EVENT_TYPES[kind].fields)
        part = part if len(rows) == len(types) else part.take(pa.array(rows))
        for row, payload in zip(rows.tolist(), _filled(part, len(rows)), strict=True):
            payloads[row] = payload
    return payloads


def _filled(part: pa.Table, count: int) -> list[Row]:
    """The filled columns of each row."""
    columns: dict[str, list[Any]] = {}
    gaps = False
    for name in part.column_names:
        column = part[name].combine_chunks()
        if column.null_count == count:
            continue
        gaps = gaps or column.null_count > 0
        columns[name] = _lines(column) if name == "lines" else column.to_pylist()
    if not columns:
        return [{} for _ in range(count)]
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


def _dicts(columns: dict[str, list[Any]], gaps: bool) -> list[Row]:
    names = tuple(columns)
    rows = zip(*columns.values(), strict=True)
    if not gaps:
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


_ENVELOPE = ("customer_id", "anonymous_id", "event_id", "type", "channel", "touchpoint", "source")
