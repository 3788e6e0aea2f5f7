"""A connection to the store in PostgreSQL: opened when it is needed, and again when it was lost; never without end.

What is lost within a transaction is an error of that transaction: nothing goes on half. A server that leaves a
statement unanswered for the patience given is not asked again for a while (`Pause`), by any thread of this process.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from features.log.connection import PostgresError, Rows, transaction
from features.log.postgres.dialect import staged, temporary, translated
from features.log.postgres.opening import Opener, Patient
from features.log.value_lists import marks, parts

T = TypeVar("T")
_STREAMED_AT_ONCE, _ADDED_AT_ONCE = 2_000, 128
_MORE, _AT_LEAST_SECONDS = 1.25, 0.05
_IMPORT_SECONDS = 3_600.0
"""How long one statement of an import may take: it moves everything at once."""
_LOST_PATIENCE = (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)


_FLUSH = "select pg_logical_emit_message(true, 'tahdikas', '')"
"""A transaction of its own that says nothing: its commit waits for the disk, for all that was written before."""


class PostgresConnection:
    """One at a time may use it, from any thread. Satisfies `features.log.connection.Connection`."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._patience = opener.statement_seconds
        self._open: Patient | None = None
        self._in_transaction = False
        self._temporary: set[str] = set()
        self._limit = opener.statement_seconds

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, be it lost."""
        return self._in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement."""
        text = translated(sql, self._opener.stage)
        again = not self._in_transaction and sql.lstrip()[:6] == "select"
        return self._asked(lambda run: run.execute(text, parameters, binary=True), again=again)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Rows:
        """Run a statement for each row of values: sent together, answered together."""
        text, rows = translated(sql, self._opener.stage), [tuple(row) for row in parameters]

        def ask(run: Patient) -> Rows:
            if len(rows) == 1:
                return run.execute(text, rows[0], binary=True)
            cursor = run.cursor(binary=True)
            if rows:
                cursor.executemany(text, rows)
            return cursor

        return self._asked(ask)

    def add(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add many rows a statement; where no transaction is open, one statement is one, and takes no turn."""
        if len(rows) > _ADDED_AT_ONCE and not self._in_transaction:
            with transaction(self):
                self.add(table, rows)
            return
        for part in _by_twos(rows) if self._in_transaction else parts(rows):
            row = f"({marks(part[0])})"
            self.execute(f"insert into {table} values {marks(part, row)}", [value for one in part for value in one])

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a query by a cursor of the server; in a transaction of its own where none is open."""
        text = translated(sql, self._opener.stage)

        def ask(run: Patient) -> "psycopg.RawServerCursor[Any]":
            cursor: Any = psycopg.RawServerCursor(run, "streamed", withhold=not self._in_transaction)
            return cursor.execute(text, parameters, binary=True)  # type: ignore[no-any-return]

        return Streamed(self._asked, self._asked(ask))

    def make(self, statements: Iterable[str]) -> None:
        """Make temporary tables; the others are made by the store's migrations alone."""
        for statement in statements:
            if statement.startswith("create temp ") and statement not in self._temporary:
                self._asked(lambda run, text=temporary(statement): run.execute(text))  # type: ignore[misc]
                self._temporary.add(statement)

    def open_stage(self, folder: Path, tables: Iterable[str]) -> None:
        """A schema of its own beside the store's."""
        stage = self._opener.stage
        self.wait_at_most(_IMPORT_SECONDS)
        self.execute("set statement_timeout = 0")
        self.execute(f"drop schema if exists {stage} cascade")
        self.execute(f"create schema {stage}")
        for table in tables:
            if table.startswith("create temp "):
                self.make([table])
            else:
                self.execute(staged(table))

    def close_stage(self) -> None:
        """The schema goes; after an error, with the next import."""
        if not self._in_transaction:
            self.execute(f"drop schema if exists {self._opener.stage} cascade")

    def tidy(self) -> None:
        """Tell the planner what has come in; the rest is autovacuum's."""
        self.execute("analyze")

    def leave_tidying(self) -> None:
        """The server tidies by itself."""

    def tidy_beside(self) -> None:
        """The server tidies by itself."""

    def has(self, name: str) -> bool:
        """Whether there is a table or index of that name."""
        return bool(self.execute("select to_regclass(?) is not null", (name,)).fetchone()[0])

    def last_position(self) -> int:
        """The position last given to a fact, whether or not it is still there; 0 before the first was kept."""
        # the sequence also counts what was rolled back; a source's mark is kept with its events or not at all
        row = self.execute(
            "select pg_sequence_last_value(pg_get_serial_sequence('facts', 'position')::regclass)"
            " from watermarks limit 1"
        ).fetchone()
        return 0 if row is None else int(row[0] or 0)

    def turn(self) -> AbstractContextManager[None]:
        """Writers wait for each other in the server, whichever process they are of."""
        return nullcontext()

    def begin_writing(self) -> None:
        """Open a transaction under the one lock that every writer takes: facts become visible in their order.

        It is given back before the disk is waited for: see `commit`, and docs/decisions/0031.
        """
        later = "set local synchronous_commit = off"
        self._begin(f"begin; {later}; select pg_advisory_xact_lock({self._opener.write_lock})")

    def begin_reading(self) -> None:
        """Open a transaction that reads one moment."""
        self._begin("begin isolation level repeatable read")

    def wait_at_most(self, seconds: float | None) -> None:
        """How long statements wait for another's write and for the server; None: as the settings say."""
        self._patience = self._opener.statement_seconds if seconds is None else seconds

    def commit(self) -> None:
        """End the transaction, durably. One that was lost raises `PostgresError`: it may or may not have come in."""
        self._end(f"commit; {_FLUSH}")

    def settle(self) -> None:
        """`commit` was durable."""

    def rollback(self) -> None:
        """End the transaction, whatever became of it."""
        try:
            if self._open is not None:
                self._end("rollback")
        except PostgresError:
            self._drop()
        finally:
            self._in_transaction = False

    def close(self) -> None:
        """Let go of the server; a later use opens it anew."""
        self._drop()

    def _begin(self, text: str) -> None:
        if self._in_transaction:
            raise PostgresError("a transaction is open already")
        try:
            self._asked(lambda run: run.execute(text, prepare=False), again=True)
        except PostgresError:
            if self._open is not None:
                self.rollback()
            raise
        self._in_transaction = True

    def _end(self, word: str) -> None:
        try:
            self._asked(lambda run: run.execute(word, prepare=False))
        finally:
            if self._open is None or self._open.pgconn.transaction_status == TransactionStatus.IDLE:
                self._in_transaction = False
        if word == "rollback":
            self._temporary.clear()

    def _tell_limits(self, run: Patient) -> None:
        """Let the server wait as long as we do, from the next transaction on, where that has changed."""
        if self._patience != self._limit and run.pgconn.transaction_status == TransactionStatus.IDLE:
            wait = max(1, round(self._patience * 1000))
            run.execute(f"set lock_timeout = {wait}; set statement_timeout = {wait}", prepare=False)
            self._limit = self._patience

    def _asked(self, ask: Callable[[Patient], T], *, again: bool = False) -> T:
        """What the server answers; asked once more, on a new connection, if one kept from before was closed by it."""
        kept = self._open
        run = self._ready()
        try:
            self._tell_limits(run)
            return ask(run)
        except psycopg.Error as error:
            silent = not run.closed and run.pgconn.transaction_status in _LOST_PATIENCE
            if not silent and not run.closed:
                raise PostgresError(_told(error)) from error
            self._drop()
            if silent:
                self._opener.pause.begin()
            if silent or kept is None or not again:
                raise PostgresError(f"the server did not answer: {_told(error)}") from error
        return self._asked(ask)

    def _ready(self) -> Patient:
        if self._open is None:
            if self._in_transaction:
                raise PostgresError("the connection was lost within a transaction")
            self._open = self._opener.open(self._patience)
            self._limit = self._opener.statement_seconds
            self._temporary.clear()
        self._open.patience = self._patience * _MORE + _AT_LEAST_SECONDS  # the server's own limits speak first
        return self._open

    def _drop(self) -> None:
        run, self._open = self._open, None
        self._temporary.clear()
        if run is not None:
            run.pgconn.finish()


def _by_twos(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in their order, a power of two at a time: of so few sizes each statement is soon known to the server.

    >>> [len(part) for part in _by_twos("abcdefg")]
    [4, 2, 1]
    """
    start = 0
    while start < len(rows):
        size = min(_ADDED_AT_ONCE, 1 << (len(rows) - start).bit_length() - 1)
        yield rows[start : start + size]
        start += size


def _told(error: psycopg.Error) -> str:
    """What went wrong, without the values of a row: they may be somebody's."""
    return f"{error.diag.message_primary} ({error.sqlstate})" if error.sqlstate else str(error)


class Streamed:
    """Rows that the server hands over a few at a time."""

    rowcount = -1

    def __init__(self, asked: Callable[[Callable[[Patient], list[Any]]], list[Any]], cursor: Any) -> None:
        self._asked, self._cursor = asked, cursor
        self._ended = False

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int = _STREAMED_AT_ONCE, /) -> list[Any]:
        """The next at most `size` rows."""
        if self._ended:
            return []
        rows = self._asked(lambda _: self._cursor.fetchmany(size))
        if len(rows) < size:
            self._ended = True
            self._asked(lambda _: self._cursor.close() or [])
        return rows

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        while page := self.fetchmany():
            yield from page
