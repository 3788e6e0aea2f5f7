"""Making the store in PostgreSQL and bringing an older one up to this program's revision, with Alembic.

Run by `tahdikas store upgrade` and never by a serving process, which loads neither Alembic nor SQLAlchemy.
"""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from features.customer.state import STATE_VERSION
from features.errors import HomeError
from features.home import Home
from features.log.connection import PostgresError, transaction
from features.log.migration import refold_everyone
from features.log.postgres import server
from features.log.postgres.connection import PostgresConnection
from features.log.postgres.opening import Opener
from features.log.settings import load_settings, settings_path

_LONGEST_SECONDS = 3_600.0
MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Upgraded(NamedTuple):
    """From which revision to which; None: there was no store."""

    before: str | None
    after: str | None


def upgrade(home: Home, revision: str = "head") -> Upgraded:
    """Bring the store that the settings name to a revision, making it where there is none; in one transaction.

    Raises `HomeError` where it cannot be reached or changed, or the settings name no PostgreSQL.
    """
    settings = load_settings(home)
    if settings.engine != "postgresql":
        raise HomeError(
            f"The live store of {home.root} is SQLite, which is brought up to date whenever it is opened. To use "
            f"PostgreSQL, name it in {settings_path(home)}: engine: postgresql."
        )
    opener = Opener(settings, read_only=False, durable=True, check=lambda _: None)

    def creator() -> object:
        run = opener.open(opener.statement_seconds)
        run.patience = _LONGEST_SECONDS
        run.execute("set statement_timeout = 0")
        run.cursor_factory = psycopg.Cursor
        run.autocommit = False
        return run

    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=creator, poolclass=sqlalchemy.pool.NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({opener.write_lock})")
            connection.exec_driver_sql(f'create schema if not exists "{settings.db_schema}"')
            before = _revision(connection)
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            command.upgrade(config, revision)
            after = _revision(connection)
        if after == server.REVISION:
            _fold_again(opener)
        return Upgraded(before, after)
    except (sqlalchemy.exc.SQLAlchemyError, PostgresError) as error:
        raise HomeError(
            f"The store at {settings.url} could not be upgraded ({error}). Nothing was changed. Check the server, the "
            f"rights of its user on the database, and {settings_path(home)}."
        ) from error
    finally:
        engine.dispose()


def _fold_again(opener: Opener) -> None:
    """States that another program folded are folded again: nobody may be decided for by them."""
    with closing(PostgresConnection(opener)) as connection:
        connection.wait_at_most(_LONGEST_SECONDS)
        with transaction(connection):
            other = "select 1 from state where substring(body from 1 for 1) <> ? limit 1"
            if connection.execute(other, (bytes([STATE_VERSION]),)).fetchone() is not None:
                refold_everyone(connection)


def _revision(connection: sqlalchemy.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
