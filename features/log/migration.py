"""Bringing a live store of an older version up to this one, in place, in the caller's transaction."""

import sqlite3

from features.log.doubts import doubt_of
from features.log.refolding import customers_of, refold


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """From `version` (1 or later) to the current one. Everyone is folded again: states are of one program."""
    if version < 2:
        _doubts_and_concern(connection)
    refold(connection, customers_of(connection, "facts"))


def _doubts_and_concern(connection: sqlite3.Connection) -> None:
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
    known = connection.execute("select id, raw from quarantine").fetchall()
    connection.executemany(
        "update quarantine set type = ?, origin_id = ?, visitor_id = ? where id = ?",
        [(*doubt_of(raw), entry) for entry, raw in known],
    )
