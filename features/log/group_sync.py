"""Group commit: one wait for the disk for all who committed meanwhile.

A commit in SQLite's write-ahead log with `synchronous=NORMAL` is there for everybody at once and on disk later. Whoever
must not answer before waits here, when the next may write already. The log is written from front to back, so what is
on disk after it was all of what was committed before the call. See docs/decisions/0031.

The kernel tells of a failure whoever had the log open then, and of those who open it later nobody once one was told.
A process that begins after a failure therefore learns of it by a file beside the database.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path


class NotOnDiskError(OSError):
    """What was committed may be lost with the power, and so may be what is committed after it."""


class GroupSync:
    """Waits for the log of one SQLite file to be on disk; shared by all connections of a process to it."""

    def __init__(self, database: Path) -> None:
        self._log = database.with_name(f"{database.name}-wal")
        self._mark = database.with_name(f"{database.name}.unsynced")
        self._changed = threading.Condition()
        self._begun = self._ended = 0
        self._descriptor: int | None = None
        self._failure: OSError | None = None

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    @property
    def failed(self) -> bool:
        """Whether a wait failed, of whichever process, so that nothing is known to be on disk until `mended`."""
        return self._failure is not None or self._mark.exists()

    def mended(self) -> None:
        """All that was ever committed is on disk in the database itself. Raises `OSError` if that cannot be told."""
        self._mark.unlink(missing_ok=True)
        self._failure = None

    def wait(self) -> None:
        """Return when all that was committed before this call is on disk.

        Raises `NotOnDiskError` where that cannot be told: also where an earlier wait failed, for the disk forgets what
        it could not write.
        """
        with self._changed:
            mine = self._begun + 1  # what has begun already may have missed our pages
            self._changed.wait_for(lambda: self._ended >= mine or self._ended == self._begun)
            leads = self._ended < mine
            self._begun += leads
        if leads:
            self._sync()
        if self._failure is not None:
            raise NotOnDiskError(str(self._failure)) from self._failure
        if self._mark.exists():
            raise NotOnDiskError("another process was told that its log could not be written")

    def _sync(self) -> None:
        failure: OSError | None = OSError("interrupted")
        try:
            os.fdatasync(self._opened())
            failure = None
        except OSError as error:
            failure = error
        finally:
            if failure is not None:
                with suppress(OSError):  # no room even for a name: whoever was there is told by the kernel
                    self._mark.touch()
            with self._changed:
                self._failure = self._failure or failure
                self._ended += 1
                self._changed.notify_all()

    def _opened(self) -> int:
        """The log's descriptor. It stays open, for a descriptor is told once of each failure since it was opened."""
        found = self._log.stat().st_ino
        if self._descriptor is not None and os.fstat(self._descriptor).st_ino != found:
            os.close(self._descriptor)
            self._descriptor = None
        if self._descriptor is None:
            self._descriptor = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        return self._descriptor
