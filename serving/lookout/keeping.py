"""Keeping everybody's lines: only who was told something, or whose time has come, is looked at again.

What is told of customers, and who changed their place by an incident, a doubt or damage, is put in the queue first,
together with the mark up to which that was done; so a lookout killed at any moment goes on where it was.
"""

import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from features.customer.concern import concern_until
from features.instants import MINUTE, from_us, to_us
from features.log.connection import Connection
from features.log.doubts import customers_in_doubt
from serving.desk.damage import LOOK_MINUTES, Damage
from serving.desk.desk import Desk
from serving.desk.lens import Lens, Standing
from serving.desk.marks import comparable, incidents_hash
from serving.desk.quiet import LARGEST_CHANGE
from serving.desk.reach import Reach
from serving.desk.scan import of
from serving.desk.touched import touched
from serving.desk.watch_list import watched
from serving.desk.work_list import works
from serving.lookout.file import (
    Kept,
    customers_due,
    customers_unknown,
    last_kept,
    note_kept,
    replace_rows,
    writing,
)
from serving.lookout.rows import changes_at, rows_of

AT_ONCE = 200
"""Customers looked at in one transaction."""

STEPS = 10
"""So many such looks before what was told meanwhile is taken up."""

HOURS, CALL_HOURS = 6.0, 1.0
"""Everybody of concern is looked at again after so long at most; who may be worth a call sooner."""

TOLD, ALL = 0, 1
"""Due before any moment: who was told something comes before everybody."""


class Keeping:
    """Of one file, over the desk of the same data folder. No method reads a clock."""

    def __init__(self, file: sqlite3.Connection, desk: Desk, pause: Callable[[], None] = lambda: None) -> None:
        self._file, self._desk = file, desk
        self._reach, self._damage = Reach(pause), Damage(pause)
        self._affected: set[str] | None = None
        self._damaged: set[str] = set()

    def step(self, now: datetime) -> bool:
        """Queue what was told since the step before, then look at some of who is due; whether more of them wait."""
        run, before = self._desk.service.records.connection(), last_kept(self._file)
        if before is not None and before.seen_at - MINUTE < to_us(now) < before.seen_at:
            now = from_us(before.seen_at)  # the clock was set right: it will come to where it was
        lens = self._desk.lens(now)
        later = Kept(self._desk.mark(lens), incidents_hash(lens), 0, to_us(now), False)
        kept = self._queue(run, lens, before, later)
        doubted = set(customers_in_doubt(run))
        for _ in range(STEPS):
            due = customers_due(self._file, to_us(now), AT_ONCE)
            if not due:
                break
            self._look(run, lens, due, asking=doubted | self._damaged)
        more = bool(customers_due(self._file, to_us(now), 1))
        if not more:
            kept = Kept(later.mark, later.incidents, to_us(now), to_us(now), True)
        note_kept(self._file, kept)
        return more

    def _queue(self, run: Connection, lens: Lens, before: Kept | None, later: Kept) -> Kept:
        """Let everybody be due of whom anything changed since `before`."""
        affected, damaged = self._reach.affected(run, lens), set(self._damage.found(run, lens))
        with writing(self._file):
            if before is None or not self._goes_on(run, before, later):
                concerned = run.execute("select customer_id from state where concern_until > ?", (to_us(lens.now),))
                self._let_be_due([key for (key,) in concerned], ALL)
                self._let_be_due(affected | damaged | set(customers_in_doubt(run)), ALL)
                self._file.execute("update customers set due_at = ?", (ALL,))
                kept = Kept(later.mark, later.incidents, 0, later.seen_at, False)
            else:
                self._let_be_due(touched(run, before.mark.position, later.mark.position), TOLD)
                if before.mark.doubts != later.mark.doubts:
                    self._let_be_due([*customers_in_doubt(run), *customers_unknown(self._file)], TOLD)
                self._let_be_due(damaged ^ self._damaged, TOLD)
                was = affected if self._affected is None else self._affected
                if self._affected is None or before.incidents != later.incidents:
                    self._let_be_due(was | affected, TOLD)
                else:
                    self._let_be_due(was ^ affected, TOLD)
                kept = Kept(later.mark, later.incidents, before.at, later.seen_at, before.whole)
            note_kept(self._file, kept)
        self._affected, self._damaged = affected, damaged
        return kept

    def _goes_on(self, run: Connection, before: Kept, later: Kept) -> bool:
        """Whether what changed since can be told; who was affected by incidents, only by who saw it."""
        return (
            comparable(run, before.mark, later.mark)
            and later.mark.position - before.mark.position <= LARGEST_CHANGE
            and (self._affected is not None or before.incidents == later.incidents)
        )

    def _let_be_due(self, customers: Iterable[str], moment: int) -> None:
        self._file.executemany(
            "insert into customers values (?, ?) on conflict do update set due_at = min(due_at, excluded.due_at)",
            ((one, moment) for one in customers),
        )

    def _look(self, run: Connection, lens: Lens, customers: Sequence[str], asking: Collection[str]) -> None:
        found = list(of(run, customers, lens, asking=asking))
        held = [one for one in found if one.is_held]
        calls, worth_one = self._desk.calls(lens, held), self._desk.worth_a_call(lens, held)
        erased = [one.customer_id for one in found if one.problem == "erased"]
        rows = rows_of(watched(found, lens.now), works(found, calls, {}, lens), erased)
        soon, with_rows = {one.customer_id for one in worth_one}, {row.customer_id for row in rows}
        due = [
            (one.customer_id, _due_at(one, lens, soon))
            for one in found
            if one.customer_id in with_rows or _is_of_concern(one, lens)
        ]
        with writing(self._file):
            replace_rows(self._file, customers, rows)
            self._file.executemany("delete from customers where customer_id = ?", ((one,) for one in customers))
            self._file.executemany("insert or replace into customers values (?, ?)", due)


def _due_at(standing: Standing, lens: Lens, soon: Collection[str]) -> int:
    """When to look at her again, told nothing: some sooner than others, so that not all are due at once."""
    hours = CALL_HOURS if standing.customer_id in soon else HOURS
    if standing.problem not in (None, "erased"):
        hours = LOOK_MINUTES / 60
    hours *= 1 - zlib.crc32(standing.customer_id.encode("utf-8", "surrogatepass")) / 2**33
    return changes_at(standing, lens, lens.now + timedelta(hours=hours))


def _is_of_concern(standing: Standing, lens: Lens) -> bool:
    until = concern_until(standing.state)
    return until is not None and until > to_us(lens.now)
