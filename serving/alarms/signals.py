"""Signs that a customer is unhappy, and what went on meanwhile, read from the live store as it was known at a moment.

A sign is a complaint (as feedback or as the case it opens: once), a delivery claim opened, a score that the policy
calls bad, strong friction, a delivery failed or delayed, and a promised date that passed without the parcel.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from features.customer.hold_rules import HoldRules
from features.customer.ledger import Mark
from features.customer.scales import scale_of, unit_score
from features.customer.span import BAD, verdict
from features.instants import days, to_us
from features.log.connection import Connection
from serving.alarms.rows import Reader, Row, Said, read_said

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
    """What is known at a moment: signs in order, and the instants, in order, at which something went on.

    `carriers`: parcels shipped and delivered by each; `purchases`: by channel, None being all. `first_at`: the log's.
    """

    signs: list[Sign]
    carriers: dict[str, list[int]]
    purchases: dict[str | None, list[int]]
    first_at: int | None

    def activity(self, carrier: str | None, channel: str | None, until: int) -> int:
        """How much went on in the week up to and including `until`."""
        instants = self.carriers.get(carrier, []) if carrier else self.purchases.get(channel, [])
        return bisect_right(instants, until) - bisect_right(instants, until - days(ACTIVITY_DAYS))


def read_signs(connection: Connection, *, since: int, now: int, rules: HoldRules) -> Signs:
    """The signs with since < at <= now, of what had been received by `now`; activity from a week before `since`."""
    read = Reader(connection, now)
    parcels = _parcels(read.rows("delivery", since - days(ORDER_DAYS)))
    signs = [*parcels.trouble(now), *_opened(read, since, parcels)]
    for row in read.rows("feedback", since):
        said = read_said(row.body)
        if said.kind != "complaint" and _is_bad(row, said, rules):
            signs.append(_sign(row, parcels.carrier.get(said.order_id or "")))
    for row in read.rows("friction", since):
        said = read_said(row.body)
        if rules.is_strong(said.kind, said.wait_seconds):
            signs.append(_sign(row, None))
    kept = sorted((sign for sign in signs if since < sign.at <= now), key=lambda sign: (sign.at, sign.event_id))
    return Signs(kept, parcels.moves, read.purchases(since - days(ACTIVITY_DAYS)), read.first_at())


def _opened(read: Reader, since: int, parcels: "_Parcels") -> Iterator[Sign]:
    """Complaints and claims, each case once however it was told: when it first was, where any of its tellings says."""
    told: dict[str, list[tuple[Row, str | None]]] = defaultdict(list)
    for type_ in ("feedback", "case"):
        for row in read.rows(type_, since):
            said = read_said(row.body)
            if said.kind == "complaint" if type_ == "feedback" else said.kind in OPENS and said.status == "opened":
                told[said.case_id or row.event_id].append((row, said.order_id))
    for tellings in told.values():
        tellings.sort(key=lambda telling: (telling[0].at, telling[0].event_id))
        order = next((order for _, order in tellings if order), "")
        touchpoint = next((row.touchpoint for row, _ in tellings if row.touchpoint), None)
        yield _sign(tellings[0][0], parcels.carrier.get(order))._replace(touchpoint=touchpoint)


def _is_bad(row: Row, said: Said, rules: HoldRules) -> bool:
    if said.score is None:
        return False
    unit = unit_score(said.score, scale_of(said.kind, said.scale_min, said.scale_max, said.higher_is_better))
    mark = Mark(row.at, row.event_id, row.customer, said.kind, unit, row.channel, row.touchpoint, None, None, None)
    return verdict(mark, rules) == BAD


def _sign(row: Row, carrier: str | None) -> Sign:
    return Sign(row.at, row.event_id, row.customer, row.channel, row.touchpoint, carrier)


class _Parcels:
    """Deliveries by order: who carries it, its earliest promise, when it was over, and what went wrong on the way."""

    def __init__(self) -> None:
        self.carrier: dict[str, str] = {}
        self.promise: dict[str, tuple[int, Row]] = {}
        self.over: dict[str, Row] = {}
        self.wrong: list[tuple[str, Row]] = []
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


def _parcels(rows: Iterable[Row]) -> _Parcels:
    parcels = _Parcels()
    moves: list[tuple[str, int]] = []
    spelt: dict[str, str] = {}
    for row in rows:
        said = read_said(row.body)
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
