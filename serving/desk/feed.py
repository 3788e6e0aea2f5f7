"""The feed of new holds: whoever reads it from mark to mark and keeps what it says knows everybody who is held.

Each sweep goes from the mark of the one before to a mark of now, and tells of every customer whom something holds now
and who was told something since, or whom something holds now that did not hold her then: by the clock, an incident, a
doubt. Where the two marks cannot be compared it tells of everybody held. So nothing is ever missed; something may be
told twice. A sweep may take several pages; what happens meanwhile is the next sweep's.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from features.instants import MINUTE, from_us
from features.log.connection import Connection
from features.log.doubts import customers_in_doubt
from features.log.identity import resolve
from serving.desk.damage import Damage
from serving.desk.lens import Lens, Standing, look
from serving.desk.marks import Mark, comparable, mark
from serving.desk.quiet import LARGEST_CHANGE, Quiet
from serving.desk.reach import Reach
from serving.desk.scan import of
from serving.desk.touched import said_of_the_shop, touched

Kept = Callable[[str, int | None, bool], Iterable[str] | None]
"""Who may newly be held by what a lookout keeps: past an id, since a moment, by incidents too; None: look yourself."""


class FeedCursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a reader stands: told all up to `told`; within a sweep to `until`, told customers up to `customer`."""

    told: Mark | None = None
    until: Mark | None = None
    customer: str = ""


class FeedPage(msgspec.Struct, frozen=True):
    """Customers whom something newly holds, where to go on, and whether more of this sweep waits."""

    customers: list[Standing]
    cursor: FeedCursor
    more: bool


def feed_page(
    run: Connection,
    cursor: FeedCursor,
    lens: Lens,
    rules_hash: str,
    reach: Reach,
    damage: Damage,
    quiet: Quiet,
    kept: Kept,
    limit: int,
) -> FeedPage:
    """The next at most `limit` customers for a reader at `cursor`; `lens` and `rules_hash` are of now."""
    now = mark(run, lens, rules_hash)
    until = cursor.until
    if until is None or until.rules != now.rules or not comparable(run, until, now):
        cursor, until = FeedCursor(cursor.told), now
    told = cursor.told if cursor.told is not None and comparable(run, cursor.told, until) else None
    at = lens.at(from_us(until.at))
    page: list[Standing] = []
    known = told is not None and until.position - told.position <= LARGEST_CHANGE
    since, declared = _since(run, told, until, at) if told is not None and known else (None, False)
    some = kept(cursor.customer, since, declared)
    if some is not None:
        news = _kept_news(run, told if known else None, until, at, some, cursor.customer, declared=declared)
    else:
        news = _news(run, told, until, at, reach, damage, quiet, cursor.customer)
    for standing in news:
        if len(page) == limit:
            return FeedPage(page, FeedCursor(cursor.told, until, page[-1].customer_id), True)
        page.append(standing)
    return FeedPage(page, FeedCursor(until), False)


def _news(
    run: Connection,
    told: Mark | None,
    until: Mark,
    lens: Lens,
    reach: Reach,
    damage: Damage,
    quiet: Quiet,
    after: str,
) -> Iterator[Standing]:
    """Standings that are new between two marks (None: since ever), by id from past `after` on."""
    if told is None or until.position - told.position > LARGEST_CHANGE:
        also = set(damage.found(run, lens, anew=not after)) | reach.affected(run, lens)
        yield from (s for s in quiet.everybody(run, lens, until.rules, also=also, after=after) if s.is_held)
        return
    surely = {customer for customer, torn in damage.found(run, lens).items() if torn}
    surely |= touched(run, told.position, until.position)
    if told.doubts != until.doubts:
        surely |= set(customers_in_doubt(run))
    then = lens.at(from_us(told.at))
    declared = any(incident.declared_at > told.at for incident in lens.incidents)
    if declared or said_of_the_shop(run, told.position, until.position):
        surely |= reach.affected(run, lens)
    for standing in quiet.everybody(run, lens, until.rules, also=surely, after=after, since=told.at):
        if standing.is_held and (standing.customer_id in surely or _is_new(standing, then)):
            yield standing


def _since(run: Connection, told: Mark, until: Mark, lens: Lens) -> tuple[int, bool]:
    """From when on (us) a hold may be new by the clock alone, and whether incidents may newly hold anybody."""
    declared = any(incident.declared_at > told.at for incident in lens.incidents)
    return told.at - 60 * MINUTE, declared or said_of_the_shop(run, told.position, until.position)


def _kept_news(
    run: Connection, told: Mark | None, until: Mark, lens: Lens, some: Iterable[str], after: str, *, declared: bool
) -> Iterator[Standing]:
    """As `_news`, where a lookout says who `some` are that anything may newly hold."""
    doubted = set(customers_in_doubt(run))
    surely: set[str] = set()
    if told is not None:
        surely = touched(run, told.position, until.position) | (doubted if told.doubts != until.doubts else set())
        surely = {resolve(run, key) for key in surely}
    wanted = sorted(key for key in {*some, *surely, *doubted} if key > after)
    then = None if told is None else lens.at(from_us(told.at))
    for standing in of(run, wanted, lens, asking=surely | doubted):
        if not standing.is_held:
            continue
        torn = standing.problem is not None and standing.customer_id not in doubted
        incident = declared and any(hold.kind == "incident" for hold in standing.holds)
        if then is None or standing.customer_id in surely or torn or incident or _is_new(standing, then):
            yield standing


def _is_new(standing: Standing, then: Lens) -> bool:
    """Whether something holds her that did not hold her at an earlier moment, her facts being the same."""
    before = look(standing.customer_id, standing.state, None, then)
    known = {(h.hold_id, h.opened_at, h.covers, h.ends_at) for h in before.holds}
    return any((h.hold_id, h.opened_at, h.covers, h.ends_at) not in known for h in standing.holds)
