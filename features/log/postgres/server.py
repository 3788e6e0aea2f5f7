"""Opening the store in PostgreSQL, and being sure that it is the one this data folder was used with."""

from pathlib import Path
from uuid import uuid4

from features.errors import HomeError
from features.home import Home
from features.log.connection import PostgresError
from features.log.postgres.connection import PostgresConnection
from features.log.postgres.opening import Opener, Patient
from features.log.settings import StoreSettings, settings_path

REVISION = "0004"
"""The revision of `features/log/migrations` that this program knows."""

STORE_ID = "store_id"


def connect(home: Home, settings: StoreSettings, *, read_only: bool, durable: bool) -> PostgresConnection:
    """Open the store. Raises `HomeError` where it cannot be reached, is not there, or is another than before."""
    opener = Opener(settings, read_only=read_only, durable=durable, check=lambda run: _check(run, home, settings))
    connection = PostgresConnection(opener)
    try:
        connection.execute("select 1")
    except PostgresError as error:
        connection.close()
        raise HomeError(
            f"The live store cannot be opened ({error}). Check the server, and {settings_path(home)}."
        ) from error
    return connection


def made(home: Home) -> Path:
    """A file that says which store was used with this folder, so that no other is taken for it."""
    return home.root / "live.postgresql.made"


def _check(run: Patient, home: Home, settings: StoreSettings) -> None:
    """That the store is there, of our revision, and the one used before: who is held must not be forgotten."""
    if run.execute("select to_regclass('alembic_version') is null").fetchone() == (True,):
        raise HomeError(
            f"There is no live store in schema {settings.db_schema} of {settings.url}. Make it: tahdikas store "
            "upgrade. If there was one, restore it from a copy: who is held is not known, and nothing may be sold."
        )
    row = run.execute(
        "select (select version_num from alembic_version), (select value from meta where key = 'store_id')"
    )
    revision, store = row.fetchone() or (None, None)
    if revision != REVISION:
        raise HomeError(
            f"The live store in schema {settings.db_schema} has revision {revision}, this program knows {REVISION}. "
            "Bring an older one up to date with `tahdikas store upgrade`; for a newer one use the program that made it."
        )
    try:
        known = made(home).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        _note(made(home), f"{store}\n")
        return
    if known != store:
        raise HomeError(
            f"The live store in schema {settings.db_schema} of {settings.url} is {store}, but this data folder was "
            f"used with {known}: who is held there is not known here. Name that one in {settings_path(home)}; or, to "
            f"use this one from now on, remove {made(home)}."
        )


def _note(path: Path, text: str) -> None:
    """Put a file there whole or not at all: half of it, left by a kill or read meanwhile, names another store."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
