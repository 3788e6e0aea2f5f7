"""Signs that a customer is unhappy, and what went on meanwhile, read from the live store as it was known at a moment.

A sign is a complaint (as feedback or as the case it opens: once), a delivery claim opened, a score that the policy
calls bad, strong friction, a delivery failed or delayed, and a promised date that passed without the parcel.
"""

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from features.customer.hold_rules import HoldRules
from features.customer.ledger import Mark
from features.customer.scales import scale_of, unit_score
from features.customer.span import BAD, verdict
from features.instants import days, to_us
from features.log.rules import RESERVED_PREFIX

DELIVERY = "delivery"
"""The touchpoint that trouble with any delivery counts for, wherever its promise was given."""
OPENS = ("complaint", "delivery_claim")
ORDER_DAYS = 21
"""How long before the first sign an order's parcel is looked for."""
ACTIVITY_DAYS = 7
"""What goes on is summed over so many days, so that it has neither weekdays nor nights."""


class Sign(NamedTuple):
    """One sign. Instants are microseconds; `void_at`: when it was heard that the parcel had come in time after all."""

    at: int
    event_id: str
    customer: str
    channel: str | None
    touchpoint: str | None
    carrier: str | None
    void_at: int | None = None


class Signs(NamedTuple):
    """What is known at a moment: signs, and by what it counts when something went on.

    `activity` maps a carrier, a channel, or None (any channel) to the instants of its parcels or purchases, in order.
    """

    signs: list[Sign]
    carriers: dict[str, list[int]]
    purchases: dict[str | None, list[int]]
    first_at: int | None

    def activity(self, carrier: str | None, channel: str | None, until: int) -> int:
        """How much went on in the week up to and including `until`."""
        instants = self.carriers.get(carrier, []) if carrier else self.purchases.get(channel, [])
        return bisect_right(instants, until) - bisect_right(instants, until - days(ACTIVITY_DAYS))


class _Row(NamedTuple):
    at: int
    received_at: int
    event_id: str
    channel: str | None
    touchpoint: str | None
    customer: str
    body: bytes


class _Said(msgspec.Struct):
    """What of any payload counts here."""

    kind: str = ""
    status: str = ""
    score: float | None = None
    scale_min: float | None = None
    scale_max: float | None = None
    higher_is_better: bool | None = None
    order_id: str | None = None
    case_id: str | None = None
    promised_at: datetime | None = None
    carrier: str | None = None
    wait_seconds: float | None = None


_said = msgspec.msgpack.Decoder(_Said).decode


def read_signs(connection: sqlite3.Connection, *, since: int, now: int, rules: HoldRules) -> Signs:
    """The signs with since < at <= now, of what had been received by `now`; activity from a week before `since`."""
    read = _Reader(connection, now)
    parcels = _parcels(read.rows("delivery", since - days(ORDER_DAYS)))
    signs = [*parcels.trouble(now), *_opened(read, since, parcels)]
    for row in read.rows("feedback", since):
        said = _said(row.body)
        if said.kind != "complaint" and _is_bad(row, said, rules):
            signs.append(_sign(row, parcels.carrier.get(said.order_id or "")))
    for row in read.rows("friction", since):
        said = _said(row.body)
        patient = said.kind == "long_wait" and (said.wait_seconds or 0) < rules.long_wait_seconds
        if said.kind in rules.strong_frictions and not patient:
            signs.append(_sign(row, None))
    kept = sorted(sign for sign in signs if since < sign.at <= now)
    return Signs(kept, parcels.moves, read.purchases(since - days(ACTIVITY_DAYS)), read.first_at())


def _opened(read: "_Reader", since: int, parcels: "_Parcels") -> Iterator[Sign]:
    """Complaints and claims, each case once however it was told."""
    first: dict[str, tuple[_Row, str | None]] = {}
    for kind in ("feedback", "case"):
        for row in read.rows(kind, since):
            said = _said(row.body)
            told = said.kind == "complaint" if kind == "feedback" else said.kind in OPENS and said.status == "opened"
            if told:
                case = said.case_id or row.event_id
                if case not in first or row[:3] < first[case][0][:3]:
                    first[case] = (row, said.order_id or (first[case][1] if case in first else None))
    for row, order in first.values():
        yield _sign(row, parcels.carrier.get(order or ""))


def _is_bad(row: _Row, said: _Said, rules: HoldRules) -> bool:
    if said.score is None:
        return False
    unit = unit_score(said.score, scale_of(said.kind, said.scale_min, said.scale_max, said.higher_is_better))
    mark = Mark(row.at, row.event_id, row.customer, said.kind, unit, row.channel, row.touchpoint, None, None, None)
    return verdict(mark, rules) == BAD


def _sign(row: _Row, carrier: str | None) -> Sign:
    return Sign(row.at, row.event_id, row.customer, row.channel, row.touchpoint, carrier)


class _Parcels:
    """Deliveries by order: who carries it, its earliest promise, when it was over, and what went wrong on the way."""

    def __init__(self) -> None:
        self.carrier: dict[str, str] = {}
        self.promise: dict[str, tuple[int, _Row]] = {}
        self.over: dict[str, _Row] = {}
        self.wrong: list[tuple[str, _Row]] = []
        self.moves: dict[str, list[int]] = defaultdict(list)

    def trouble(self, now: int) -> Iterator[Sign]:
        """Failures and announced delays when they happened, and broken promises when they broke."""
        for order, row in self.wrong:
            yield _sign(row, self.carrier.get(order))._replace(touchpoint=DELIVERY)
        for order, (promise, row) in self.promise.items():
            over = self.over.get(order)
            in_time = over is not None and over.at <= promise
            if promise < now and not (in_time and over and over.received_at <= promise):
                void_at = over.received_at if in_time and over else None
                yield Sign(promise, row.event_id, row.customer, row.channel, DELIVERY, self.carrier.get(order), void_at)


def _parcels(rows: Iterable[_Row]) -> _Parcels:
    parcels = _Parcels()
    moves: list[tuple[str, int]] = []
    spelt: dict[str, str] = {}
    for row in rows:
        said = _said(row.body)
        order = said.order_id or ""
        if said.carrier:
            parcels.carrier[order] = spelt.setdefault(said.carrier.casefold(), said.carrier)
        if said.promised_at is not None:
            promise = (to_us(said.promised_at), row)
            parcels.promise[order] = min(parcels.promise.get(order, promise), promise)
        if said.status in ("failed", "delayed"):
            parcels.wrong.append((order, row))
        elif said.status in ("delivered", "cancelled"):
            parcels.over.setdefault(order, row)
        if said.status in ("shipped", "delivered"):
            moves.append((order, row.at))
    for order, at in moves:
        if order in parcels.carrier:
            parcels.moves[parcels.carrier[order]].append(at)
    return parcels


class _Reader:
    """Rows of the live store by type and time, known by `now`, under whom they count by then."""

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection, self._now = connection, now
        self._owners: dict[str, str] = {}

    def rows(self, kind: str, since: int) -> list[_Row]:
        """Events of a type with since < occurred_at <= now, in their order."""
        # The type is written out: only then does SQLite see that its partial index holds them all.
        found = self._connection.execute(
            f"""select occurred_at, received_at, event_id, channel, touchpoint, origin_id, body from facts
            where type = '{kind}' and occurred_at > ? and occurred_at <= ? and received_at <= ?
            order by occurred_at, event_id""",
            (since, self._now, self._now),
        )
        return [
            _Row(at, heard, event_id, channel, touchpoint, self._owner(origin), body)
            for at, heard, event_id, channel, touchpoint, origin, body in found
        ]

    def purchases(self, since: int) -> dict[str | None, list[int]]:
        """The instants of purchases by channel, and of all under None."""
        found: dict[str | None, list[int]] = defaultdict(list)
        rows = self._connection.execute(
            """select occurred_at, channel from facts where type = 'purchase' and occurred_at > ? and occurred_at <= ?
            and received_at <= ? order by occurred_at""",
            (since, self._now, self._now),
        )
        for at, channel in rows:
            found[None].append(at)
            if channel is not None:
                found[channel].append(at)
        return found

    def first_at(self) -> int | None:
        """When the shop's log begins."""
        firsts: list[Any] = []
        for kind in ("purchase", "feedback", "case", "friction", "delivery"):
            firsts += self._connection.execute(f"select min(occurred_at) from facts where type = '{kind}'").fetchone()
        return min((at for at in firsts if at is not None), default=None)

    def _owner(self, origin: str) -> str:
        if not origin.startswith(RESERVED_PREFIX):
            return origin
        if origin not in self._owners:
            row = self._connection.execute(
                """select customer_id from links where external_id = ? and linked_at <= ?
                and (unlinked_at is null or unlinked_at > ?)""",
                (origin.removeprefix(RESERVED_PREFIX), self._now, self._now),
            ).fetchone()
            self._owners[origin] = origin if row is None else str(row[0])
        return self._owners[origin]
