"""The live store as one SQLite file in the data folder: its tables, how it is opened and brought up to date."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from features.errors import HomeError
from features.home import Home
from features.log.connection import Statement, transaction
from features.log.group_sync import GroupSync, NotOnDiskError
from features.log.log_frames import is_whole
from features.log.value_lists import marks
from features.log.writers import Writers

SCHEMA_VERSION = 4
BUSY_SECONDS = 30.0
_LONG_LOG, _LOG_LEFT = 16_000, 64_000  # pages of 4 kB
_BRIEFLY_MS = 20

_SCHEMA = """
create table if not exists meta (key text primary key, value text not null) without rowid;

-- Every accepted event once: its id and a hash of its content, for telling a duplicate from a conflict.
create table if not exists seen (event_id text primary key, content blob not null) without rowid;

-- Facts in the order they were learned; `origin_id` is who they were recorded under (see features/log/identity.py),
-- empty for shop-level events; `body` is the msgpack map of the payload. Of browsing only the live end is kept.
create table if not exists facts (
    position integer primary key autoincrement,
    origin_id text not null,
    occurred_at integer not null,
    event_id text not null,
    received_at integer not null,
    type text not null,
    channel text,
    touchpoint text,
    source text not null,
    payload_hash blob not null,
    body blob not null
);
create index if not exists facts_by_origin on facts (origin_id, occurred_at, event_id);
-- For counting over the whole shop by time, as alarms do; browsing, the bulk, is left out.
create index if not exists facts_by_time on facts (type, occurred_at)
    where type = 'purchase' or type = 'feedback' or type = 'case' or type = 'friction' or type = 'delivery';

-- Live events not yet in the lake; `body` is the msgpack map of the whole flat row.
create table if not exists pending (event_id text primary key, type text not null, body blob not null);

-- What the fold made of a customer's facts; `position` is that of her latest fact; `concern_until` is until when it can
-- be a reason to hold her (null: it cannot; the largest integer: until something happens). Bodies of some kilobytes lie
-- beside the tree of its keys, not in it.
create table if not exists state (
    customer_id text not null primary key,
    position integer not null,
    body blob not null,
    concern_until integer
);
create index if not exists state_by_concern on state (concern_until) where concern_until is not null;

create table if not exists identity_events (
    external_id text not null,
    occurred_at integer not null,
    event_id text not null,
    received_at integer not null,
    action text not null,
    customer_id text not null,
    primary key (external_id, occurred_at, event_id)
) without rowid;

-- Which customer an anonymous or external id was known to belong to, and from when to when we knew it (half-open).
create table if not exists links (
    external_id text not null,
    linked_at integer not null,
    unlinked_at integer,
    customer_id text not null,
    primary key (external_id, linked_at)
) without rowid;
drop index if exists links_by_customer;
create index if not exists links_by_owner on links (customer_id);

create table if not exists lake_files (
    path text primary key, -- relative to the data folder
    day text not null,
    rows integer not null,
    bytes integer not null,
    min_occurred_at integer not null,
    max_occurred_at integer not null,
    sha256 text not null,
    run integer not null,
    filled text not null -- JSON: type -> {"rows": n, field: rows in which it is filled}
) without rowid;

create table if not exists quarantine (
    id text primary key, -- hash of source, reason and raw: the same reject again is the same entry
    received_at integer not null,
    source text not null,
    reason text not null,
    detail text not null,
    event_id text,
    raw text not null,
    times integer not null default 1,
    replayed_at integer,
    type text, -- as far as it can be read
    origin_id text, -- whose state it leaves in doubt (see features/log/doubts.py), null: nobody's
    visitor_id text, -- the other id, where it names two
    dismissed_at integer,
    dismissed_by text,
    dismissed_reason text
) without rowid;
create index if not exists quarantine_by_event on quarantine (event_id);
create index if not exists doubts_by_origin on quarantine (origin_id)
    where origin_id is not null and replayed_at is null and dismissed_at is null;
create index if not exists doubts_by_visitor on quarantine (visitor_id)
    where origin_id is not null and replayed_at is null and dismissed_at is null;

create table if not exists watermarks (
    source text primary key,
    occurred_at integer not null,
    received_at integer not null
) without rowid;
"""


_WRITERS: dict[Path, Writers] = {}
_SYNCS: WeakValueDictionary[Path, GroupSync] = WeakValueDictionary()
_SYNCS_LOCK = threading.Lock()


class SqliteConnection(sqlite3.Connection):
    """A connection to the file; nothing stands between a statement and SQLite.

    A file that was removed or replaced under the process takes writes that nobody will ever read: no transaction begins
    on it (`sqlite3.OperationalError`).
    """

    file: tuple[Path, int] | None = None
    """The path that was opened, and the file's number then."""
    path = Path()
    disk: GroupSync | None = None
    """Who waits for the disk after a commit; None: the commit itself, or nobody."""
    _patience = BUSY_SECONDS

    def add(self, table: str, rows: Sequence[Sequence[Any]], known: str = "") -> None:
        """Add rows; in a turn of their own where no transaction is open."""
        if rows:
            with nullcontext() if self.in_transaction else transaction(self):
                self.executemany(f"insert into {table} values ({marks(rows[0])}) {known}", rows)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """The rows of a query, few in memory at a time."""
        return self.execute(sql, parameters)

    def make(self, statements: Iterable[str]) -> None:
        """Make tables and indexes that are not there yet."""
        for statement in statements:
            self.execute(statement)

    def has(self, name: str) -> bool:
        """Whether there is a table or index of that name."""
        return self.execute("select 1 from sqlite_master where name = ?", (name,)).fetchone() is not None

    def last_position(self) -> int:
        """The position last given to a fact, whether or not it is still there; 0 before the first."""
        row = self.execute(*self.last_position_asked()).fetchone()
        return 0 if row is None else int(row[0])

    def last_position_asked(self) -> Statement:
        """What `last_position` asks."""
        return "select seq from sqlite_sequence where name = 'facts'", ()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Writers wait for each other here: SQLite asks again after ever longer sleeps, by which some come too late."""
        writers = _WRITERS.get(self.path) or _WRITERS.setdefault(self.path, Writers(self.path))
        if not writers.take(self._patience):
            raise sqlite3.OperationalError("database is locked: somebody else writes. Try again when that has ended.")
        try:
            yield
        finally:
            try:
                if self.disk is not None and not self.in_transaction:
                    self.execute("pragma synchronous = full")  # of what is written outside a turn
            finally:
                writers.give_back()

    def ask_ahead(self, asked: Iterable[Statement]) -> None:
        """Each is answered when it is executed: nothing is far away."""

    def begin_writing(self, ahead: Iterable[Statement] = ()) -> None:
        """Take the write lock, so that what is read is still true when it is written."""
        self._check_there()
        if self.disk is not None:
            if self.disk.failed:
                self._mend(self.disk)
            self.execute("pragma synchronous = normal")  # the disk is waited for in `settle`
        self.execute("begin immediate")

    def settle(self) -> None:
        """Wait for the disk, together with whoever else committed meanwhile."""
        try:
            if self.disk is not None:
                self.disk.wait()
        except NotOnDiskError as error:
            raise sqlite3.OperationalError(
                f"{self.path}: what was written may not be on disk ({error}). Look at the disk, then try again."
            ) from error

    def _mend(self, disk: GroupSync) -> None:
        """Bring all that was committed into the database itself, for the log may have a hole on disk.

        Not where it is one in memory as well by now: what the database has instead was acknowledged.
        """
        try:
            whole = is_whole(self.path)
        except OSError as error:
            raise sqlite3.OperationalError(f"{self.path}: its log cannot be read ({error}).") from error
        if not whole:
            raise sqlite3.OperationalError(
                f"{self.path}: the disk lost the end of its log, none of it acknowledged. Kill whatever has it "
                "open (kill -9: to stop it would write what is left into the database), then start again."
            )
        (busy, _, _) = self.execute("pragma main.wal_checkpoint(truncate)").fetchone()
        if busy:
            raise sqlite3.OperationalError(
                f"{self.path}: what was written may not be on disk, and others read it now. Try again."
            )
        try:
            disk.mended()
        except OSError as error:
            raise sqlite3.OperationalError(f"{self.path}: nothing can be written beside it ({error}).") from error

    def begin_reading(self, ahead: Iterable[Statement] = ()) -> None:
        """Read one moment from the first statement on."""
        self._check_there()
        self.execute("begin")

    def _check_there(self) -> None:
        if self.file is not None and _number(self.file[0]) != self.file[1]:
            raise sqlite3.OperationalError(
                f"{self.file[0]} was removed or replaced since it was opened. Restore it, then start again."
            )

    def open_stage(self, folder: Path, tables: Iterable[str]) -> None:
        """A file of its own in the folder, which is lost with the import: it need not be durable."""
        self.execute("attach database ? as stage", (str(folder / "stage.db"),))
        self.execute("pragma stage.journal_mode = memory")
        self.execute("pragma stage.synchronous = off")
        self.make(tables)

    def close_stage(self) -> None:
        """The file goes with its folder."""

    def tidy(self) -> None:
        """Take the log of writes into the file."""
        self.execute("pragma main.wal_checkpoint(truncate)")

    def leave_tidying(self) -> None:
        """Take the log of writes into the file only where nobody else has for very long."""
        self.execute(f"pragma wal_autocheckpoint = {_LOG_LEFT}")

    def tidy_beside(self) -> None:
        """Take the log of writes into the file: all but its end beside the writers, who wait only where a long log has
        to begin anew. By itself SQLite does so within every some hundredth commit, for tens of milliseconds.
        """
        if self.disk is not None and self.disk.failed:
            return  # whoever writes next looks first whether the log is whole
        _, pages, _ = self.execute("pragma main.wal_checkpoint(passive)").fetchone()
        if pages > _LONG_LOG:
            with self.turn():
                self.execute(f"pragma busy_timeout = {_BRIEFLY_MS}")  # who reads for long is not waited for
                self.execute("pragma main.wal_checkpoint(restart)")
                self.execute(f"pragma busy_timeout = {round(self._patience * 1000)}")

    def wait_at_most(self, seconds: float | None) -> None:
        """How long a write waits for another's to end; None: as at first."""
        self._patience = BUSY_SECONDS if seconds is None else seconds
        self.execute(f"pragma busy_timeout = {round(self._patience * 1000)}")


def connect(home: Home, *, read_only: bool, durable: bool) -> SqliteConnection:
    """Open the file, making its tables where absent and bringing older ones up to date. Raises `HomeError`."""
    path = home.live_db
    if read_only and not path.exists():
        raise HomeError(f"{path} does not exist yet. Ingest some events first: tahdikas ingest.")
    try:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=SqliteConnection,
        )
    except sqlite3.OperationalError as error:
        raise _unusable(home, error) from error
    connection.path = path
    try:
        _prepare(connection, home, read_only=read_only, durable=durable)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _unusable(home, error) from error
    except BaseException:
        connection.close()
        raise
    connection.file = path, _number(path)
    return connection


def _number(path: Path) -> int:
    """The number of the file at `path`; 0 where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _prepare(connection: SqliteConnection, home: Home, *, read_only: bool, durable: bool) -> None:
    connection.execute("pragma foreign_keys = on")
    connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
    if not read_only:
        (mode,) = connection.execute("pragma journal_mode = wal").fetchone()
        if durable and mode == "wal":
            with _SYNCS_LOCK:
                connection.disk = _SYNCS.get(home.live_db) or GroupSync(home.live_db)
                _SYNCS[home.live_db] = connection.disk
        if _version(connection) is None:
            with transaction(connection):
                if _version(connection) is None and _made(home).exists():
                    raise HomeError(
                        f"{home.live_db} was here and is gone or emptied: who is held is not known, and nothing may be "
                        f"sold. Restore it from a copy; or, to begin anew without what it held, remove {_made(home)}."
                    )
                _make(connection)
        if (_version(connection) or SCHEMA_VERSION) < SCHEMA_VERSION:
            with transaction(connection):
                found = _version(connection) or SCHEMA_VERSION
                if found < SCHEMA_VERSION:
                    from features.log.migration import migrate  # it folds, which few who connect need

                    migrate(connection, found)
                    _make(connection)
        if not _made(home).exists():
            _made(home).touch()
    version = _version(connection)
    if version != SCHEMA_VERSION:
        older = version is not None and version < SCHEMA_VERSION
        remedy = "Run `tahdikas status` once, which" if older else "Use the program version that made it, which"
        raise HomeError(
            f"{home.live_db} has schema version {version}, this program knows {SCHEMA_VERSION}. "
            f"{remedy} can write it, or name another data folder with --home DIR."
        )


def _make(connection: SqliteConnection) -> None:
    """Tables and indexes that are not there yet, and the version they are of."""
    for statement in _SCHEMA.split(";\n"):
        connection.execute(statement)
    connection.execute("insert or replace into meta values ('schema_version', ?)", (str(SCHEMA_VERSION),))


def _made(home: Home) -> Path:
    """A file that says that a live store was made here, so that a lost one is not taken for a new one."""
    return home.live_db.with_name(f"{home.live_db.name}.made")


def _version(connection: SqliteConnection) -> int | None:
    if connection.execute("select 1 from sqlite_master where name = 'meta'").fetchone() is None:
        return None
    row = connection.execute("select value from meta where key = 'schema_version'").fetchone()
    return None if row is None else int(row[0])


def _unusable(home: Home, error: sqlite3.Error) -> HomeError:
    return HomeError(
        f"{home.live_db} cannot be used as the live store ({error}). Check that the folder can be written and that "
        "nothing else put a file there, or name another data folder with --home DIR."
    )
