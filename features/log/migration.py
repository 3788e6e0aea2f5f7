"""Bringing a live store of an older version up to this one, in place, in the caller's transaction."""

from collections.abc import Sequence

import msgspec

from features.customer.concern import FOREVER
from features.log.connection import Connection
from features.log.doubts import doubt_of
from features.log.refolding import customers_of, refold
from features.log.value_lists import parts

_AT_ONCE = 1000


def migrate(connection: Connection, version: int) -> None:
    """From `version` (1 or later) to the current one. Everyone is folded again: states are of one program."""
    if version < 2:
        _doubts_and_concern(connection)
    if version < 4:
        _states_beside_their_keys(connection)
    refold_everyone(connection)


def refold_everyone(connection: Connection) -> None:
    """Fold everybody again, in the caller's transaction, as states of an earlier program need."""
    everyone = customers_of(connection, "facts")
    for part in parts(everyone, _AT_ONCE):
        _refold_readable(connection, part)


def _refold_readable(connection: Connection, customers: Sequence[str]) -> None:
    """Fold them again, but for those whose facts cannot be read: her old state stays, which nobody takes for whole."""
    try:
        refold(connection, customers)
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError):
        for customer in customers if len(customers) > 1 else ():
            _refold_readable(connection, [customer])


def _doubts_and_concern(connection: Connection) -> None:
    """Version 2: whom a rejected event leaves in doubt, and until when a state is of concern."""
    for column in (
        "type text",
        "origin_id text",
        "visitor_id text",
        "dismissed_at integer",
        "dismissed_by text",
        "dismissed_reason text",
    ):
        connection.execute(f"alter table quarantine add column {column}")
    connection.execute("alter table state add column concern_until integer")
    connection.execute("update state set concern_until = ?", (FOREVER,))
    known = connection.execute("select id, raw from quarantine").fetchall()
    connection.executemany(
        "update quarantine set type = ?, origin_id = ?, visitor_id = ? where id = ?",
        [(*doubt_of(raw), entry) for entry, raw in known],
    )


def _states_beside_their_keys(connection: Connection) -> None:
    """Version 4: states in a table with row numbers. The index that goes with the table is made again by the caller."""
    connection.execute(
        "create table state_anew (customer_id text not null primary key, position integer not null, body blob not null,"
        " concern_until integer)"
    )
    columns = "customer_id, position, body, concern_until"
    connection.execute(f"insert into state_anew ({columns}) select {columns} from state")
    connection.execute("drop table state")
    connection.execute("alter table state_anew rename to state")
