"""The shop's incidents as the live store tells them, read anew only when something was said of the shop since."""

import msgspec

from features.customer.incidents import Incident, incidents_of
from features.errors import DataError
from features.log.connection import Connection
from features.log.packing import NOBODY
from features.log.refolding import shop_facts

_Seen = tuple[int | None, int]
LAST = f"select max(position), count(*) from facts where origin_id = '{NOBODY}'"
"""What is asked first."""


class ShopIncidents:
    """Keeps what it read last. Safe to share between threads, each with a connection of its own."""

    def __init__(self) -> None:
        self._kept: tuple[_Seen, tuple[Incident, ...]] = ((None, 0), ())

    def read(self, run: Connection) -> tuple[Incident, ...]:
        """All incidents of the moment that `run` reads in. Raises `DataError` if they cannot be made out."""
        last: _Seen = run.execute(LAST).fetchone()
        kept, incidents = self._kept
        if last != kept:
            try:
                incidents = incidents_of(shop_facts(run))
            except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
                raise DataError(f"The shop's incidents cannot be read ({error}): who is held is not known.") from error
            self._kept = last, incidents
        return incidents
