"""The desk's lists as the lookout keeps them, for the process that serves pages of them."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

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
from serving.lookout.file import Kept, asked, last_kept
from serving.lookout.pages import Listing, changed_since, page, watch_listing, work_listing
from serving.lookout.rows import Order, kinds_of, watch_order, watch_place, work_order, work_place

T = TypeVar("T")
GONE_MINUTES = 2
"""A lookout that was not at work for so long is gone: whoever asks looks at everybody himself."""

FEW = 5_000
"""So many customers of concern are looked at within a second or so, while the lookout makes its rows."""

_NOT_YET = "The lists are being made, for the first time or by new rules. Ask again in a minute."


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

    def _page(
        self, run: Connection, lens: Lens, now: Mark, listing: Listing[T], after: Order | None, limit: int
    ) -> tuple[int, list[tuple[Order, T]], Counter[str]] | None:
        """As of when, the lines with their places (one more than asked for where more follow), and the groups' counts.

        Raises `NotYetError` while they are made for the first time in a large shop.
        """
        self._since = since = self._since or lens.now

        def ask(file: sqlite3.Connection) -> tuple[int, list[tuple[Order, T]], Counter[str]] | bool:
            kept = last_kept(file)
            if kept is None or abs(now.at - kept.seen_at) > GONE_MINUTES * MINUTE:
                return False
            if not kept.whole or not _is_of_now(run, kept, now):
                return True
            changed, all_of_them = changed_since(file, run, kept, now)
            exact = all_of_them and kept.incidents == incidents_hash(lens)
            return now.at if exact else kept.at, *page(file, listing, changed, after, limit)

        found = asked(self._home, ask)
        if isinstance(found, tuple):
            return found
        works = bool(found) or lens.now - since < timedelta(minutes=GONE_MINUTES)
        if works and _are_more(run, to_us(lens.now), self._few):
            raise NotYetError(_NOT_YET)
        return None


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
