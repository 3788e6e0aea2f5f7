"""Feast's values and keys as those of packed records, and back."""

import math
from datetime import UTC, datetime
from typing import Any

from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.types import Float64, Int64, String, UnixTimestamp

from features.feature_store.online.records import RecordSchema
from features.instants import to_us

KINDS: dict[Any, str] = {Int64: "int64", Float64: "float64", String: "string", UnixTimestamp: "timestamp"}
"""Feast's type -> the type in a record's schema."""

_PROTO_FIELDS = {
    "int64": "int64_val",
    "float64": "double_val",
    "string": "string_val",
    "timestamp": "unix_timestamp_val",
}
_NO_TIME = -(2**63)


def micros(at: datetime) -> int:
    """Microseconds since the epoch; a time without zone is UTC, as Feast has it."""
    return to_us(at if at.tzinfo else at.replace(tzinfo=UTC))


def customer_of(key: EntityKeyProto) -> str:
    """The customer of an entity key; raises `ValueError` for a key that is not one text."""
    if len(key.entity_values) != 1 or key.entity_values[0].WhichOneof("val") != "string_val":
        raise ValueError(f"Packed records have one text as key, got {list(key.join_keys)}: key the view by customer.")
    return str(key.entity_values[0].string_val)


def from_proto(schema: RecordSchema, values: dict[str, ValueProto]) -> list[int | float | str | None]:
    """A record's values in schema order."""
    return [_cell(kind, values.get(name)) for name, kind in zip(schema.names, schema.types, strict=True)]


def to_proto(schema: RecordSchema, values: dict[str, Any], wanted: set[str]) -> dict[str, ValueProto]:
    """The `wanted` ones of a record's values, absent ones as empty cells; times lose what is below the second."""
    cells = {}
    for name, kind in zip(schema.names, schema.types, strict=True):
        if name in wanted:
            value = values[name]
            cells[name] = cell = ValueProto()
            if value is not None:
                setattr(cell, _PROTO_FIELDS[kind], math.floor(value) if kind == "timestamp" else value)
    return cells


def _cell(kind: str, cell: ValueProto | None) -> int | float | str | None:
    """Absent is an empty cell, or what Feast makes of a missing pandas time or number."""
    if cell is None or cell.WhichOneof("val") is None:
        return None
    value: int | float | str = getattr(cell, _PROTO_FIELDS[kind])
    if value != value or (kind == "timestamp" and value == _NO_TIME):
        return None
    return int(value) * 1_000_000 if kind == "timestamp" else value
