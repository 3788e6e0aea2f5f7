"""Whether the live store still has what it was given: one emptied behind our back knows of nobody's troubles."""

from features.errors import HomeError
from features.log.connection import Connection


def check_not_emptied(connection: Connection) -> None:
    """Raise `HomeError` where facts were kept once and not one is left: whoever is unknown then may be held."""
    if connection.execute("select 1 from facts limit 1").fetchone() is None and connection.last_position() > 0:
        raise HomeError(
            "The live store's facts were removed: who is held is not known, and nothing may be sold or taken in. Stop "
            "the service and restore the store from a copy (docs/operations.md)."
        )
