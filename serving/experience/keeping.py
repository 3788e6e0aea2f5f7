"""Reports over everybody, made ahead by a process beside the service, and whether a kept one may be shown.

A report may be shown while it is fresh, the policy is the one it judged by, and nobody was forgotten since: who was
erased appears in no page, whoever made it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from features.instants import MINUTE, SECOND, to_us
from serving.experience.kept import Kept, KeptReports
from serving.service import DecisionService

T = TypeVar("T")
PERIODS = (90, 30, 180)
"""Days looked back that reports are kept of: those that the console's pages lead to."""

NEWS_AFTER = MINUTE
"""A report is made again so long after the last where something was heard since."""

QUIET_AFTER = 15 * MINUTE
"""And so long after it where nothing was: time itself has passed."""

REST = 20
"""Or after so many times what it took, if that is longer."""

_GOOD_FOR = 30 * MINUTE


class Kind(NamedTuple):
    """A kind of report: its name, the days back that it is kept of, and how it is made at a moment over so many."""

    name: str
    periods: Sequence[int]
    make: Callable[[datetime, int], Any]


class Keeping:
    """The kept reports of one data folder. Safe to share between threads."""

    def __init__(self, service: DecisionService) -> None:
        self._service = service
        self.reports = KeptReports(service.home.experience_db)
        self._lock = threading.Lock()
        self._from = self._through = self._erased = 0

    def fresh(self, name: str, type_: type[T], now: datetime, days: int) -> T | None:
        """The kept report, if it may be shown at `now`."""
        kept, at = self.reports.find(name, days), to_us(now)
        if kept is None or not kept.as_of <= at <= kept.good_until or not self._holds(kept, now):
            return None
        try:
            return msgspec.msgpack.decode(kept.body, type=type_)
        except msgspec.MsgspecError:
            return None

    def step(self, kinds: Sequence[Kind], now: datetime) -> bool:
        """Make the report that has waited longest, if any is due; whether one was."""
        at, position = to_us(now), self._service.records.heard().position
        waits: list[tuple[int, int, Kind]] = []
        for kind in kinds:
            for days in kind.periods:
                kept = self.reports.find(kind.name, days)
                if kept is not None and not self._holds(kept, now):
                    self.reports.clear()
                    return self.step(kinds, now)
                due = 0 if kept is None or kept.as_of > at else _due(kept, position)
                if due <= at:
                    waits.append((due, days, kind))
        if not waits:
            return False
        _, days, kind = min(waits, key=lambda one: one[0])
        self._make(kind, days, now, position)
        return True

    def _make(self, kind: Kind, days: int, now: datetime, position: int) -> None:
        policy = self._service.in_force(now).policy.hash
        start = time.perf_counter()
        body = msgspec.msgpack.encode(kind.make(now, days))
        at, rest = to_us(now), int((time.perf_counter() - start) * REST * SECOND)
        good_until = at + max(_GOOD_FOR, 3 * max(rest, NEWS_AFTER))
        self.reports.put(kind.name, days, Kept(at, good_until, at + max(rest, NEWS_AFTER), position, policy, body))

    def _holds(self, kept: Kept, now: datetime) -> bool:
        """Whether the policy is the same, and nobody was erased since."""
        if kept.policy != self._service.in_force(now).policy.hash:
            return False
        return not self._erased_after(kept.position)

    def _erased_after(self, position: int) -> bool:
        """Whether anybody was erased by a fact after the position; what was looked through is not read again."""
        run = self._service.records.connection()
        with self._lock:
            if position < self._from or not self._through:
                self._from = self._through = position
                self._erased = 0
            (latest,) = run.execute("select coalesce(max(position), 0) from facts").fetchone()
            query = "select max(position) from facts where position > ? and position <= ? and type = 'erasure'"
            (found,) = run.execute(query, (self._through, latest)).fetchone()
            self._erased = found or self._erased
            self._through = max(self._through, latest)
            return self._erased > position


def _due(kept: Kept, position: int) -> int:
    return kept.due_at if kept.position != position else max(kept.due_at, kept.as_of + QUIET_AFTER)
