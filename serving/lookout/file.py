"""The lookout's file: what it keeps of everybody on this host, and what the serving process reads of it.

All of it follows from the live store, so that it needs no care: it is made anew where it is absent, torn or of another
layout, is never brought up to date from an older one, and is no part of a copy of the folder.
"""

import heapq
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from features.home import Home
from serving.desk.lens import STATE_UNKNOWN
from serving.desk.marks import Mark
from serving.lookout.looked import Looked
from serving.lookout.rows import List, Order, Row

log = logging.getLogger("tahdikas.lookout")

T = TypeVar("T")
LAYOUT = 3
_READER_WAITS_SECONDS = 1.0
_TORN = (sqlite3.Error, msgspec.MsgspecError, ValueError, TypeError, LookupError)
_LAST = 2**62  # past all lines of the same place
_ORDER = "a, b, c, d, e, customer_id, hold_id"
_SCHEMA = f"""
create table looked (one integer primary key check (one = 1), body blob not null);

-- Up to which mark and moment all is kept (see `Kept`).
create table kept (one integer primary key check (one = 1), body blob not null);

-- Everybody of concern, and when she is to be looked at again (microseconds): 0 where something was told of her since,
-- 1 where everybody is.
create table customers (customer_id text not null primary key, due_at integer not null) without rowid;
create index customers_by_due on customers (due_at);

-- Lines of the desk's lists (see `rows.Row`), and how many each group has.
create table lines (
    list text not null, grp text not null,
    a integer not null, b integer not null, c integer not null, d integer not null, e integer not null,
    customer_id text not null, hold_id text not null, nth integer not null,
    primary key (list, grp, {_ORDER}, nth)
) without rowid;
create index lines_by_customer on lines (customer_id);
create table groups (list text not null, grp text not null, n integer not null, primary key (list, grp)) without rowid;
create trigger lines_come after insert on lines begin
    insert into groups values (new.list, new.grp, 1) on conflict do update set n = n + 1;
end;
create trigger lines_go after delete on lines begin
    update groups set n = n - 1 where list = old.list and grp = old.grp;
end;
pragma user_version = {LAYOUT};
"""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What the rows are true of: what was told up to `mark`, by incidents of a hash, at the moment `at` (us).

    Where customers are due by then, their rows are older. `whole` is False until everybody was looked at by the rules
    of the mark. `seen_at` is when the lookout was last at work.
    """

    mark: Mark
    incidents: str
    at: int
    seen_at: int
    whole: bool


def to_keep(home: Home) -> sqlite3.Connection:
    """The file, to be written to by the one lookout of the folder."""
    path = home.desk_db
    path.parent.mkdir(exist_ok=True)
    if not _is_sound(path):
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
    run = _opened(path, "rwc", _READER_WAITS_SECONDS)
    run.execute("pragma journal_mode = wal")
    run.execute("pragma synchronous = off")  # torn by a power loss it is made anew
    if _layout(run) != LAYOUT:
        run.executescript(_SCHEMA)
    return run


def asked(home: Home, question: Callable[[sqlite3.Connection], T]) -> T | None:
    """What the file says to a question, as of one moment; None where there is no file that can be used."""
    try:
        with closing(_opened(home.desk_db, "rw", _READER_WAITS_SECONDS)) as run:
            run.execute("begin")
            return question(run) if _layout(run) == LAYOUT else None
    except _TORN:
        return None


def note_look(run: sqlite3.Connection, looked: Looked) -> None:
    """Keep what the watchdogs saw."""
    run.execute("insert or replace into looked values (1, ?)", (msgspec.json.encode(looked),))


def last_look(run: sqlite3.Connection) -> Looked | None:
    """What the watchdogs saw last."""
    row = run.execute("select body from looked").fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Looked)


def note_kept(run: sqlite3.Connection, kept: Kept) -> None:
    """Keep what the rows are true of."""
    run.execute("insert or replace into kept values (1, ?)", (msgspec.msgpack.encode(kept),))


def last_kept(run: sqlite3.Connection) -> Kept | None:
    """What the rows are true of; None where there are none yet."""
    row = run.execute("select body from kept").fetchone()
    return None if row is None else msgspec.msgpack.decode(row[0], type=Kept)


def replace_rows(run: sqlite3.Connection, customers: Iterable[str], rows: Iterable[Row]) -> None:
    """Put `rows` in the place of all that was kept of `customers`."""
    run.executemany("delete from lines where customer_id = ?", ((one,) for one in customers))
    run.executemany(
        "insert into lines values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ((r.list, r.group, *r.order, r.nth) for r in rows)
    )


def customers_due(run: sqlite3.Connection, moment: int, most: int) -> list[str]:
    """Some of who is to be looked at again by a moment (us), who waits longest first."""
    query = "select customer_id from customers where due_at <= ? order by due_at limit ?"
    return [one for (one,) in run.execute(query, (moment, most))]


def customers_unknown(run: sqlite3.Connection) -> list[str]:
    """Customers whose state could not be trusted when they were looked at."""
    query = "select customer_id from lines where list = 'watch' and grp like ?"
    return [one for (one,) in run.execute(query, (f"{STATE_UNKNOWN} %",))]


def customers_held(run: sqlite3.Connection, after: str, since: int | None, *, by_incidents: bool) -> Iterable[str]:
    """Customers past `after` who are on the watch list, or were forgotten.

    With `since` (us) only for a reason since then, or because their state could not be trusted, or `by_incidents`.
    """
    query = "select distinct customer_id from lines where list in ('watch', 'erased') and customer_id > ?"
    if since is None:
        return [one for (one,) in run.execute(query, (after,))]
    always = (f"{STATE_UNKNOWN} %", "incident %" if by_incidents else "")
    wanted = f"{query} and (c >= ? or grp like ? or grp like ?)"
    return [one for (one,) in run.execute(wanted, (after, since, *always))]


@contextmanager
def writing(run: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside, or nothing of it."""
    run.execute("begin immediate")
    try:
        yield
        run.execute("commit")
    except BaseException:
        if run.in_transaction:
            run.execute("rollback")
        raise


def groups_of(run: sqlite3.Connection, name: List) -> Counter[str]:
    """How many rows each group of a list has."""
    return Counter(dict(run.execute("select grp, n from groups where list = ? and n > 0", (name,))))


def groups_of_customer(run: sqlite3.Connection, name: List, customer_id: str) -> list[str]:
    """The groups of her rows, one a row."""
    found = run.execute("select grp from lines where customer_id = ? and list = ?", (customer_id, name))
    return [group for (group,) in found]


def rows_after(
    run: sqlite3.Connection, name: List, groups: Collection[str], after: Order | None, many: int
) -> Iterator[Row]:
    """The rows of some groups of a list in their order, past `after`, read so many at a time."""
    return heapq.merge(*(_group_after(run, name, one, after, many) for one in groups), key=lambda row: row.order)


def _group_after(run: sqlite3.Connection, name: List, group: str, after: Order | None, many: int) -> Iterator[Row]:
    query = f"select {_ORDER}, nth from lines where list = ? and grp = ?"
    place: tuple[object, ...] = () if after is None else (*after, _LAST)
    while True:
        past = f" and ({_ORDER}, nth) > (?, ?, ?, ?, ?, ?, ?, ?)" if place else ""
        found = run.execute(f"{query}{past} order by {_ORDER}, nth limit ?", (name, group, *place, many)).fetchall()
        yield from (Row(name, group, row[:7], row[7]) for row in found)
        if len(found) < many:
            return
        place = found[-1]


def _opened(path: Path, mode: str, seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=seconds, isolation_level=None)


def _layout(run: sqlite3.Connection) -> int:
    (found,) = run.execute("pragma user_version").fetchone()
    return int(found)


def _is_sound(path: Path) -> bool:
    """Whether it can be gone on with."""
    if not path.exists():
        return False
    try:
        with closing(_opened(path, "rw", _READER_WAITS_SECONDS)) as run:
            return _layout(run) == LAYOUT and run.execute("pragma quick_check(1)").fetchone() == ("ok",)
    except sqlite3.Error:
        log.warning("the lookout's file cannot be read: it is made anew")
        return False
