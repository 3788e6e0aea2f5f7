"""Packed online records: one customer's features in one blob, or the mark that she was forgotten.

A record is `magic, version | crc32 | event time, sequence, kind | schema hash | msgpack list of values`; the checksum
covers all that follows it, so that a damaged record is reported and never misread. Times are stored as microseconds and
read as epoch seconds (float64), as `features/inputs/frame.py` wants them.

The bytes from event time to kind are the record's order: big-endian and moved up by 2^63, so that they sort as the
numbers do, negative ones too. A tombstone sorts after a record of the same time and sequence.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from keyword import iskeyword
from typing import NamedTuple

import msgspec

from features.errors import DataError

BATCH_VIEW = "customer_batch"
CORRUPT, OTHER_SCHEMA, UNKNOWN_SCHEMA = "corrupt", "other_schema", "unknown_schema"
OTHER_VERSION, EXPIRED = "other_version", "expired"
VALUES, TOMBSTONE = 0, 1
MAGIC, VERSION = b"T", 2
ORDER_BYTES = slice(6, 23)

_NO_SCHEMA = "0" * 16
_HEAD = struct.Struct(">2sI")
_ORDER = struct.Struct(">QQB8s")
_WHOLE = struct.Struct(">2sIQQB8s")
_MARK = MAGIC + bytes([VERSION])
_BIAS = 1 << 63
_VERSION_1 = struct.Struct("<cBI"), struct.Struct("<16sqq")
_REMEDY = "Run `tahdikas materialize --whole`."
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int | float | str | None]).decode

Cells = Sequence[int | float | str | None]
Values = dict[str, float | str | None]


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """Ordered names and types (`int64`, `float64`, `string`, `timestamp`) of a record's values."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises `ValueError` for a name twice, or one that is no plain identifier."""
        bad = [name for name in self.names if not name.isidentifier() or name.startswith("_") or iskeyword(name)]
        if bad or len(set(self.names)) != len(self.names) or len(self.names) != len(self.types):
            raise ValueError(f"Features need a type and a plain name each, used once; got {bad or self.names}.")

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over names and types, in order."""
        return sha256(self.as_json().encode()).hexdigest()[:16]

    def as_json(self) -> str:
        """`[[name, type], ...]`."""
        return json.dumps(list(zip(self.names, self.types, strict=True)))

    @classmethod
    def from_json(cls, text: str | bytes) -> "RecordSchema":
        """Inverse of `as_json`."""
        pairs = msgspec.json.decode(text, type=list[tuple[str, str]])
        return cls(tuple(name for name, _ in pairs), tuple(kind for _, kind in pairs))


class OnlineRecord(msgspec.Struct, frozen=True, gc=False):
    """One customer's features as of `event_time`.

    `values` maps feature to float, text or None (absent), times being epoch seconds. With a `problem` (`corrupt`,
    `other_version`, `other_schema`, `unknown_schema`, `expired`) the record could not be used and `values` is empty.
    """

    values: Values
    event_time: datetime | None
    sequence: int
    schema_hash: str
    problem: str | None = None


class Packed(NamedTuple):
    """A record ready to be stored; `event_time`, `sequence` and `kind` repeat what its bytes say."""

    customer_id: str
    event_time: int
    sequence: int
    kind: int
    record: bytes


class Unpacked(NamedTuple):
    """What a record says; `values` is None for a tombstone, `event_time` in microseconds since the epoch."""

    values: list[int | float | str | None] | None
    schema_hash: str
    event_time: int
    sequence: int


def pack(values: Cells, *, schema_hash: str, event_time_micros: int, sequence: int) -> bytes:
    """The record of `values` in schema order, times as integer microseconds since the epoch.

    Raises `ValueError` for a time or sequence that does not fit 64 bits, or a hash that is none.
    """
    return _sealed(event_time_micros, sequence, VALUES, schema_hash, _encode(values))


def tombstone(*, event_time_micros: int, sequence: int) -> bytes:
    """The record of a customer forgotten at a time."""
    return _sealed(event_time_micros, sequence, TOMBSTONE, _NO_SCHEMA, b"")


def unpack(record: bytes) -> Unpacked:
    """What a record says; raises `DataError` if it is torn, altered, foreign or of a version unknown here."""
    kind, schema_hash, event_time, sequence, start = head_of(record)
    try:
        values = None if kind == TOMBSTONE else _decode(memoryview(record)[start:])
    except msgspec.DecodeError as error:
        raise DataError(f"An online record cannot be decoded: {error}. {_REMEDY}") from error
    return Unpacked(values, schema_hash, event_time, sequence)


def head_of(record: bytes) -> tuple[int, str, int, int, int]:
    """Kind, schema hash, event time in microseconds, sequence, and where the values begin, of a whole record.

    Raises `DataError` if it is torn, altered, foreign or of a version unknown here.
    """
    if record[:2] == b"T\x01":
        return _head_of_version_1(record)
    if len(record) < _WHOLE.size:
        raise DataError(f"An online record has only {len(record)} bytes. {_REMEDY}")
    mark, checksum, event_time, sequence, kind, schema_hash = _WHOLE.unpack_from(record)
    if mark != _MARK or zlib.crc32(memoryview(record)[_HEAD.size :]) != checksum:
        raise DataError(f"An online record fails its checksum or version. {_REMEDY}")
    return kind, schema_hash.hex(), event_time - _BIAS, sequence - _BIAS, _WHOLE.size


def is_of_another_version(record: bytes) -> bool:
    """That a record was written by software whose records are not known here."""
    return len(record) >= 2 and record[:1] == MAGIC and record[1] not in (1, VERSION)


def order_at(event_time_micros: int) -> bytes:
    """What the order of every record of this time or later is at least, as bytes."""
    return struct.pack(">Q", event_time_micros + _BIAS)


def _sealed(event_time_micros: int, sequence: int, kind: int, schema_hash: str, body: bytes) -> bytes:
    try:
        order = _ORDER.pack(event_time_micros + _BIAS, sequence + _BIAS, kind, bytes.fromhex(schema_hash))
    except struct.error as error:
        raise ValueError(
            f"Event time {event_time_micros} and sequence {sequence} must each fit a signed 64-bit integer."
        ) from error
    rest = order + body
    return _HEAD.pack(_MARK, zlib.crc32(rest)) + rest


def _head_of_version_1(record: bytes) -> tuple[int, str, int, int, int]:
    head, meta = _VERSION_1
    if len(record) < head.size + meta.size:
        raise DataError(f"An online record has only {len(record)} bytes. {_REMEDY}")
    _, _, checksum = head.unpack_from(record)
    if zlib.crc32(memoryview(record)[head.size :]) != checksum:
        raise DataError(f"An online record fails its checksum. {_REMEDY}")
    schema_hash, event_time, sequence = meta.unpack_from(record, head.size)
    return VALUES, schema_hash.decode("ascii", "replace"), event_time, sequence, head.size + meta.size
