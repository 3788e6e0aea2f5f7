"""Who can be left unread for a while: no open case, no hold now, and none that the clock alone could bring.

Most whose state may be a reason to hold them (`concern_until` is a generous bound) are held by nothing. They are read
once, and again only when something is told of them, the rules change, or `HOURS` have passed.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta

from features.customer.hold_spans import spans
from features.instants import to_us
from features.log.connection import Connection
from serving.desk.lens import Lens, Standing, has_open_case
from serving.desk.scan import everybody
from serving.desk.touched import touched

HOURS = 1.0
LARGEST_CHANGE = 200_000
"""Facts since the last reading beyond which, as after an import, everybody is read again."""


class Quiet:
    """The customers left unread, for one data folder; `looks` counts how often the others were read.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules = ""
        self._span = (0, -1)
        self._position = 0
        self._customers: set[str] = set()
        self.looks = 0

    def everybody(
        self,
        run: Connection,
        lens: Lens,
        rules: str,
        *,
        also: Collection[str],
        after: str = "",
        since: int | None = None,
        pause: Callable[[], None] = lambda: None,
    ) -> Iterator[Standing]:
        """As `scan.everybody`, without those of whom it is known that nothing held them from `since` on.

        `rules` is the hash of all that judges (`marks.Mark.rules`).
        """
        self.looks += 1
        now = to_us(lens.now)
        start = now if since is None else min(since, now)
        unread = self._unread(run, rules, start, now)
        if unread is not None:
            yield from everybody(run, lens, also=also, after=after, since=since, pause=pause, skip=unread)
            return
        (position,) = run.execute("select coalesce(max(position), 0) from facts").fetchone()
        until = lens.at(lens.now + timedelta(hours=HOURS))
        found = set()
        for standing in everybody(run, lens, also=also, after=after, since=since, pause=pause):
            if not standing.is_held and not has_open_case(standing, lens) and _stays_quiet(standing, start, until):
                found.add(standing.customer_id)
            yield standing
        if not after:
            with self._lock:
                self._rules, self._span, self._position = rules, (start, to_us(until.now)), position
                self._customers = found

    def _unread(self, run: Connection, rules: str, start: int, now: int) -> frozenset[str] | None:
        """Whom to leave unread for moments from `start` to `now`; None where it is not known of anybody."""
        (position,) = run.execute("select coalesce(max(position), 0) from facts").fetchone()
        with self._lock:
            told = position - self._position
            if rules != self._rules or not self._span[0] <= start <= now <= self._span[1]:
                return None
            if not 0 <= told <= LARGEST_CHANGE:
                return None
            if told:
                self._customers -= touched(run, self._position, position)
                self._position = position
            return frozenset(self._customers)


def _stays_quiet(standing: Standing, start: int, until: Lens) -> bool:
    """Whether no span of hers is in force at any moment from `start` on, up to the end of what `until` sees."""
    end = to_us(until.ahead)
    last_at = standing.state.last_at
    if last_at is not None and last_at > start:
        return False  # dated ahead of some moment in between: it may count from then on
    found = spans(standing.state, end, until.rules, until.incidents)
    return not any(s.opened_at <= end and (s.ends_at is None or s.ends_at > start) for s in found)
