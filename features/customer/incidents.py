"""Incidents: one cause that many customers suffer from, and whom one affects.

A person declares one with a rule for who is affected, and closes it. They are facts of the shop, not of a customer:
`incidents_of` folds them, `affected` lays one beside a customer's state. Instants are microseconds since 1970 UTC.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from features.customer.hold_rules import MAX_DAYS
from features.customer.ledger import CustomerState
from features.events import CHANNELS
from features.facts import Fact
from features.instants import days, to_us

LOOKBACK_DAYS = 200
"""Orders and frictions so long before a declaration are not what it is about: the fold need not keep them for ever."""

_Aware = Annotated[datetime, msgspec.Meta(tz=True)]
_Window = tuple[int, int]
_ALWAYS: _Window = (0, 2**62)


class IncidentRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who is affected, as the person wrote it. `orders_between` is half-open.

    Conditions on orders: `carrier`, `channel` and the order's time, in `orders_between`, else from `since` on. One
    order must meet all that are given. `touchpoint` affects besides who met friction or gave feedback there, from
    `since` on, else in `orders_between`. A rule of a touchpoint and `since` alone says nothing of orders.
    """

    carrier: str | None = None
    channel: str | None = None
    touchpoint: str | None = None
    orders_between: tuple[_Aware, _Aware] | None = None
    since: _Aware | None = None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident from its declaration until it was closed (`closed_at` None: it was not).

    One declared again is another `Incident` of the same id; the one before ends there. `orders` and `touches` are the
    half-open windows that the rule leaves of orders and of friction and feedback; None where those do not count.
    """

    incident_id: str
    source_event: str
    declared_at: int
    closed_at: int | None
    review_at: int | None
    touchpoint: str | None
    person: str | None
    reason: str | None
    rule: IncidentRule
    orders: _Window | None
    touches: _Window | None


def read_rule(text: str) -> IncidentRule:
    """The rule written as a JSON object. Raises `ValueError` that names what is wrong with it.

    >>> read_rule('{"carrier": "posti"}').carrier
    'posti'
    >>> read_rule('{"carier": "posti"}')
    Traceback (most recent call last):
    ValueError: Object contains unknown field `carier`; known are carrier, channel, touchpoint, orders_between, since
    """
    try:
        rule = msgspec.json.decode(text, type=IncidentRule)
    except msgspec.DecodeError as error:
        known = f"; known are {', '.join(IncidentRule.__struct_fields__)}" if "unknown field" in str(error) else ""
        raise ValueError(f"{error}{known}") from error
    if rule == IncidentRule():
        raise ValueError(f"it says nothing; give one of {', '.join(IncidentRule.__struct_fields__)}")
    if rule.channel is not None and rule.channel not in CHANNELS:
        raise ValueError(f"channel {rule.channel!r} is not one of {', '.join(CHANNELS)}")
    for name in ("carrier", "touchpoint"):
        if getattr(rule, name) is not None and not getattr(rule, name).strip():
            raise ValueError(f"{name} is empty")
    if rule.orders_between is not None and not rule.orders_between[0] < rule.orders_between[1]:
        raise ValueError("orders_between ends before it begins")
    return rule


def incidents_of(facts: Iterable[Fact]) -> tuple[Incident, ...]:
    """The incidents told by `facts`, in any order and however often, in the order they were declared.

    Facts of other types tell nothing. To close what was not declared changes nothing. Nor does a declaration whose rule
    cannot be read (the door lets none in): one before under its id goes on.
    """
    told = {fact.event_id: fact for fact in facts if fact.type == "incident"}
    found: list[Incident] = []
    running: dict[str, int] = {}
    for fact in sorted(told.values(), key=lambda fact: (fact.occurred_at, fact.event_id)):
        incident_id = fact.payload.get("hold_id", fact.event_id)
        at = to_us(fact.occurred_at)
        incident = _declared(incident_id, fact, at) if fact.payload["action"] == "declare" else None
        if fact.payload["action"] == "declare" and incident is None:
            continue
        if (place := running.pop(incident_id, None)) is not None:
            found[place] = msgspec.structs.replace(found[place], closed_at=at)
        if incident is not None:
            running[incident_id] = len(found)
            found.append(incident)
    return tuple(found)


def telling(incidents: Iterable[Incident], now: int) -> tuple[Incident, ...]:
    """Those that can hold somebody at `now` or later, or have let her go so lately that it still matters."""
    past = 2 * days(MAX_DAYS)
    return tuple(i for i in incidents if now < (i.declared_at if i.closed_at is None else i.closed_at) + past)


def affects(incident: Incident, state: CustomerState, now: datetime) -> bool:
    """Whether the rule takes her in, by what had happened to her by `now`; whether it is still open is not asked."""
    return affected(incident, state, to_us(now)) is not None


def affected(incident: Incident, state: CustomerState, now: int) -> tuple[int, int] | None:
    """When the rule first and last took her in by `now`: an order, a friction, feedback; None if it never did."""
    moments: list[int] = []
    if incident.orders is not None:
        moments.extend(_orders(incident.rule, incident.orders, state, now))
    if incident.touches is not None:
        start, end = incident.touches
        at_place = _plain(incident.rule.touchpoint or "")
        moments.extend(
            one.at
            for group in (state.frictions, state.marks)
            for one in group
            if one.touchpoint == at_place and start <= one.at < end and one.at <= now
        )
    return (min(moments), max(moments)) if moments else None


def _orders(rule: IncidentRule, window: _Window, state: CustomerState, now: int) -> Iterator[int]:
    """When each order that meets all conditions came to meet them: placed, and given to the carrier.

    An order known by its delivery alone counts from the delivery's first step, and by no channel.
    """
    start, end = window
    placed = {o.order_id: (o.at, o.channel) for o in state.orders if o.at <= now}
    carrier = None if rule.carrier is None else _plain(rule.carrier)
    given: dict[str, int] = {}
    for delivery in state.deliveries:
        first = delivery.steps[0][0]
        if first > now:
            continue
        placed.setdefault(delivery.order_id, (first, None))
        for at, name in delivery.carriers:
            if at <= now and _plain(name) == carrier:
                given[delivery.order_id] = at
                break
    for order_id, (at, channel) in placed.items():
        if start <= at < end and (rule.channel is None or rule.channel == channel):
            if carrier is None:
                yield at
            elif order_id in given:
                yield max(at, given[order_id])


def _plain(name: str) -> str:
    """A name as it is compared: a carrier is the same however a person writes it."""
    return name.strip().casefold()


def _declared(incident_id: str, fact: Fact, at: int) -> Incident | None:
    payload: dict[str, Any] = fact.payload
    try:
        rule = read_rule(payload.get("rule", ""))
    except ValueError:
        return None
    between: _Window | None = None
    if rule.orders_between is not None:
        between = (to_us(rule.orders_between[0]), to_us(rule.orders_between[1]))
    since = None if rule.since is None else (to_us(rule.since), _ALWAYS[1])
    of_orders = rule.carrier or rule.channel or rule.orders_between or rule.touchpoint is None
    review_at = payload.get("review_at")
    return Incident(
        incident_id=incident_id,
        source_event=fact.event_id,
        declared_at=at,
        closed_at=None,
        review_at=None if review_at is None else to_us(review_at),
        touchpoint=fact.touchpoint,
        person=payload.get("person"),
        reason=payload.get("reason"),
        rule=rule,
        orders=_recent(between or since or _ALWAYS, at) if of_orders else None,
        touches=None if rule.touchpoint is None else _recent(since or between or _ALWAYS, at),
    )


def _recent(window: _Window, declared_at: int) -> _Window:
    return max(window[0], declared_at - days(LOOKBACK_DAYS)), window[1]
