"""The lookout's work: looking at everybody, over and over, and keeping what it saw in its file."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from serving.desk.desk import Desk
from serving.lookout.file import groups_of, last_kept, last_look, note_look
from serving.lookout.keeping import Keeping
from serving.watchdogs import Silent, Watchdogs


class Lookout:
    """Over its file and the desk of the same data folder; watchdogs look every `minutes`. No method reads a clock."""

    def __init__(
        self,
        file: sqlite3.Connection,
        desk: Desk,
        *,
        minutes: float,
        quiet_source_hours: float,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._file = file
        self._keeping = Keeping(file, desk, pause)
        self._watchdogs = Watchdogs(desk.service, self._count, quiet_source_hours)
        self._every = timedelta(minutes=minutes)

    def step(self, now: datetime) -> bool:
        """Some of what is due at `now`; whether more of it waits. Raises what the live store or the file raise."""
        more = self._keeping.step(now)
        last, kept = last_look(self._file), last_kept(self._file)
        is_due = last is None or not last.at <= now < last.at + self._every
        if is_due and kept is not None and kept.whole:
            note_look(self._file, self._watchdogs.look(now))
        return more

    def _count(self, now: datetime) -> Silent:
        held, late = Counter[str](), 0
        for group, count in groups_of(self._file, "watch").items():
            kind, _, past_review = group.split()
            held[kind] += count
            late += count * int(past_review)
        return Silent(held, late)
