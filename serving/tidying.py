"""Keeping the live store tidy beside the requests, in a thread of its own: no decision's commit has to."""

import logging
import threading
from collections.abc import Callable

from features.errors import TahdikasError
from features.log.connection import STORE_ERRORS, Connection

log = logging.getLogger("tahdikas.store")

EVERY_SECONDS = 1.0


class Tidying:
    """Goes every second from `start` to `stop`, over this thread's connection to the live store."""

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._go, name="tidying", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for a tidying under way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _go(self) -> None:
        fine = True
        while not self._stopped.wait(EVERY_SECONDS):
            try:
                self._connection().tidy_beside()
                fine = True
            except (*STORE_ERRORS, TahdikasError):
                if fine:
                    log.warning("the live store could not be tidied; it is tried again every second", exc_info=True)
                fine = False
