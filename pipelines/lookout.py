"""The lookout's process: started beside the service, at the lowest priority, and again whenever it ends.

It ends with the service, however that ends. One at a time looks for a data folder on a host: the lookout of a second
worker waits, and takes over when the first one's is gone.
"""

import fcntl
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

from features.errors import HomeError
from features.home import Home
from pipelines.kept_process import KeptProcess, ends_with, is_called
from serving.clocks import Clock
from serving.logs import to_lines

log = logging.getLogger("tahdikas.lookout")

STEP_SECONDS = 1.0
LOWEST = 19


class LookoutProcess(KeptProcess):
    """Keeps the process going; `clock` is the service's."""

    def __init__(self, home: Home, clock: Clock) -> None:
        super().__init__("lookout")
        self._home, self._clock = home, clock

    def begun(self, context: SpawnContext) -> SpawnProcess:
        """Start it."""
        ahead = (self._clock() - datetime.now(UTC)).total_seconds()
        process = context.Process(target=_work, args=(self._home.root, ahead, os.getpid()), name="lookout")
        process.start()
        return process


def look_out(home: Home, clock: Clock, *, steps: int | None = None) -> None:
    """Look out for a data folder, for ever or so many `steps`. Raises what the live store or the file raise."""
    from pipelines.leisure import do_at_leisure
    from serving.desk.desk import Desk
    from serving.lookout.file import to_keep
    from serving.lookout.lookout import Lookout
    from serving.service import DecisionService
    from serving.settings import load_settings

    settings = load_settings(home)
    with closing(DecisionService(home)) as service, closing(to_keep(home)) as file:
        hours = settings.quiet_source_hours
        lookout = Lookout(file, Desk(service), minutes=settings.watch_minutes, quiet_source_hours=hours)
        opened = home.desk_db.stat().st_ino
        if steps is None:
            do_at_leisure(service, clock)
        while steps is None or steps > 0:
            if not home.desk_db.exists() or home.desk_db.stat().st_ino != opened:
                raise HomeError(f"{home.desk_db} was removed or replaced: nobody would read what is kept.")
            more = lookout.step(clock())
            steps = None if steps is None else steps - 1
            if not more and steps != 0:
                time.sleep(STEP_SECONDS)


def _work(root: Path, ahead_seconds: float, parent: int) -> None:
    """In the process: the service's clock is so far ahead of the true one."""
    is_called("lookout")
    os.nice(LOWEST)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # typed in a terminal it is for the service, which ends this process
    ends_with(parent)
    to_lines()
    home, ahead = Home.open(root), timedelta(seconds=ahead_seconds)
    try:
        with _alone(home):
            look_out(home, lambda: datetime.now(UTC) + ahead)
    except Exception:
        log.exception("the lookout failed")
        raise SystemExit(1) from None


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Wait until nobody else looks out for the data folder on this host."""
    home.derived.mkdir(exist_ok=True)
    with (home.derived / ".lookout.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets go of it however a process ends
        yield
