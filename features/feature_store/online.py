"""Packed online records: one customer's features in one blob, in SQLite, read without Feast.

A record is `magic, version | crc32 | schema hash | event time | sequence | msgpack list of values`; the checksum covers
all that follows it, so that a damaged record is reported and never misread. Times are stored as microseconds and read
as epoch seconds (float64), as `features/inputs/frame.py` wants them. A write replaces a record only with one at least
as new by (event time, sequence).
"""

import json
import sqlite3
import struct
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from features.errors import DataError
from features.home import Home

BATCH_VIEW = "customer_batch"
DEFAULT_DEADLINE_SECONDS = 0.05
CORRUPT, OTHER_SCHEMA, UNKNOWN_SCHEMA = "corrupt", "other_schema", "unknown_schema"

_MAGIC, _VERSION = b"T", 1
_HEAD = struct.Struct("<cBI")
_META = struct.Struct("<16sqq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHUNK = 256
_TABLES = """
create table if not exists schemas(schema_hash text primary key, columns text not null) without rowid;
create table if not exists records(
  view text not null, customer_id text not null, event_time integer not null, sequence integer not null,
  record blob not null, primary key (view, customer_id)) without rowid;
"""
_UPSERT = """
insert into records values (?, ?, ?, ?, ?) on conflict (view, customer_id) do update
set event_time = excluded.event_time, sequence = excluded.sequence, record = excluded.record
where (excluded.event_time, excluded.sequence) >= (records.event_time, records.sequence)
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int | float | str | None]).decode

Values = dict[str, float | str | None]


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """Ordered names and types (`int64`, `float64`, `string`, `timestamp`) of a record's values."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over names and types, in order."""
        return sha256(self.as_json().encode()).hexdigest()[:16]

    def as_json(self) -> str:
        """`[[name, type], ...]`."""
        return json.dumps(list(zip(self.names, self.types, strict=True)))

    @classmethod
    def from_json(cls, text: str) -> "RecordSchema":
        """Inverse of `as_json`."""
        pairs = msgspec.json.decode(text, type=list[tuple[str, str]])
        return cls(tuple(name for name, _ in pairs), tuple(kind for _, kind in pairs))


class OnlineRecord(msgspec.Struct, frozen=True):
    """One customer's features as of `event_time`.

    `values` maps feature to float, text or None (absent), times being epoch seconds. With a `problem` (`corrupt`,
    `other_schema`, `unknown_schema`) the record could not be used and `values` is empty.
    """

    values: Values
    event_time: datetime | None
    sequence: int
    schema_hash: str
    problem: str | None = None


def pack(
    values: Sequence[int | float | str | None], *, schema_hash: str, event_time_micros: int, sequence: int
) -> bytes:
    """The record of `values` in schema order, times as integer microseconds since the epoch."""
    rest = _META.pack(schema_hash.encode(), event_time_micros, sequence) + _encode(values)
    return _HEAD.pack(_MAGIC, _VERSION, zlib.crc32(rest)) + rest


def unpack(record: bytes) -> tuple[list[int | float | str | None], str, int, int]:
    """Values, schema hash, event time in microseconds and sequence; raises `DataError` if torn, altered or foreign."""
    if len(record) < _HEAD.size + _META.size:
        raise DataError(f"An online record has only {len(record)} bytes. Run `tahdikas materialize` again.")
    magic, version, checksum = _HEAD.unpack_from(record)
    if magic != _MAGIC or version != _VERSION or zlib.crc32(memoryview(record)[_HEAD.size :]) != checksum:
        raise DataError("An online record fails its checksum or version. Run `tahdikas materialize` again.")
    schema_hash, event_time, sequence = _META.unpack_from(record, _HEAD.size)
    try:
        values = _decode(memoryview(record)[_HEAD.size + _META.size :])
    except msgspec.DecodeError as error:
        raise DataError(f"An online record cannot be decoded: {error}. Run `tahdikas materialize` again.") from error
    return values, schema_hash.decode("ascii"), event_time, sequence


class OnlineWriter:
    """Writes packed records; each call is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._connection.execute("pragma journal_mode=wal")
        self._connection.executescript(_TABLES)

    def write(
        self, view: str, schema: RecordSchema, rows: Iterable[tuple[str, int, int, Sequence[int | float | str | None]]]
    ) -> None:
        """Write `(customer_id, event time in microseconds, sequence, values)` rows, unless a newer one is there."""
        schema_hash = schema.hash
        packed = (
            (view, key, at, sequence, pack(values, schema_hash=schema_hash, event_time_micros=at, sequence=sequence))
            for key, at, sequence, values in rows
        )
        with self._transaction() as run:
            run.execute("insert or ignore into schemas values (?, ?)", (schema_hash, schema.as_json()))
            run.executemany(_UPSERT, packed)

    def forget(self, customer_ids: Iterable[str]) -> None:
        """Remove every record of these customers."""
        with self._transaction() as run:
            run.executemany("delete from records where customer_id = ?", [(key,) for key in customer_ids])

    def drop_view(self, view: str) -> None:
        """Remove every record of a view."""
        with self._transaction() as run:
            run.execute("delete from records where view = ?", (view,))

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._connection)


class _Transaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        self._connection.execute("begin immediate")
        return self._connection

    def __exit__(self, kind: object, *_: object) -> None:
        self._connection.execute("commit" if kind is None else "rollback")


class OnlineFeatures:
    """Reads packed records for serving, from any thread, within a deadline.

    With `expected_schema` (a schema hash, normally the bundle's) a record of another schema is a problem, not a value.
    The deadline bounds waiting for locks and SQLite's own work; a disk that hangs is beyond it.
    """

    def __init__(
        self,
        home: Home,
        *,
        view: str = BATCH_VIEW,
        expected_schema: str | None = None,
        deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
    ) -> None:
        self._path, self._view = home.online_db, view
        self._expected = expected_schema
        self._allowed = deadline_seconds
        self._schemas: dict[str, tuple[tuple[str, ...], tuple[int, ...]] | None] = {}
        self._own = threading.local()

    def read(self, customer_ids: Sequence[str]) -> list[OnlineRecord | None]:
        """Records in the order asked for; None where there is none, or no database yet.

        Raises `DataError` if the database cannot be read in time.
        """
        try:
            connection = self._connection()
            if connection is None:
                return [None] * len(customer_ids)
            self._own.until = time.monotonic() + self._allowed
            if len(customer_ids) == 1:
                row = connection.execute(
                    "select record from records where view = ? and customer_id = ?", (self._view, customer_ids[0])
                ).fetchone()
                return [None if row is None else self._opened(connection, row[0])]
            found = self._fetch(connection, customer_ids)
            return [
                None if (blob := found.get(key)) is None else self._opened(connection, blob) for key in customer_ids
            ]
        except sqlite3.Error as error:
            raise DataError(
                f"Online features in {self._path.name} cannot be read within {self._allowed * 1000:.0f} ms: {error}. "
                "If it lasts, run `tahdikas materialize` to write them again."
            ) from error

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
            self._own.connection = None

    def _fetch(self, connection: sqlite3.Connection, keys: Sequence[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            query = f"select customer_id, record from records where view = ? and customer_id in ({marks})"
            found.update(connection.execute(query, (self._view, *chunk)).fetchall())
        return found

    def _opened(self, connection: sqlite3.Connection, blob: bytes) -> OnlineRecord:
        try:
            values, schema_hash, micros, sequence = unpack(blob)
        except DataError:
            return OnlineRecord({}, None, 0, "", CORRUPT)
        at = _EPOCH + timedelta(microseconds=micros)
        if self._expected is not None and schema_hash != self._expected:
            return OnlineRecord({}, at, sequence, schema_hash, OTHER_SCHEMA)
        schema = self._schemas.get(schema_hash) or self._load_schema(connection, schema_hash)
        if schema is None or len(schema[0]) != len(values):
            return OnlineRecord({}, at, sequence, schema_hash, UNKNOWN_SCHEMA)
        names, times = schema
        for index in times:
            micros_value = values[index]
            if micros_value is not None:
                values[index] = micros_value / 1e6  # type: ignore[operator]
        return OnlineRecord(dict(zip(names, values, strict=True)), at, sequence, schema_hash)

    def _load_schema(
        self, connection: sqlite3.Connection, schema_hash: str
    ) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
        row = connection.execute("select columns from schemas where schema_hash = ?", (schema_hash,)).fetchone()
        if row is None:
            return None
        schema = RecordSchema.from_json(row[0])
        if schema.hash != schema_hash:
            return None
        times = tuple(index for index, kind in enumerate(schema.types) if kind == "timestamp")
        self._schemas[schema_hash] = schema.names, times
        return self._schemas[schema_hash]

    def _connection(self) -> sqlite3.Connection | None:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None and self._path.exists():
            connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode=ro", uri=True, timeout=self._allowed, isolation_level=None
            )
            own = self._own
            own.until = time.monotonic() + self._allowed
            connection.set_progress_handler(lambda: time.monotonic() > own.until, 1000)
            own.connection = connection
        return connection


def stored_schemas(path: Path) -> dict[str, RecordSchema]:
    """Every schema with records in the store, by hash."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("select schema_hash, columns from schemas").fetchall()
    return {schema_hash: RecordSchema.from_json(columns) for schema_hash, columns in rows}
