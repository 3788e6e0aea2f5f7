"""Values loaded from files and loaded again when those change; the last good one stands whatever the files become."""

import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from features.errors import TahdikasError

T = TypeVar("T")
Stamp = tuple[object, ...]
_NEVER: Stamp = ("never",)


def stamp(path: Path) -> Stamp:
    """What changes when a file is replaced or edited; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


class Watched(Generic[T]):
    """A value and the stamp of the files that it is from; `problem` says why those seen last could not be used."""

    def __init__(self, name: str, load: Callable[[], T], value: T | None = None, seen: Stamp = _NEVER) -> None:
        self._name, self._load = name, load
        self.value, self.seen = value, seen
        self.problem: str | None = None

    def refresh(self, now_seen: Stamp) -> None:
        """Load again if what is seen of the files is new."""
        if now_seen == self.seen:
            return
        try:
            self.value, self.problem = self._load(), None
        except Exception as error:  # whatever is in a file: what was in force stays
            told = error if isinstance(error, TahdikasError | OSError) else repr(error)
            self.problem = f"{self._name}: {told}"
        self.seen = now_seen


class WatchedBeside(Watched[T]):
    """As `Watched`, but what `takes_long` is loaded by a thread of its own while the value before stands.

    The first value is waited for. One thread at a time calls `refresh`.
    """

    def __init__(self, name: str, load: Callable[[], T], takes_long: Callable[[], bool]) -> None:
        super().__init__(name, load)
        self._takes_long = takes_long
        self._loading: threading.Thread | None = None

    def stands(self, now_seen: Stamp) -> Stamp:
        """The stamp to go by: what is seen of the files, or, while that is being loaded, what is in force."""
        return now_seen if self._loading is None else self.seen

    def refresh(self, now_seen: Stamp) -> None:
        """Load again, here or beside, if what is seen of the files is new and nothing is being loaded."""
        if now_seen == self.seen or self._loading is not None:
            return
        if self.seen == _NEVER or not self._takes_long():
            super().refresh(now_seen)
            return
        self._loading = threading.Thread(target=self._load_beside, args=(now_seen,), name=self._name, daemon=True)
        try:
            self._loading.start()
        except RuntimeError:  # no thread is to be had now: whoever asks next tries again
            self._loading = None

    def _load_beside(self, now_seen: Stamp) -> None:
        super().refresh(now_seen)
        gc.freeze()  # what was loaded stays: later collections need not walk over it
        self._loading = None
