"""The desk's lists as the lookout keeps them, for the process that serves pages of them."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import msgspec

from features.home import Home
from features.instants import MINUTE, from_us, to_us
from features.log.connection import Connection
from features.log.doubts import rejects_in_doubt
from serving.desk.call_list import Call
from serving.desk.faults import NotYetError
from serving.desk.lens import Lens, Standing
from serving.desk.marks import Mark, comparable, incidents_hash
from serving.desk.scan import of
from serving.desk.tasks import KINDS
from serving.desk.watch_list import Filters, WatchCursor, Watched, WatchPage, watched
from serving.desk.work_list import Work, WorkCursor, WorkFilters, WorkPage, works
from serving.lookout.file import Kept, asked, customers_held, last_kept
from serving.lookout.pages import Listing, changed_since, page, watch_listing, work_listing
from serving.lookout.rows import Order, kinds_of, watch_order, watch_place, work_order, work_place

T = TypeVar("T")
GONE_MINUTES = 2
"""A lookout that was not at work for so long is gone: whoever asks looks at everybody himself."""

MOST_CHANGED, MOST_TOLD = 500, 5_000
"""Customers looked at for a page beyond those shown, and for the feed; where more have changed, a page is as of the
keeping, and the feed waits for it."""

FEW = 5_000
"""So many customers of concern are looked at within a second or so, while the lookout makes its rows."""

_NOT_YET = "The lists are being made, for the first time or by new rules. Ask again in a minute."


class Seen(NamedTuple):
    """The file, customers of whom anything changed since its keeping, whether they are all, and as of when that is."""

    file: sqlite3.Connection
    changed: list[str]
    exact: bool
    at: int


class KeptLists:
    """Pages from the lookout's file; None for those that the asker has to make. Safe to share between threads.

    While rows are made, a shop of more than `few` customers of concern is told to ask again.
    """

    def __init__(self, home: Home, *, few: int = FEW) -> None:
        self._home, self._few = home, few
        self._since: datetime | None = None

    def watch(
        self, run: Connection, lens: Lens, now: Mark, filters: Filters, cursor: WatchCursor | None, limit: int
    ) -> WatchPage | None:
        """A page of the watch list, of what holds at the lens's moment."""

        def read(customers: Sequence[str]) -> list[Watched]:
            return list(watched(_standings(run, customers, lens), lens.now))

        after = None if cursor is None else watch_order(cursor.place)
        found = self._page(run, lens, now, watch_listing(filters, read), after, limit)
        if found is None:
            return None
        at, lines, groups = found
        at = at if cursor is None else cursor.at
        following = WatchCursor(at, filters, watch_place(lines[limit - 1][0])) if len(lines) > limit else None
        late = sum(count for group, count in groups.items() if group.endswith(" 1"))
        return WatchPage(from_us(at), [one for _, one in lines[:limit]], groups.total(), late, following)

    def work(
        self,
        run: Connection,
        lens: Lens,
        now: Mark,
        filters: WorkFilters,
        cursor: WorkCursor | None,
        limit: int,
        calls: Callable[[Lens, Sequence[Standing]], Sequence[Call]],
    ) -> WorkPage | None:
        """A page of the work list, of what is to be done at the lens's moment; `calls` to be made among those held."""
        rejected = rejects_in_doubt(run)

        def read(customers: Sequence[str]) -> list[Work]:
            found = _standings(run, customers, lens)
            return list(works(found, calls(lens, [one for one in found if one.is_held]), rejected, lens))

        after = None if cursor is None else work_order(cursor.place)
        found = self._page(run, lens, now, work_listing(filters, read), after, limit)
        if found is None:
            return None
        at, lines, groups = found
        at = at if cursor is None else cursor.at
        following = WorkCursor(at, filters, work_place(lines[limit - 1][0])) if len(lines) > limit else None
        kinds = Counter[str]()
        for group, count in groups.items():
            kinds.update(dict.fromkeys(kinds_of(group), count))
        counted = {kind: kinds[kind] for kind in KINDS if kinds[kind]}
        return WorkPage(from_us(at), [one for _, one in lines[:limit]], groups.total(), counted, following)

    def silent(
        self, run: Connection, lens: Lens, now: Mark, after: str, since: int | None, *, by_incidents: bool
    ) -> list[str] | None:
        """Customers past `after` by id whom anything holds at the lens's moment, or of whom something was told.

        With `since` (us) of those held: whom something may hold since then, whose state cannot be trusted, and
        `by_incidents` whom an incident holds.
        """

        def ask(found: Seen) -> list[str] | None:
            if not found.exact:
                return None
            held = customers_held(found.file, after, since, by_incidents=by_incidents)
            return [one for one in {*found.changed, *held} if one > after]

        return self._asked(run, lens, now, MOST_TOLD, ask)

    def _page(
        self, run: Connection, lens: Lens, now: Mark, listing: Listing[T], after: Order | None, limit: int
    ) -> tuple[int, list[tuple[Order, T]], Counter[str]] | None:
        """As of when, the lines with their places (one more than asked for if more follow), and the groups' counts."""

        def ask(found: Seen) -> tuple[int, list[tuple[Order, T]], Counter[str]]:
            return found.at, *page(found.file, listing, found.changed, after, limit)

        return self._asked(run, lens, now, MOST_CHANGED, ask)

    def _asked(
        self, run: Connection, lens: Lens, now: Mark, most: int, question: Callable[[Seen], T | None]
    ) -> T | None:
        """The answer to a question of what is kept; None where the asker has to look at everybody himself.

        Raises `NotYetError` where that is too many, and the lookout is at work and will have an answer.
        """
        self._since = since = self._since or lens.now
        works = lens.now - since < timedelta(minutes=GONE_MINUTES)

        def ask(file: sqlite3.Connection) -> T | None:
            nonlocal works
            kept = last_kept(file)
            if kept is None or abs(now.at - kept.seen_at) > GONE_MINUTES * MINUTE:
                return None
            works = True
            if not kept.whole or not _is_of_now(run, kept, now):
                return None
            changed, all_of_them = changed_since(file, run, kept, now, most)
            exact = all_of_them and kept.incidents == incidents_hash(lens) and kept.at <= now.at
            return question(Seen(file, changed, exact, now.at if exact else kept.at))

        found = asked(self._home, ask)
        if found is None and works and _are_more(run, to_us(lens.now), self._few):
            raise NotYetError(_NOT_YET)
        return found


def _is_of_now(run: Connection, kept: Kept, now: Mark) -> bool:
    """Whether what changed since the keeping can be told; the clock of another process may be a little ahead."""
    return comparable(run, kept.mark, msgspec.structs.replace(now, at=max(now.at, kept.mark.at)))


def _are_more(run: Connection, now: int, few: int) -> bool:
    query = "select count(*) from (select 1 from state where concern_until > ? limit ?) as some"
    (found,) = run.execute(query, (now, few + 1)).fetchone()
    return int(found) > few


def _standings(run: Connection, customers: Sequence[str], lens: Lens) -> list[Standing]:
    """Standings of customers now, all that only a single reading asks included."""
    return list(of(run, customers, lens, asking=set(customers)))
