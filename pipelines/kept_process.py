"""A process beside the service: started again with a growing pause whenever it ends."""

import logging
import multiprocessing
import os
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

_LOOK_AROUND_SECONDS = 0.5
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
_END_SECONDS = 5.0


def is_called(name: str) -> None:
    """Show this process to those who watch the machine under a name, where the system allows it."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(f"tahdikas {name}"[:15], encoding="utf-8")


def ends_with(parent: int) -> None:
    """End this process as soon as the one that started it is gone."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_AROUND_SECONDS)
    os._exit(0)


class KeptProcess(ABC):
    """Keeps a process going that `begun` starts; to be derived from."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(f"tahdikas.{name}")
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the process."""
        self.stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    @abstractmethod
    def begun(self, context: SpawnContext) -> SpawnProcess:
        """Start it."""

    def told_to_end(self, process: SpawnProcess) -> None:
        """Have it end soon."""
        process.terminate()

    def _run(self) -> None:
        context, pause = multiprocessing.get_context("spawn"), _FIRST_PAUSE_SECONDS
        while not self.stopped.is_set():
            began = time.monotonic()
            try:
                self._see_it_end(self.begun(context))
            except OSError:  # no memory, no descriptors: they may be had later
                self._log.warning("it could not be started: it is tried again", exc_info=True)
            pause = _FIRST_PAUSE_SECONDS if time.monotonic() - began > _LONGEST_PAUSE_SECONDS else pause
            self.stopped.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _see_it_end(self, process: SpawnProcess) -> None:
        while process.is_alive() and not self.stopped.is_set():
            process.join(_LOOK_AROUND_SECONDS)
        if not self.stopped.is_set():
            self._log.warning("it ended: it is started again")
        elif process.is_alive():
            self.told_to_end(process)
            process.join(_END_SECONDS)
            process.kill()
            process.join()
