"""Writers of one file take turns: the threads of a process by a lock, processes by a lock on a file beside it."""

import fcntl
import os
import threading
import time
from pathlib import Path

_AGAIN_SECONDS = 0.0003


class Writers:
    """Those of one process. The kernel lets go of a turn however the process that had it ends."""

    def __init__(self, path: Path) -> None:
        self._beside = path.with_name(f"{path.name}.turn")
        self._lock = threading.Lock()
        self._file: int | None = None

    def take(self, seconds: float) -> bool:
        """Wait for the turn at most so long; whether it came."""
        until = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            return False
        try:
            if self._is_ours(until):
                return True
        except OSError:  # a file system without such locks, or without room: SQLite's own lock is left
            return True
        self._lock.release()
        return False

    def give_back(self) -> None:
        """Let the next one write."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._lock.release()

    def _is_ours(self, until: float) -> bool:
        if self._file is None:
            self._file = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    return False
                time.sleep(_AGAIN_SECONDS)
            else:
                return True
