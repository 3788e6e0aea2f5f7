"""A connection to the store in PostgreSQL: opened when it is needed, and again when it was lost; never without end.

What is lost within a transaction is an error of that transaction: nothing goes on half. A server that leaves a
statement unanswered for the patience given is not asked again for a while (`Pause`), by any thread of this process.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.generators import fetch_many, send
from psycopg.pq import TransactionStatus

from features.log.connection import PostgresError, Rows, Statement, transaction
from features.log.postgres.asking import Answer, Asked, Asking
from features.log.postgres.dialect import staged, temporary, translated
from features.log.postgres.opening import Opener, Patient
from features.log.value_lists import marks, parts

T = TypeVar("T")
_STREAMED_AT_ONCE, _ADDED_AT_ONCE, _SENT_AT_ONCE, _VALUES_AT_ONCE = 2_000, 128, 1_000, 20_000
_MORE, _AT_LEAST_SECONDS = 1.25, 0.05
_IMPORT_SECONDS = 3_600.0
"""How long one statement of an import may take: it moves everything at once."""
_LOST_PATIENCE = (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)


_BEGIN, _DURABLE_LATER, _COMMIT = Asked("begin"), Asked("set local synchronous_commit = off"), Asked("commit")
_FLUSH = Asked("select pg_logical_emit_message(true, 'tahdikas', '')")
"""A transaction of its own that says nothing: its commit waits for the disk, for all that was written before."""

_LAST_POSITION = "select last_value from facts_position_seq where is_called and exists (select 1 from watermarks)"
"""The sequence also counts what was rolled back; a source's mark is kept with its events or not at all."""


class PostgresConnection:
    """One at a time may use it, from any thread. Satisfies `features.log.connection.Connection`."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._patience = opener.statement_seconds
        self._open: Patient | None = None
        self._asking: Asking | None = None
        self._in_transaction = self._is_turn = self._is_owed = False
        self._known: dict[Asked, Answer] = {}
        self._later: list[Asked] = []
        self._temporary: set[str] = set()
        self._limit = opener.statement_seconds

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, be it lost."""
        return self._in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement."""
        asked = self._worded(sql, parameters)
        if self._known and (known := self._known.pop(asked, None)) is not None:
            return known
        again = not self._in_transaction and sql.lstrip()[:6] == "select"
        return self._answers([asked], again=again)[-1]

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Rows:
        """Run a statement for each row of values: sent together. In a turn they are sent with what is asked next, and
        how many rows were written is not told.
        """
        asked = [self._worded(sql, row) for row in parameters]
        if self._is_turn:
            self._leave(asked)
            return Written(-1)
        size = _SENT_AT_ONCE if self._in_transaction else max(1, len(asked))
        return Written(sum(answer.rowcount for some in parts(asked, size) for answer in self._answers(some)))

    def ask_ahead(self, asked: Iterable[Statement]) -> None:
        """Ask several at once, and keep the answers until the same is asked."""
        wanted = [self._worded(*one) for one in asked]
        if wanted:
            self._known |= zip(wanted, self._answers(wanted), strict=True)

    def add(self, table: str, rows: Sequence[Sequence[Any]], known: str = "") -> None:
        """Add many rows a statement; where no transaction is open, one statement is one, and takes no turn."""
        if len(rows) > _ADDED_AT_ONCE and not self._in_transaction:
            with transaction(self):
                self.add(table, rows, known)
            return
        for part in _by_twos(rows) if self._in_transaction else parts(rows):
            row, values = f"({marks(part[0])})", [value for one in part for value in one]
            told = f"insert into {table} values {marks(part, row)} {known}"
            if self._is_turn:
                self._leave([self._worded(told, values)])
            else:
                self.execute(told, values)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a query by a cursor of the server; in a transaction of its own where none is open."""
        text, values = self._worded(sql, parameters)
        if self._later:
            self._answers([])

        def ask(run: Patient) -> "psycopg.RawServerCursor[Any]":
            cursor: Any = psycopg.RawServerCursor(run, "streamed", withhold=not self._in_transaction)
            return cursor.execute(text, values, binary=True)  # type: ignore[no-any-return]

        return Streamed(self._asked, self._asked(ask))

    def make(self, statements: Iterable[str]) -> None:
        """Make temporary tables; the others are made by the store's migrations alone."""
        for statement in statements:
            if statement.startswith("create temp ") and statement not in self._temporary:
                self._answers([Asked(temporary(statement))])
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
        row = self.execute(*self.last_position_asked()).fetchone()
        return 0 if row is None else int(row[0])

    def last_position_asked(self) -> Statement:
        """What `last_position` asks."""
        return _LAST_POSITION, ()

    def turn(self) -> AbstractContextManager[None]:
        """Writers wait for each other in the server, whichever process they are of."""
        return nullcontext()

    def begin_writing(self, ahead: Iterable[Statement] = ()) -> None:
        """Open a transaction under the one lock that every writer takes: facts become visible in their order.

        It is given back before the disk is waited for: see `commit`, and docs/decisions/0031.
        """
        lock = Asked(f"select pg_advisory_xact_lock({self._opener.write_lock})")
        self._begin([_BEGIN, _DURABLE_LATER, lock], ahead, waits=2)
        self._is_turn = True

    def begin_reading(self, ahead: Iterable[Statement] = ()) -> None:
        """Open a transaction that reads one moment."""
        self._begin([Asked("begin isolation level repeatable read")], ahead)

    def wait_at_most(self, seconds: float | None) -> None:
        """How long statements wait for another's write and for the server; None: as the settings say."""
        self._patience = self._opener.statement_seconds if seconds is None else seconds

    def commit(self) -> None:
        """End the transaction, durably. One that was lost raises `PostgresError`: it may or may not have come in."""
        try:
            if self._answers([_COMMIT, _FLUSH])[-2].word != b"COMMIT":
                raise PostgresError("a statement of the transaction had failed: nothing of it was kept")
        finally:
            self._ended()

    def settle(self) -> None:
        """`commit` was durable."""

    def rollback(self) -> None:
        """End the transaction, whatever became of it."""
        self._later.clear()
        try:
            if self._open is not None:
                self._asked(_roll_back)
                self._is_owed = True
        except PostgresError:
            self._drop()
        finally:
            self._in_transaction = False
            self._ended()
            self._temporary.clear()

    def close(self) -> None:
        """Let go of the server; a later use opens it anew."""
        self._drop()

    def _begin(self, opening: list[Asked], ahead: Iterable[Statement], waits: int = 1) -> None:
        if self._in_transaction:
            raise PostgresError("a transaction is open already")
        wanted = [self._worded(*one) for one in ahead]
        try:
            answers = self._answers([*opening, *wanted], again=True, waits=waits)
        except PostgresError:
            if self._open is not None:
                self.rollback()
            raise
        self._in_transaction = True
        self._known = dict(zip(wanted, answers[len(opening) :], strict=True))

    def _ended(self) -> None:
        """Note what became of the transaction."""
        self._known.clear()
        self._later.clear()
        if self._open is None or self._open.pgconn.transaction_status == TransactionStatus.IDLE:
            self._in_transaction = False
        self._is_turn = self._is_turn and self._in_transaction

    def _worded(self, sql: str, parameters: Sequence[Any] = ()) -> Asked:
        told = translated(sql, self._opener.stage)
        return Asked(told.text, told.values(parameters) if told.repeated else tuple(parameters))

    def _leave(self, asked: list[Asked]) -> None:
        """Send this with what is asked next, or at last with the end of the transaction."""
        self._later += asked
        if sum(len(one.values) for one in self._later) > _VALUES_AT_ONCE:
            self._answers([])

    def _answers(self, asked: Sequence[Asked], *, again: bool = False, waits: int = 1) -> list[Answer]:
        """The answers to what was left for later and to this, sent together."""
        sent, self._later = [*self._later, *asked], []
        return self._asked(lambda run: self._asker(run).ask(sent), again=again, waits=waits) if sent else []

    def _asker(self, run: Patient) -> Asking:
        if self._asking is None:
            self._asking = Asking(run)
        return self._asking

    def _tell_limits(self, run: Patient) -> None:
        """Let the server wait as long as we do, from the next transaction on, where that has changed."""
        if self._patience != self._limit and run.pgconn.transaction_status == TransactionStatus.IDLE:
            wait = max(1, round(self._patience * 1000))
            run.execute(f"set lock_timeout = {wait}; set statement_timeout = {wait}", prepare=False)
            self._limit = self._patience

    def _asked(self, ask: Callable[[Patient], T], *, again: bool = False, waits: int = 1) -> T:
        """What the server answers; asked once more, on a new connection, if one kept from before was closed by it."""
        kept = self._open
        run = self._ready(waits)
        try:
            if self._is_owed:
                self._is_owed = False
                run.wait(fetch_many(run.pgconn))
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
        return self._asked(ask, waits=waits)

    def _ready(self, waits: int) -> Patient:
        if self._open is None:
            if self._in_transaction:
                raise PostgresError("the connection was lost within a transaction")
            self._open = self._opener.open(self._patience)
            self._limit = self._opener.statement_seconds
            self._temporary.clear()
        limit = waits * self._patience
        self._open.patience = limit * _MORE + _AT_LEAST_SECONDS  # the server's own limits speak first
        return self._open

    def _drop(self) -> None:
        run, self._open, self._asking, self._is_owed = self._open, None, None, False
        self._temporary.clear()
        if run is not None:
            run.pgconn.finish()


def _roll_back(run: Patient) -> None:
    """Tell the server; what it answers is read when it is next asked."""
    run.pgconn.send_query(b"rollback")
    run.wait(send(run.pgconn))


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


class Written:
    """What a statement for many rows gave: no rows."""

    def __init__(self, rowcount: int) -> None:
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        """None."""

    def fetchmany(self, size: int = 1, /) -> list[Any]:
        """None."""
        return []

    def fetchall(self) -> list[Any]:
        """None."""
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())


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
