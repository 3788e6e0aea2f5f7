"""The live store: facts, state, links, quarantine, decisions and the list of lake files, in the engine that is set.

One machine keeps it in a SQLite file; a grown shop names PostgreSQL in `config/store.yaml`, and several workers and
hosts share it. On both, one writes at a time who rests on what it read, so that this is still true then, and facts get
their positions in the order in which they become visible. Instants are integers: microseconds since 1970-01-01 UTC.
"""

from features.errors import HomeError
from features.home import Home
from features.instants import from_us as from_micros
from features.instants import to_us as to_micros
from features.log import sqlite_store
from features.log.connection import STORE_ERRORS, Connection, PostgresError, Rows, one_moment, transaction
from features.log.settings import load_settings
from features.log.sqlite_store import BUSY_SECONDS, SCHEMA_VERSION

__all__ = [
    "BUSY_SECONDS",
    "SCHEMA_VERSION",
    "STORE_ERRORS",
    "Connection",
    "PostgresError",
    "Rows",
    "connect",
    "from_micros",
    "one_moment",
    "to_micros",
    "transaction",
]


def connect(home: Home, *, read_only: bool = False, durable: bool = True) -> Connection:
    """Open the live store; usable from any thread, one at a time.

    `durable` waits for the disk at every commit (survives power loss); without it a commit survives the end of the
    process only. `read_only` needs a store that is there. Raises `HomeError` if it cannot be opened, is no store of
    ours, was made by a newer version, or is gone; `ConfigError` for settings that cannot be used. A SQLite file is made
    where absent and brought up to this version; for PostgreSQL `tahdikas store upgrade` does both.
    """
    settings = load_settings(home)
    if settings.engine == "sqlite":
        return sqlite_store.connect(home, read_only=read_only, durable=durable)
    try:
        from features.log.postgres import server
    except ModuleNotFoundError as error:  # an extra
        raise HomeError(f"PostgreSQL needs {error.name}. Install it: pip install 'tahdikas[postgresql]'.") from error
    return server.connect(home, settings, read_only=read_only, durable=durable)
