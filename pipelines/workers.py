"""Several workers on one host: processes that share an address, each started again when it ends or hangs.

Whoever gets a request answers it; what one of them acknowledged the others see, since all read the same stores.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from features.errors import HomeError, TahdikasError
from features.home import Home
from serving.clocks import Clock
from serving.logs import to_lines
from serving.settings import load_settings
from serving.trials import begin_trial

_LOOK_AROUND_SECONDS = 0.5


def serve_by(workers: int, home: Home, clock: Clock, bound: socket.socket, started: Callable[[], None]) -> None:
    """Serve by so many until told to stop; calls `started` when all take requests. Raises `HomeError` if none can."""
    with TemporaryDirectory(prefix="tahdikas-counts-") as counts:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts  # each worker counts in a file of its own there
        ahead = clock() - datetime.now(UTC)
        keeper = _Keeper(_WorkerConfig(home.root, ahead, os.getpid(), workers), [bound], started)
        try:
            keeper.run()
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
    if any(one.exitcode == STARTUP_FAILURE for one in keeper.processes):
        raise HomeError("A worker could not start; it told why above. Correct that, then start again.")


class _Keeper(Multiprocess):
    """Uvicorn's own, which says when all workers take requests."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], started: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._when_started, self._said = started, False

    def keep_subprocess_alive(self) -> None:
        """Start again who ended or hangs; once all are ready, say so."""
        super().keep_subprocess_alive()
        patience = self.config.timeout_worker_healthcheck
        if not self._said and all(one.is_ready(patience) for one in self.processes):
            self._said = True
            self._when_started()


class _WorkerConfig(uvicorn.Config):
    """What a worker is made from, in its own process; nothing of it is opened before."""

    def __init__(self, root: Path, ahead: timedelta, parent: int, workers: int) -> None:
        super().__init__("", workers=workers, log_config=None)
        self._root, self._ahead, self._parent = root, ahead, parent

    def load(self) -> None:
        """Make it. Ends the process where it cannot be made, as it could not be the next time."""
        threading.Thread(target=_end_with, args=(self._parent,), daemon=True).start()
        to_lines()
        home, ahead = Home.open(self._root), self._ahead
        begin_trial(home)
        from pipelines.worker import server_settings, worker_app

        try:
            settings = load_settings(home)
            self.app = worker_app(home, lambda: datetime.now(UTC) + ahead, settings)
        except TahdikasError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(STARTUP_FAILURE)
        for name, told in server_settings(settings).items():
            setattr(self, name, told)
        super().load()


def _end_with(parent: int) -> None:
    """Stop gracefully as soon as the process that keeps this one going is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_AROUND_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
