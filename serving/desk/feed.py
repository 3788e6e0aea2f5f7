"""The feed of new holds: whoever reads it from mark to mark and keeps what it says knows everybody who is held.

Each sweep goes from the mark of the one before to a mark of now, and tells of every customer whom something holds now
and who was told something since, or whom something holds now that did not hold her then: by the clock, an incident, a
doubt. Where the two marks cannot be compared it tells of everybody held. So nothing is ever missed; something may be
told twice. A sweep may take several pages; what happens meanwhile is the next sweep's.
"""

from collections.abc import Iterator

import msgspec

from features.instants import from_us
from features.log.connection import Connection
from features.log.doubts import customers_in_doubt
from serving.desk.damage import Damage
from serving.desk.lens import Lens, Standing, look
from serving.desk.marks import Mark, comparable, mark
from serving.desk.quiet import LARGEST_CHANGE, Quiet
from serving.desk.reach import Reach
from serving.desk.touched import said_of_the_shop, touched


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
    for standing in _news(run, told, until, at, reach, damage, quiet, cursor.customer):
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


def _is_new(standing: Standing, then: Lens) -> bool:
    """Whether something holds her that did not hold her at an earlier moment, her facts being the same."""
    before = look(standing.customer_id, standing.state, None, then)
    known = {(h.hold_id, h.opened_at, h.covers, h.ends_at) for h in before.holds}
    return any((h.hold_id, h.opened_at, h.covers, h.ends_at) not in known for h in standing.holds)
