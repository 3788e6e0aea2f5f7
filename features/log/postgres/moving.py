"""Moving a store from the SQLite file into PostgreSQL: all of it, in one transaction, or nothing."""

from contextlib import closing

from features.errors import HomeError
from features.home import Home
from features.log import sqlite_store
from features.log.connection import STORE_ERRORS, Connection, one_moment, transaction
from features.log.postgres import server
from features.log.settings import load_settings

TABLES = (
    "meta", "seen", "facts", "pending", "state", "identity_events", "links", "lake_files", "quarantine", "watermarks",
    "decisions", "outcomes", "kept", "idempotency", "reservations", "stock", "api_keys", "console_codes",
    "people", "console_sessions", "campaigns", "campaign_deeds", "campaign_off", "campaign_jobs", "customer_notes",
)  # fmt: skip
"""Every table, each after those that it refers to."""

_AT_ONCE = 2_000
_SECONDS = 3_600.0
_ORDERED = {"facts": "position", "pending": "rowid"}


def move(home: Home) -> dict[str, int]:
    """Copy the file's rows into the empty store that the settings name; gives how many of each table.

    The file stays as it is. Nothing may write to it meanwhile: what came later would be left behind. Raises `HomeError`
    where there is no file, the store is not empty, or anything did not arrive.
    """
    settings = load_settings(home)
    if settings.engine != "postgresql" or not home.live_db.exists():
        raise HomeError(f"To move a store needs {home.live_db}, and config/store.yaml with engine: postgresql.")
    with (
        closing(sqlite_store.connect(home, read_only=False, durable=True)) as old,
        closing(server.connect(home, settings, read_only=False, durable=True)) as new,
    ):
        new.wait_at_most(_SECONDS)
        try:
            with one_moment(old), transaction(new):
                for table in TABLES:
                    if table != "meta" and new.execute(f"select 1 from {table} limit 1").fetchone() is not None:
                        raise HomeError(f"The store at {settings.url} is not empty ({table}). Name an empty db_schema.")
                moved = {table: _move(old, new, table) for table in TABLES if old.has(table)}
                new.execute(
                    "select setval(pg_get_serial_sequence('facts', 'position'), coalesce(max(position), 1),"
                    " count(*) > 0) from facts"
                )
        except STORE_ERRORS as error:
            raise HomeError(f"The store was not moved ({error}). Nothing was changed.") from error
    return moved


def _move(old: Connection, new: Connection, table: str) -> int:
    """Copy a table's rows in their order; gives how many."""
    columns = [column for _, column, *_ in old.execute(f"pragma table_info({table})")]
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    wanted = " where key <> 'schema_version'" if table == "meta" else ""
    rows = old.execute(f"select {names} from {table}{wanted} order by {_ORDERED.get(table, columns[0])}")
    count = 0
    while page := rows.fetchmany(_AT_ONCE):
        new.executemany(f"insert into {table} ({names}) values ({marks})", page)
        count += len(page)
    found = new.execute(f"select count(*) from {table}").fetchone()[0] - (table == "meta")
    if found != count:
        raise HomeError(f"Of {count} rows of {table} {found} arrived. Nothing was changed.")
    return count
