"""The view: what a customer's state means at one moment. What the clock changes is derived here and never stored.

Facts after `now` are not looked at: cases, holds, consents and contacts are exactly those of that moment. Totals of
purchases can be wound back past each item's latest purchase only, and what the fold cut (`features.fold.KEPT_DAYS`)
stays cut: to go further back, fold the facts known then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.case_course import case_severity, course_of
from features.delivery_course import delivery_course
from features.hold_rules import HoldRules
from features.holds import Hold, standing
from features.instants import SECOND, from_us, to_us
from features.ledger import Contact, CustomerState, Order
from features.state_features import STATE_FEATURES, features_of

__all__ = ["STATE_FEATURES", "CustomerView", "state_features", "view"]

SESSION_IDLE_SECONDS = 1800
ConsentStatus = Literal["granted", "withdrawn", "objected"]


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
    """Items bought by `now`, as parallel columns: orders with the item, units, and instants in epoch seconds."""

    items: list[str]
    counts: NDArray[np.int64]
    quantities: NDArray[np.int64]
    first_at: NDArray[np.float64]
    last_at: NDArray[np.float64]


@dataclass(frozen=True)
class CustomerView:
    """One customer at `now`. Holds are there at once, the rest is worked out when asked for."""

    state: CustomerState
    now: datetime
    rules: HoldRules
    holds: list[Hold]
    recovery_until: datetime | None

    @cached_property
    def _now(self) -> int:
        return to_us(self.now)

    @property
    def known(self) -> bool:
        """Whether anything at all was known of her by now."""
        return self.state.first_at is not None and self.state.first_at <= self._now

    @property
    def arm_key(self) -> str | None:
        """The identity her experiment arm hangs on: her oldest one."""
        return self.state.origins[0][0] if self.state.origins else None

    @cached_property
    def cases(self) -> list[CaseView]:
        """Her cases, open and finished, in the order they were opened."""
        return case_views(self.state, self._now, self.rules)

    @property
    def open_cases(self) -> list[CaseView]:
        """The unfinished ones, the gravest first."""
        return sorted((c for c in self.cases if c.is_open), key=lambda c: (-c.severity, c.opened_at, c.case_id))

    @cached_property
    def consents(self) -> dict[tuple[str, str | None], ConsentStatus]:
        """Her latest word by (purpose, channel); channel None is what she said of all channels."""
        return consents_at(self.state, self._now)

    def consent(self, purpose: str, channel: str | None = None) -> ConsentStatus | None:
        """Her latest word on a purpose in a channel, None if she never said: silence is no consent."""
        return self.consents.get((purpose, channel), self.consents.get((purpose, None)))

    @cached_property
    def contacts(self) -> list[ContactView]:
        """Contacts of the last 400 days or so, oldest first; those prepared and not sent have status reserved."""
        seen = (_contact_view(c, self._now) for c in self.state.contacts)
        return sorted((c for c in seen if c is not None), key=lambda c: c.at)

    @cached_property
    def items_bought(self) -> ItemsBought:
        """All items bought by now."""
        return items_bought(self.state, self._now)

    @cached_property
    def returned_items(self) -> dict[str, datetime]:
        """Items that came back, with when they last did."""
        return {r.item_id: from_us(r.at) for r in self.state.returned if r.at <= self._now}

    @property
    def orders(self) -> list[Order]:
        """Her latest orders (ten at most), oldest first."""
        return [o for o in self.state.orders if o.at <= self._now]

    @cached_property
    def deliveries(self) -> list[DeliveryView]:
        """Orders promised, shipped, delayed or failed, and neither delivered nor cancelled."""
        return orders_in_delivery(self.state, self._now)

    @property
    def session_items(self) -> list[str]:
        """Items of the session she is in, latest first; empty after half an hour of quiet."""
        browsed = [b for b in self.state.browsed if b.at <= self._now]
        if not browsed or self._now - browsed[-1].at > SESSION_IDLE_SECONDS * SECOND:
            return []
        session = browsed[-1].session_id
        return _latest_first([b.item_id for b in browsed if b.session_id == session and b.action != "cart_remove"])

    @property
    def browsed_items(self) -> list[str]:
        """Items of her last fifty steps in the shop, latest first."""
        return _latest_first([b.item_id for b in self.state.browsed if b.at <= self._now])

    @property
    def profile(self) -> dict[str, str | float | bool | None]:
        """What she told about herself."""
        return {p.name: p.value for p in self.state.profile if not p.refused and p.at <= self._now}

    @property
    def refused(self) -> list[str]:
        """Facts she would rather not give: never to be asked again."""
        return [p.name for p in self.state.profile if p.refused]

    @cached_property
    def features(self) -> dict[str, float]:
        """`STATE_FEATURES` at now."""
        return features_of(self.state, self._now, self.rules, self.holds, self.recovery_until)

    def blocks(self, category: str, group: str, channel: str) -> bool:
        """Whether any hold in force suppresses such an action in that channel."""
        return any(h.covers.blocks(category, group, channel) for h in self.holds)


def view(state: CustomerState, now: datetime, rules: HoldRules) -> CustomerView:
    """What `state` means at `now` (aware UTC). A fact at exactly `now` counts, a later one does not."""
    holds, recovery_until = standing(state, now, rules)
    return CustomerView(state, now, rules, holds, recovery_until)


def state_features(state: CustomerState, now: datetime, rules: HoldRules) -> dict[str, float]:
    """`STATE_FEATURES` of a customer at `now`; what is not known is NaN."""
    return view(state, now, rules).features


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
    """Latest words by (purpose, channel). A word on all channels replaces those on single ones; a tie is a refusal."""
    said: dict[tuple[str, str | None], ConsentStatus] = {}
    known = [c for c in state.consents if c.at <= now]
    for consent in sorted(known, key=lambda c: (c.at, c.status != "granted")):
        status: ConsentStatus = consent.status  # type: ignore[assignment]
        if consent.channel is None:
            for key in [k for k in said if k[0] == consent.purpose]:
                said[key] = status
        said[consent.purpose, consent.channel] = status
    return said


def items_bought(state: CustomerState, now: int) -> ItemsBought:
    """Items bought by `now`; an item's latest purchase after `now` is taken off, earlier ones after `now` are not."""
    p = state.purchases
    items, counts, quantities, last_at = p.items, p.counts, p.quantities, p.last_at
    first_at = p.first_at
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
    return ItemsBought(
        items,
        np.array(counts, dtype=np.int64),
        np.array(quantities, dtype=np.int64),
        np.array(first_at, dtype=np.float64) / SECOND,
        np.array(last_at, dtype=np.float64) / SECOND,
    )


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


def _contact_view(contact: Contact, now: int) -> ContactView | None:
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


def _latest_first(items: Sequence[str | None]) -> list[str]:
    return list(dict.fromkeys(item for item in reversed(items) if item is not None))
