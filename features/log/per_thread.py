"""A connection to the live store for each thread, with the tables that its owner needs."""

import threading
from collections.abc import Iterable

from features.home import Home
from features.log.connection import Connection
from features.log.store import connect


class PerThread:
    """Connections of one data folder, opened when a thread first asks; a statement waits at most `patience_seconds`."""

    def __init__(self, home: Home, tables: Iterable[str], *, patience_seconds: float | None = None) -> None:
        self._home, self._tables, self._patience = home, tuple(tables), patience_seconds
        self._own = threading.local()

    def connection(self) -> Connection:
        """This thread's; raises as `connect`."""
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = connect(self._home)
            found.make(self._tables)
            if self._patience is not None:
                found.wait_at_most(self._patience)
            self._own.connection = found
        return found

    def close(self) -> None:
        """Let go of this thread's."""
        found: Connection | None = getattr(self._own, "connection", None)
        self._own.connection = None
        if found is not None:
            found.close()
