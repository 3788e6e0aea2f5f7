"""Events as JSON objects, as the API and JSONL files have them: the envelope fields, and a `payload` object.

>>> from datetime import UTC
>>> table, rejected = rows_from_json(
...     [{"event_id": "e1", "type": "consent", "customer_id": "c1", "occurred_at": "2026-01-01T12:00:00+02:00",
...       "payload": {"purpose": "marketing", "channel": "email", "status": "granted"}}, {"event_id": "e2"}],
...     source="api", received_at=datetime(2026, 1, 2, tzinfo=UTC))
>>> table.select(["event_id", "consent_channel", "occurred_at"]).to_pylist()[0]["occurred_at"].hour, rejected[0].reason
(10, <Reason.MISSING_FIELD: 'missing_field'>)
"""

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
import pyarrow as pa

from features.columns import EVENT_SCHEMA, PAYLOAD_FIELDS, TIME
from features.events import ENVELOPE_NAMES, EVENT_TYPES, EventType, payload_name
from features.log.rejects import Reason, Reject, raw_text
from features.log.rules import CURRENT_VERSION, JSON_FIELDS

_Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Small = Annotated[int, msgspec.Meta(ge=-(2**15), le=2**15 - 1)]
_Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a purchase or a return."""

    item_id: str
    quantity: _Int
    unit_price: _Int | None = None
    discount: _Int | None = None
    amount: _Int | None = None
    offer_id: str | None = None


def rows_from_json(objects: list[Any], *, source: str, received_at: datetime) -> tuple[pa.Table, list[Reject]]:
    """Objects as rows of `EVENT_SCHEMA`, in their order, and a reject (with its place in `objects`) for every other.

    An object may leave out `received_at`, `source` and `schema_version`. Types are strict: no text for a number, every
    instant with its zone. What the values may be is for `validation.validate` to judge.
    """
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    places: list[int] = []
    for place, value in enumerate(objects):
        try:
            rows.append(_row(value, source, received_at))
            places.append(place)
        except UNREADABLE as error:
            reason, detail = _explained(error)
            rejects.append(Reject(_text(value, "event_id"), reason, detail, raw_text(value), place))
    table, unstorable = _table(rows)
    for index, detail in unstorable:
        value = objects[places[index]]
        rejects.append(Reject(_text(value, "event_id"), Reason.BAD_VALUE, detail, raw_text(value), places[index]))
    return table, sorted(rejects, key=lambda reject: reject.row)


def object_of(row: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of a flat row: the inverse of `rows_from_json`, filled fields only."""
    filled = {name: value for name, value in row.items() if value is not None}
    envelope: dict[str, Any] = {name: filled.pop(name) for name in ENVELOPE_NAMES if name in filled}
    return envelope | {"payload": {payload_name(envelope.get("type", ""), name): v for name, v in filled.items()}}


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """A flat row whose lines keep their filled fields only."""
    lines = row.get("lines")
    if lines is None:
        return row
    return row | {"lines": [line and {k: v for k, v in line.items() if v is not None} for line in lines]}


def typed(value: Any) -> Any:
    """An object as the struct of its type: the envelope's fields, and those of the payload's columns in `payload`.

    Raises one of `UNREADABLE` for what is no event.
    """
    return msgspec.convert(value, _SHAPES[_type_of(value)])


def _row(value: Any, source: str, received_at: datetime) -> dict[str, Any]:
    event = typed(value)
    row = {name: getattr(event, name) for name in ENVELOPE_NAMES} | msgspec.structs.asdict(event.payload)
    if row["received_at"] is None:
        row["received_at"] = received_at
    if row["source"] is None:
        row["source"] = source
    if row.get("lines") is not None:
        row["lines"] = [msgspec.structs.asdict(line) for line in row["lines"]]
    for name in JSON_FIELDS:
        if isinstance(row.get(name), dict):
            row[name] = _json(row[name])
    return row


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _table(rows: list[dict[str, Any]]) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The rows as a table without those that Arrow cannot hold (lone surrogates, say), which are named instead."""
    try:
        return _columns(rows), []
    except (pa.ArrowException, UnicodeError, OverflowError, ValueError):
        bad: list[tuple[int, str]] = []
        for index, row in enumerate(rows):
            try:
                _columns([row])
            except (pa.ArrowException, UnicodeError, OverflowError, ValueError) as error:
                bad.append((index, f"a value cannot be stored: {error}"))
        outcasts = {index for index, _ in bad}
        return _columns([row for index, row in enumerate(rows) if index not in outcasts]), bad


def _columns(rows: list[dict[str, Any]]) -> pa.Table:
    count = len(rows)
    present = set().union(*rows)
    arrays = [
        pa.array([row.get(f.name) for row in rows], f.type) if f.name in present else pa.nulls(count, f.type)
        for f in EVENT_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=EVENT_SCHEMA)


def _python_type(field: pa.Field) -> Any:
    if field.name in JSON_FIELDS:
        return dict[str, Any] | str
    if field.type == TIME:
        return _Time
    if pa.types.is_list(field.type):
        return list[Line] if field.name == "lines" else list[str]
    plain: dict[pa.DataType, Any] = {pa.string(): str, pa.int64(): _Int, pa.float64(): float, pa.bool_(): bool}
    return plain[field.type]


def _shape(kind: EventType) -> type[msgspec.Struct]:
    types = {f.name: _python_type(f) for f in PAYLOAD_FIELDS}
    required: list[Any] = [(n, types[n]) for n in kind.required]
    optional: list[Any] = [(n, types[n] | None, None) for n in kind.optional]
    names = {n: payload_name(kind.name, n) for n in kind.fields}
    payload = msgspec.defstruct("payload", required + optional, forbid_unknown_fields=True, kw_only=True, rename=names)
    fields: list[Any] = [
        ("event_id", str),
        ("type", str),
        ("customer_id", str | None, None),
        ("anonymous_id", str | None, None),
        ("occurred_at", _Time),
        ("received_at", _Time | None, None),
        ("channel", str | None, None),
        ("touchpoint", str | None, None),
        ("source", str | None, None),
        ("schema_version", _Small, CURRENT_VERSION),
        ("payload", payload) if kind.required else ("payload", payload, msgspec.field(default_factory=payload)),
    ]
    return msgspec.defstruct("event", fields, forbid_unknown_fields=True, kw_only=True)


class _UnreadableError(Exception):
    """Not even the type of an event can be told."""


def _type_of(value: Any) -> str:
    if not isinstance(value, dict):
        raise _UnreadableError(Reason.UNPARSEABLE, f"an event is a JSON object, not {raw_text(value)[:80]}")
    kind = value.get("type")
    if kind is None:
        raise _UnreadableError(Reason.MISSING_FIELD, "type is missing")
    if not isinstance(kind, str) or kind not in EVENT_TYPES:
        raise _UnreadableError(
            Reason.UNKNOWN_TYPE, f"type {raw_text(kind)[:80]} is not one of {', '.join(EVENT_TYPES)}"
        )
    return kind


def _explained(error: Exception) -> tuple[Reason, str]:
    if isinstance(error, _UnreadableError):
        return error.args
    if not isinstance(error, msgspec.ValidationError):
        return Reason.BAD_VALUE, f"a value cannot be stored: {error}"
    text = str(error)
    detail = text.replace(" - at `$.", " - at `")
    if "missing required field" in text:
        return Reason.MISSING_FIELD, detail
    if "unknown field" in text:
        return Reason.UNKNOWN_FIELD, detail
    if re.search("timezone|datetime|RFC3339", text):
        return Reason.BAD_TIME, f"{detail}: write 2026-01-31T12:00:00Z, or another offset for Z"
    return Reason.BAD_VALUE, detail


def _text(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


UNREADABLE = (_UnreadableError, msgspec.ValidationError, UnicodeError, RecursionError)
_SHAPES = {name: _shape(kind) for name, kind in EVENT_TYPES.items()}
