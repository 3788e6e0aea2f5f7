"""Packed records in a SQLite file: what one machine needs.

A write is one transaction. The read deadline bounds waiting for locks and SQLite's own work; a disk that hangs is
beyond it.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from features.errors import DataError
from features.feature_store.online.records import TOMBSTONE, VALUES, Packed, RecordSchema
from features.feature_store.online.store import time_for

_CHUNK, _PAGE = 256, 5_000
_TABLES = """
create table if not exists schemas(schema_hash text primary key, columns text not null) without rowid;
create table if not exists records(
  view text not null, customer_id text not null, event_time integer not null, sequence integer not null,
  record blob not null, kind integer not null default 0, primary key (view, customer_id)) without rowid;
"""
_UPSERT = """
insert into records(view, customer_id, event_time, sequence, kind, record) values (?, ?, ?, ?, ?, ?)
on conflict (view, customer_id) do update
set event_time = excluded.event_time, sequence = excluded.sequence, kind = excluded.kind, record = excluded.record
where (excluded.event_time, excluded.sequence, excluded.kind) >= (records.event_time, records.sequence, records.kind)
"""
_TWO = """
select (select record from records where view = ?1 and customer_id = ?2),
       (select record from records where view = ?1 and customer_id = ?3)
"""
_SOME = "select customer_id, record from records where view = ? and customer_id in "
_CUSTOMERS = """
select customer_id from records where view = ?1 and kind = ?2 and (customer_id > ?3 or ?4) order by customer_id limit ?5
"""
_CACHE_KIB = 4_096  # of the file, for each reading thread; what is not there the system has
_VIEWS = """
with recursive found(view) as (
  select min(view) from records
  union all select (select min(view) from records where view > found.view) from found where found.view is not null)
select view from found where view is not null
"""


class SQLiteStore:
    """An `OnlineStore` in one file, with connections of each thread's own."""

    def __init__(self, path: Path, *, read_deadline_seconds: float, write_deadline_seconds: float) -> None:
        self._path = path
        self._read_within, self._write_within = read_deadline_seconds, write_deadline_seconds
        self._own = threading.local()

    def fetch(self, view: str, customer_ids: Sequence[str]) -> list[bytes | None]:
        """See `OnlineStore`; None for everybody while there is no file yet."""
        try:  # not a `with`, whose generator would cost a quarter of the query
            run = self._reader(len(customer_ids))
            if run is None:
                return [None] * len(customer_ids)
            if len(customer_ids) == 2:  # one customer and the mark: every decision's read
                return list(run.execute(_TWO, (view, *customer_ids)).fetchone())
            return _fetched(run, view, customer_ids)
        except sqlite3.Error as error:
            raise self._unread(error) from error

    def schema(self, schema_hash: str) -> RecordSchema | None:
        """See `OnlineStore`."""
        with self._reading() as run:
            asked = "select columns from schemas where schema_hash = ?"
            row = None if run is None else run.execute(asked, (schema_hash,)).fetchone()
            return None if row is None else RecordSchema.from_json(row[0])

    def write(self, view: str, schema: RecordSchema | None, records: Iterable[Packed]) -> None:
        """See `OnlineStore`; all of it or, if it fails, nothing."""
        with self._writing() as run:
            if schema is not None:
                run.execute("insert or ignore into schemas values (?, ?)", (schema.hash, schema.as_json()))
            run.executemany(_UPSERT, ((view, *packed) for packed in records))

    def views(self) -> list[str]:
        """See `OnlineStore`."""
        with self._reading() as run:
            return [] if run is None else [view for (view,) in run.execute(_VIEWS)]

    def customers(self, view: str) -> Iterator[list[str]]:
        """See `OnlineStore`."""
        found = self._customers_after(view, None)
        while found:
            yield found
            found = self._customers_after(view, found[-1])

    def drop_view(self, view: str) -> None:
        """See `OnlineStore`."""
        with self._writing() as run:
            run.execute("delete from records where view = ?", (view,))

    def purge_tombstones(self, before_micros: int) -> int:
        """See `OnlineStore`."""
        with self._writing() as run:
            gone = run.execute("delete from records where kind = ? and event_time < ?", (TOMBSTONE, before_micros))
            return gone.rowcount

    def _customers_after(self, view: str, last: str | None) -> list[str]:
        with self._reading(_PAGE) as run:
            asked = (view, VALUES, "" if last is None else last, last is None, _PAGE)
            return [] if run is None else [who for (who,) in run.execute(_CUSTOMERS, asked)]

    def close(self) -> None:
        """Close this thread's connections."""
        for name in ("reader", "writer"):
            connection = getattr(self._own, name, None)
            if connection is not None:
                connection.close()
                setattr(self._own, name, None)

    @contextmanager
    def _reading(self, customers: int = 1) -> Iterator[sqlite3.Connection | None]:
        try:
            yield self._reader(customers)
        except sqlite3.Error as error:
            raise self._unread(error) from error

    def _reader(self, customers: int = 1) -> sqlite3.Connection | None:
        """This thread's connection, its deadline for so many customers begun; None while there is no file.

        A file that was removed or replaced is let go of: what it held is no longer written to, and grows old unseen.
        """
        own = self._own
        connection: sqlite3.Connection | None = getattr(own, "reader", None)
        there = _number(self._path)
        if connection is not None and own.number != there:
            connection.close()
            connection = own.reader = None
        if connection is None and there is not None:
            own.number = there
            connection = own.reader = self._open_reader()
        own.until = time.monotonic() + time_for(customers, self._read_within)
        return connection

    def _unread(self, error: sqlite3.Error) -> DataError:
        return DataError(
            f"Online features in {self._path.name} cannot be read within {self._read_within * 1000:.0f} ms: "
            f"{error}. If it lasts, run `tahdikas materialize` to write them again."
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            connection: sqlite3.Connection | None = getattr(self._own, "writer", None)
            if connection is None:
                connection = self._own.writer = self._open_writer()
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")
        except sqlite3.Error as error:
            raise DataError(
                f"Online features in {self._path.name} cannot be written within {self._write_within:.0f} s: {error}. "
                "See that no other process holds it and that the disk has room, and write again: the newest wins."
            ) from error

    def _open_reader(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode=ro", uri=True, timeout=self._read_within, isolation_level=None
        )
        own = self._own
        own.until = time.monotonic() + self._read_within
        connection.set_progress_handler(lambda: time.monotonic() > own.until, 1000)
        connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
        return connection

    def _open_writer(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=self._write_within, isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.executescript(_TABLES)
        if "kind" not in {row[1] for row in connection.execute("pragma table_info(records)")}:
            connection.execute("alter table records add column kind integer not null default 0")
        return connection


def _number(path: Path) -> int | None:
    """The file's number, None where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _fetched(run: sqlite3.Connection, view: str, customer_ids: Sequence[str]) -> list[bytes | None]:
    """In the order in which they lie, so that each page is read once."""
    found: dict[str, bytes] = {}
    ordered = customer_ids if len(customer_ids) <= _CHUNK else sorted(customer_ids)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        found.update(run.execute(_some(len(chunk)), (view, *chunk)))
    return [found.get(key) for key in customer_ids]


@lru_cache(_CHUNK)
def _some(customers: int) -> str:
    return f"{_SOME}({','.join('?' * customers)})"
