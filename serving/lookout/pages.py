"""A page of a list, from what the lookout keeps: as true as if everybody had been looked at.

Whoever was told something since the keeping, and whose time has come, is looked at now, and so is everybody shown: what
is kept only says whom to look at, and in which order.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from features.log.connection import Connection
from features.log.doubts import customers_in_doubt
from serving.desk.marks import Mark
from serving.desk.touched import touched
from serving.desk.watch_list import Filters, Watched
from serving.desk.work_list import Work, WorkFilters
from serving.lookout.file import (
    Kept,
    customers_due,
    customers_unknown,
    groups_of,
    groups_of_customer,
    rows_after,
)
from serving.lookout.rows import (
    List,
    Order,
    Row,
    numbered,
    takes_watched,
    takes_work,
    watch_group,
    watch_order,
    work_group,
    work_order,
)

T = TypeVar("T")


class Listing(NamedTuple, Generic[T]):
    """One list under one filter: its name, what the filter takes, and her true lines now."""

    name: List
    takes_group: Callable[[str], bool]
    takes: Callable[[T], bool]
    line: Callable[[T], tuple[str, Order]]
    read: Callable[[Sequence[str]], Iterable[T]]


def watch_listing(filters: Filters, read: Callable[[Sequence[str]], Iterable[Watched]]) -> Listing[Watched]:
    """The watch list."""
    return Listing(
        "watch",
        lambda group: takes_watched(filters, group),
        filters.take,
        lambda one: (watch_group(one), watch_order(one.place)),
        read,
    )


def work_listing(filters: WorkFilters, read: Callable[[Sequence[str]], Iterable[Work]]) -> Listing[Work]:
    """The work list."""
    return Listing(
        "work",
        lambda group: takes_work(filters, group),
        filters.take,
        lambda one: (work_group(one), work_order(one.place)),
        read,
    )


def changed_since(
    file: sqlite3.Connection, run: Connection, kept: Kept, now: Mark, most: int
) -> tuple[list[str], bool]:
    """At most so many customers whose lines may be others than those kept, and whether they are all of them."""
    found: set[str] = set()
    few = now.position - kept.mark.position <= most
    if few:
        found |= touched(run, kept.mark.position, now.position)
    if kept.mark.doubts != now.doubts:
        found |= {*customers_in_doubt(run), *customers_unknown(file)}
    found.update(customers_due(file, now.at, most + 1))
    return sorted(found)[:most], few and len(found) <= most


def page(
    file: sqlite3.Connection, listing: Listing[T], changed: Sequence[str], after: Order | None, limit: int
) -> tuple[list[tuple[Order, T]], Counter[str]]:
    """The next lines past `after`, at most one more than `limit`, each with its place; and how many each group has."""
    groups = groups_of(file, listing.name)
    news = list(listing.read(changed))
    for one in changed:
        groups.subtract(groups_of_customer(file, listing.name, one))
    groups.update(listing.line(one)[0] for one in news)
    taken = Counter({group: n for group, n in groups.items() if n > 0 and listing.takes_group(group)})
    found = [(listing.line(one)[1], one) for one in news if listing.takes(one)]
    found = [(order, one) for order, one in found if after is None or order > after]
    among = [group for group in groups_of(file, listing.name) if listing.takes_group(group)]
    known = set(changed)
    rows = (r for r in rows_after(file, listing.name, among, after, limit + 1) if r.customer_id not in known)
    kept = 0
    while kept <= limit and (some := list(islice(rows, limit + 1 - kept))):
        true = _true(listing, some)
        some_true = [(row.order, true[row.line]) for row in some if row.line in true]
        found += some_true
        kept += len(some_true)
    return sorted(found, key=lambda one: one[0])[: limit + 1], taken


def _true(listing: Listing[T], rows: Iterable[Row]) -> dict[tuple[str, str, int], T]:
    """The lines of the customers of some rows as they are now, those that the filter takes, by hold."""
    lines = list(listing.read(list(dict.fromkeys(row.customer_id for row in rows))))
    found = numbered(listing.name, [listing.line(one) for one in lines])
    return {row.line: one for row, one in zip(found, lines, strict=True) if listing.takes(one)}
