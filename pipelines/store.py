"""The live store in PostgreSQL, as commands see it: its driver and Alembic are an extra that may be absent."""

from typing import TYPE_CHECKING

from features.errors import HomeError
from features.home import Home

if TYPE_CHECKING:
    from features.log.postgres.upgrade import Upgraded


def upgrade(home: Home) -> "Upgraded":
    """Make the store that the settings name, or bring an older one up to date. Raises `HomeError`."""
    try:
        from features.log.postgres.upgrade import upgrade
    except ModuleNotFoundError as error:
        raise HomeError(f"PostgreSQL needs {error.name}. Install it: pip install 'tahdikas[postgresql]'.") from error
    return upgrade(home)


def move(home: Home) -> dict[str, int]:
    """Copy the SQLite file's rows into the empty store that the settings name. Raises `HomeError`."""
    try:
        from features.log.postgres.moving import move
    except ModuleNotFoundError as error:
        raise HomeError(f"PostgreSQL needs {error.name}. Install it: pip install 'tahdikas[postgresql]'.") from error
    return move(home)
