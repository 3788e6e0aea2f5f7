"""The parts of a customer's view: cases, consents, contacts, items bought and deliveries as they stand at a moment."""

from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.customer.case_course import case_severity, course_of
from features.customer.delivery_course import DeliveryCourse, delivery_course
from features.customer.hold_rules import HoldRules
from features.customer.ledger import Contact, CustomerState
from features.instants import SECOND, from_us

ConsentStatus = Literal["granted", "withdrawn", "objected"]
"""Her latest word on a purpose."""


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it stands. `asked`: times she had to ask. `overdue`: late, asked about or reopened at some time."""

    case_id: str
    kind: str
    status: str
    is_open: bool
    severity: int
    opened_at: datetime
    finished_at: datetime | None
    promised_by: datetime | None
    overdue: bool
    asked: int
    order_id: str | None
    item_ids: list[str]


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    """A contact. `at` is when it reached her, for status reserved and released when it was reserved."""

    at: datetime
    action_id: str
    channel: str | None
    status: Literal["reserved", "released", "sent", "clicked", "accepted", "dismissed"]
    decision_id: str | None = None
    treatment_id: str | None = None


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """An order on its way. `promised_at` is the earliest promise; `late` when it is broken, or the delivery failed."""

    order_id: str
    status: str
    since: datetime
    promised_at: datetime | None
    late: bool


class ItemsBought(msgspec.Struct, frozen=True):
    """Items bought by `now`, as parallel columns: orders with the item, units, and instants in epoch seconds.

    `last_quantities` are the units of the latest order with the item; on average, where that one was taken off.
    """

    items: list[str]
    counts: NDArray[np.int64]
    quantities: NDArray[np.int64]
    last_quantities: NDArray[np.float64]
    first_at: NDArray[np.float64]
    last_at: NDArray[np.float64]


def case_views(state: CustomerState, now: int, rules: HoldRules) -> list[CaseView]:
    """The cases known at `now` (microseconds)."""
    found = []
    for case in state.cases:
        course = course_of(case, now)
        if course is None:
            continue
        found.append(
            CaseView(
                case_id=case.case_id,
                kind=course.kind,
                status=course.status,
                is_open=course.is_open,
                severity=case_severity(course, rules),
                opened_at=from_us(course.opened_at),
                finished_at=None if course.finished_at is None else from_us(course.finished_at),
                promised_by=None if course.promised_by is None else from_us(course.promised_by),
                overdue=course.chased_at is not None,
                asked=course.asked,
                order_id=case.order_id,
                item_ids=case.item_ids,
            )
        )
    return found


def consents_at(state: CustomerState, now: int) -> dict[tuple[str, str | None], ConsentStatus]:
    """Latest words by (purpose, channel). A word on all channels replaces those on single ones; a tie is a refusal.

    An objection stays one until she grants it: to withdraw besides (an unsubscribing, say) takes nothing back.
    """
    said: dict[tuple[str, str | None], ConsentStatus] = {}
    known = [c for c in state.consents if c.at <= now]
    for consent in sorted(known, key=lambda c: (c.at, c.status != "granted")):
        status: ConsentStatus = consent.status  # type: ignore[assignment]
        before = said.get((consent.purpose, consent.channel), said.get((consent.purpose, None)))
        concerned = [k for k in said if k[0] == consent.purpose and consent.channel is None]
        for key in concerned:
            said[key] = _after(said[key], status)
        said[consent.purpose, consent.channel] = _after(before, status)
    return said


def _after(before: ConsentStatus | None, status: ConsentStatus) -> ConsentStatus:
    return "objected" if before == "objected" and status == "withdrawn" else status


def items_bought(state: CustomerState, now: int) -> ItemsBought:
    """Items bought by `now`; an item's latest purchase after `now` is taken off, earlier ones after `now` are not."""
    p = state.purchases
    items, counts, quantities, last_at = p.items, p.counts, p.quantities, p.last_at
    first_at, latest = p.first_at, np.array(p.last_quantities, dtype=np.float64)
    if state.last_purchase_at is not None and state.last_purchase_at > now:
        kept = [i for i, at in enumerate(first_at) if at <= now]
        wound = [last_at[i] > now for i in kept]
        items = [items[i] for i in kept]
        counts = [counts[i] - back for i, back in zip(kept, wound, strict=True)]
        quantities = [quantities[i] - p.last_quantities[i] * back for i, back in zip(kept, wound, strict=True)]
        last_at = [
            min(p.previous_at[i] or now, now) if back else last_at[i] for i, back in zip(kept, wound, strict=True)
        ]
        first_at = [first_at[i] for i in kept]
        latest = np.where(wound, np.array(quantities) / np.maximum(counts, 1), latest[kept])
    return ItemsBought(
        items,
        np.array(counts, dtype=np.int64),
        np.array(quantities, dtype=np.int64),
        latest,
        np.array(first_at, dtype=np.float64) / SECOND,
        np.array(last_at, dtype=np.float64) / SECOND,
    )


def courses_at(state: CustomerState, now: int) -> dict[str, DeliveryCourse | None]:
    """By order, how its delivery stood at `now`; None where nothing of it had happened."""
    return {d.order_id: delivery_course(d, now) for d in state.deliveries}


def orders_in_delivery(state: CustomerState, now: int) -> list[DeliveryView]:
    """Orders on their way at `now`."""
    found = []
    for delivery in state.deliveries:
        course = delivery_course(delivery, now)
        if course is None or course.over_at is not None:
            continue
        found.append(
            DeliveryView(
                order_id=delivery.order_id,
                status=course.status,
                since=from_us(course.status_at),
                promised_at=None if course.promised_at is None else from_us(course.promised_at),
                late=course.is_late(now),
            )
        )
    return found


def contact_view(contact: Contact, now: int) -> ContactView | None:
    """The contact as it stood at `now`; None if it had not begun."""
    status: Literal["reserved", "released", "sent", "clicked", "accepted", "dismissed"]
    if contact.contacted_at is not None and contact.contacted_at <= now:
        at, status = contact.contacted_at, "sent"
        if contact.clicked_at is not None and contact.clicked_at <= now:
            status = "clicked"
        if contact.dismissed_at is not None and contact.dismissed_at <= now:
            status = "dismissed"
        if contact.accepted_at is not None and contact.accepted_at <= now:
            status = "accepted"
    elif contact.reserved_at is not None and contact.reserved_at <= now:
        at = contact.reserved_at
        status = "released" if contact.released_at is not None and contact.released_at <= now else "reserved"
    else:
        return None
    return ContactView(
        at=from_us(at),
        action_id=contact.action_id,
        channel=contact.channel,
        status=status,
        decision_id=contact.decision_id,
        treatment_id=contact.treatment_id,
    )
