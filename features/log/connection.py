"""What is asked of the live store, whichever engine keeps it: the statements of one connection, and its transactions.

Statements are written in the SQL that both engines read: `?` and `?1` for values, integers for booleans and instants,
`on conflict` for what is known already. The few words that differ are put in order in `postgres/dialect.py`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol


class PostgresError(Exception):
    """PostgreSQL refused, did not answer in time, or could not be reached."""


STORE_ERRORS = (sqlite3.Error, PostgresError)
"""What a live store raises when it cannot do what was asked of it; whoever meets one sells nothing."""


Statement = tuple[str, Sequence[Any]]
"""A statement with its values."""


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""

    def fetchone(self) -> Any:
        """The next row, None after the last."""

    def fetchmany(self, size: int = ..., /) -> list[Any]:
        """The next at most `size` rows."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """The rows that are left."""


class Connection(Protocol):
    """A connection to the live store: usable from any thread, one at a time."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run a statement; each by itself is a transaction where none is open."""

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Rows:
        """Run a statement once for each of the rows of values."""

    def add(self, table: str, rows: Sequence[Sequence[Any]], known: str = "") -> None:
        """Add rows to a table, or to columns of one ("pending (event_id, type, body)"): all or none.

        `known` is what becomes of one that is there already ("on conflict ..."); no two of the rows may be the same.
        Where no transaction is open, they are durable when this returns, and another's write is waited for only where
        the engine lets no two write at once: nothing that was read may be what they rest on.
        """

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a query, few in memory at a time; nothing else is asked of the connection meanwhile."""

    def make(self, statements: Iterable[str]) -> None:
        """Make tables and indexes that are not there yet, temporary ones among them."""

    def has(self, name: str) -> bool:
        """Whether there is a table or index of that name."""

    def last_position(self) -> int:
        """The position last given to a fact that was kept, whether or not it is still there; 0 before the first."""

    def turn(self) -> AbstractContextManager[object]:
        """Inside, nobody else who asks for a turn writes."""

    def last_position_asked(self) -> Statement:
        """What `last_position` asks."""

    def ask_ahead(self, asked: Iterable[Statement]) -> None:
        """In a transaction: queries that will be executed in it later, in these very words, and tell the same then.

        An engine that is not in this process answers them all at once.
        """

    def begin_writing(self, ahead: Iterable[Statement] = ()) -> None:
        """Open a transaction as the only writer; what is read in it is the latest. `ahead`: see `ask_ahead`."""

    def begin_reading(self, ahead: Iterable[Statement] = ()) -> None:
        """Open a transaction that reads one moment of the store. `ahead`: see `ask_ahead`."""

    def open_stage(self, folder: Path, tables: Iterable[str]) -> None:
        """Make an import's own tables, beside the store's: `stage.` in statements. Whatever was there before goes."""

    def close_stage(self) -> None:
        """Let go of them."""

    def tidy(self) -> None:
        """After much was written: what can be done at leisure to keep the store small and fast."""

    def leave_tidying(self) -> None:
        """Somebody else calls `tidy_beside` from now on: commits of this connection need not."""

    def tidy_beside(self) -> None:
        """What has to be done again and again while others write, by a thread of its own: they wait next to nothing."""

    def wait_at_most(self, seconds: float | None) -> None:
        """How long statements wait from now on, for another's write as for the engine itself; None: as at first."""

    def commit(self) -> None:
        """End the transaction; what it wrote is there for everybody, and durable when `settle` returns."""

    def settle(self) -> None:
        """After a commit, its turn given back: return when it is durable. Raises as a commit that failed."""

    def rollback(self) -> None:
        """End the transaction as if it had not been."""

    def close(self) -> None:
        """Let go of the store."""


@contextmanager
def transaction(connection: Connection, ahead: Iterable[Statement] = ()) -> Iterator[Connection]:
    """One write transaction: the only writer from its start, commits at the end, rolls back on any exception.

    It is durable when this ends. Others may write, and read what it wrote, a little before. `ahead`: see
    `Connection.ask_ahead`.
    """
    with connection.turn():
        connection.begin_writing(ahead)
        try:
            yield connection
            connection.commit()
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise
    connection.settle()


@contextmanager
def one_moment(connection: Connection, ahead: Iterable[Statement] = ()) -> Iterator[None]:
    """All reads inside see one moment of the store; inside another such, that one's. `ahead`: see `ask_ahead`."""
    if connection.in_transaction:
        yield
        return
    connection.begin_reading(ahead)
    try:
        yield
    finally:
        connection.rollback()
