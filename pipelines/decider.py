"""The process that decides: started beside a service, and again whenever it ends; it ends with the service."""

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

from features.errors import TahdikasError
from features.home import Home
from features.log.connection import STORE_ERRORS
from features.log.store import BUSY_SECONDS
from pipelines.kept_process import KeptProcess, ends_with, is_called
from pipelines.without_pandas import without_pandas
from serving.clocks import Clock
from serving.decider import Decider, Lines, answer_on
from serving.logs import to_lines
from serving.service import DecisionService
from serving.settings import ServingSettings
from serving.trials import passed, take_as_passed

log = logging.getLogger("tahdikas.decider")

SWITCH_SECONDS = 0.0005
"""How long a thread may compute before another's turn: Python's own 5 ms, a dozen times a decision, would add up."""

_START_SECONDS, _LOOK_AROUND_SECONDS = 60.0, 0.1
_HANGS_AFTER = 10  # time limits of a decision, within
_SHORTEST_SECONDS, _LONGEST_SECONDS = 2.0, 60.0


class DeciderProcess(KeptProcess):
    """Keeps the process going, and `decider` told of the lines to it."""

    def __init__(self, home: Home, clock: Clock, settings: ServingSettings, decider: Decider) -> None:
        super().__init__("decider")
        self._home, self._clock, self._settings, self._decider = home, clock, settings, decider

    def begun(self, context: SpawnContext) -> SpawnProcess:
        """Start it, and open the lines once it can decide."""
        deadline = self._settings.decision_deadline_ms / 1000
        lines = Lines(
            self._settings.decision_threads,
            decision_seconds=min(max(_HANGS_AFTER * deadline, _SHORTEST_SECONDS), _LONGEST_SECONDS),
            event_seconds=self._settings.write_deadline_ms / 1000 + BUSY_SECONDS,  # it may wait for another's write
        )
        told = (self._home.root, deadline / 3, self._clock(), passed(), lines.far, os.getpid())
        process = context.Process(target=_work, args=told, name="decider")
        process.start()
        lines.begin(process.kill)
        end = time.monotonic() + _START_SECONDS
        while not (ready := lines.ready(_LOOK_AROUND_SECONDS)) and process.is_alive() and time.monotonic() < end:
            if self.stopped.is_set():
                break
        if ready:
            self._decider.open(lines)
        else:
            process.kill()
            self._decider.lost = not self.stopped.is_set()
        return process

    def told_to_end(self, process: SpawnProcess) -> None:
        """Let it end, having done what was asked of it."""
        self._decider.close()


def _work(
    root: Path, patience: float, now: datetime, marks: Sequence[str], lines: Sequence[Connection], parent: int
) -> None:
    """In the process: it ends when the lines do, not by signals, which reach the service and all beside it at once."""
    is_called("decider")
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    ends_with(parent)
    to_lines()
    without_pandas()
    sys.setswitchinterval(SWITCH_SECONDS)
    take_as_passed(marks)
    try:
        with closing(DecisionService(Home.open(root), patience_seconds=patience, beside=True)) as service:
            service.leave_tidying()
            with suppress(TahdikasError, *STORE_ERRORS):
                service.customer("", now)  # what the first decision would otherwise wait for
            gc.collect()
            gc.freeze()
            answer_on(lines, service)
    except Exception:
        log.exception("the process that decides failed")
        os._exit(1)
