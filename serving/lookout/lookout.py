"""The lookout's work: looking at everybody, over and over, and keeping what it saw in its file."""

import sqlite3
from datetime import datetime, timedelta

from serving.lookout.file import last_look, note_look
from serving.watchdogs import Watchdogs


class Lookout:
    """Over its file and the watchdogs, who look every `minutes`. No method reads a clock."""

    def __init__(self, file: sqlite3.Connection, watchdogs: Watchdogs, minutes: float) -> None:
        self._file, self._watchdogs = file, watchdogs
        self._every = timedelta(minutes=minutes)

    def step(self, now: datetime) -> None:
        """What is due at `now`. Raises what the live store or the file raise."""
        last = last_look(self._file)
        if last is None or not last.at <= now < last.at + self._every:
            note_look(self._file, self._watchdogs.look(now))
