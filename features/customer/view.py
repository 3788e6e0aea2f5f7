"""The view: what a customer's state means at one moment. What the clock changes is derived here and never stored.

Facts after `now` are not looked at: cases, holds, consents and contacts are exactly those of that moment. Totals of
purchases can be wound back past each item's latest purchase only, and what the fold cut
(`kept.KEPT_DAYS`) stays cut: to go further back, fold the facts known then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from features.customer.delivery_course import DeliveryCourse
from features.customer.hold_rules import HoldRules
from features.customer.holds import Hold, standing
from features.customer.incidents import Incident
from features.customer.journey import cart_at
from features.customer.kept import KEPT_COUNTS
from features.customer.ledger import Browse, CustomerState, Order
from features.customer.state_features import STATE_FEATURES, features_of, seen_by_models
from features.customer.view_parts import (
    CaseView,
    ConsentStatus,
    ContactView,
    DeliveryView,
    ItemsBought,
    case_views,
    consents_at,
    contact_view,
    courses_at,
    items_bought,
    orders_in_delivery,
)
from features.instants import SECOND, from_us, to_us

__all__ = ["STATE_FEATURES", "CustomerView", "state_features", "view"]

SESSION_IDLE_SECONDS = 1800


@dataclass(frozen=True)
class CustomerView:
    """One customer at `now`. Holds are there at once, the rest is worked out when asked for."""

    state: CustomerState
    now: datetime
    rules: HoldRules
    holds: list[Hold]
    recovery_until: datetime | None

    @cached_property
    def moment(self) -> int:
        """`now` in microseconds since 1970."""
        return to_us(self.now)

    @property
    def known(self) -> bool:
        """Whether anything at all was known of her by now."""
        return self.state.first_at is not None and self.state.first_at <= self.moment

    @property
    def arm_key(self) -> str | None:
        """The identity her experiment arm hangs on: her oldest one."""
        return self.state.origins[0][0] if self.state.origins else None

    @cached_property
    def cases(self) -> list[CaseView]:
        """Her cases, open and finished, in the order they were opened."""
        return case_views(self.state, self.moment, self.rules)

    @property
    def open_cases(self) -> list[CaseView]:
        """The unfinished ones, the gravest first."""
        return sorted((c for c in self.cases if c.is_open), key=lambda c: (-c.severity, c.opened_at, c.case_id))

    @cached_property
    def consents(self) -> dict[tuple[str, str | None], ConsentStatus]:
        """Her latest word by (purpose, channel); channel None is what she said of all channels."""
        return consents_at(self.state, self.moment)

    def consent(self, purpose: str, channel: str | None = None) -> ConsentStatus | None:
        """Her latest word on a purpose in a channel, None if she never said: silence is no consent."""
        return self.consents.get((purpose, channel), self.consents.get((purpose, None)))

    @cached_property
    def contacts(self) -> list[ContactView]:
        """Contacts of the last 400 days or so, oldest first; those prepared and not sent have status reserved."""
        seen = (contact_view(c, self.moment) for c in self.state.contacts)
        return sorted((c for c in seen if c is not None), key=lambda c: c.at)

    @cached_property
    def items_bought(self) -> ItemsBought:
        """All items bought by now."""
        return items_bought(self.state, self.moment)

    @cached_property
    def returned_items(self) -> dict[str, datetime]:
        """Items that came back, with when they last did."""
        return {r.item_id: from_us(r.at) for r in self.state.returned if r.at <= self.moment}

    @cached_property
    def cart(self) -> dict[str, int]:
        """Items in her cart and when (microseconds) they were last put there, latest last."""
        return cart_at(self.state.browsed, self.state.last_purchase_at, self.moment)

    @cached_property
    def orders(self) -> list[Order]:
        """Her latest orders (ten at most), oldest first."""
        return [o for o in self.state.orders if o.at <= self.moment][-KEPT_COUNTS["orders"] :]

    @cached_property
    def courses(self) -> dict[str, DeliveryCourse | None]:
        """By order, how its delivery stands; None where nothing of it had happened."""
        return courses_at(self.state, self.moment)

    @cached_property
    def deliveries(self) -> list[DeliveryView]:
        """Orders promised, shipped, delayed or failed, and neither delivered nor cancelled."""
        return orders_in_delivery(self.state, self.moment)

    @cached_property
    def session(self) -> list[Browse]:
        """The steps of the session she is in, oldest first; empty after half an hour of quiet."""
        browsed = [b for b in self.state.browsed if b.at <= self.moment]
        if not browsed or self.moment - browsed[-1].at > SESSION_IDLE_SECONDS * SECOND:
            return []
        return [b for b in browsed if b.session_id == browsed[-1].session_id]

    @property
    def session_items(self) -> list[str]:
        """Items of the session she is in, latest first."""
        return _latest_first([b.item_id for b in self.session if b.action != "cart_remove"])

    @property
    def session_categories(self) -> list[str]:
        """Categories she looked into in the session she is in, latest first, as far as the shop named them."""
        return _latest_first([b.category for b in self.session if b.action != "cart_remove"])

    @property
    def browsed_items(self) -> list[str]:
        """Items of her last fifty steps in the shop, latest first."""
        return _latest_first([b.item_id for b in self.state.browsed if b.at <= self.moment])

    @property
    def profile(self) -> dict[str, str | float | bool | None]:
        """What she told about herself."""
        return {p.name: p.value for p in self.state.profile if not p.refused and p.at <= self.moment}

    @property
    def refused(self) -> list[str]:
        """Facts she would rather not give: never to be asked again."""
        return [p.name for p in self.state.profile if p.refused]

    @cached_property
    def features(self) -> dict[str, float]:
        """`STATE_FEATURES` at now."""
        held, courses = self.holds, self.courses.values()
        return features_of(self.state, self.moment, self.rules, held, self.recovery_until, courses)

    def seen_by_models(self, moment: int) -> dict[str, float]:
        """What models of customers take of `STATE_FEATURES`, at a `moment` (microseconds) with the holds of now."""
        last = self.state.last_at
        as_now = last is None or last <= min(self.moment, moment)  # nothing of any delivery is told in between
        courses = self.courses if as_now else courses_at(self.state, moment)
        return seen_by_models(self.state, moment, self.rules, self.holds, courses.values())

    def blocks(self, category: str, group: str, channel: str) -> bool:
        """Whether any hold in force suppresses such an action in that channel."""
        return any(h.covers.blocks(category, group, channel) for h in self.holds)


def view(state: CustomerState, now: datetime, rules: HoldRules, incidents: Sequence[Incident] = ()) -> CustomerView:
    """What `state` means at `now` (aware UTC). A fact at exactly `now` counts, a later one does not.

    `incidents` are the shop's, of all customers: those that affect her hold.
    """
    holds, recovery_until = standing(state, now, rules, incidents)
    return CustomerView(state, now, rules, holds, recovery_until)


def state_features(
    state: CustomerState, now: datetime, rules: HoldRules, incidents: Sequence[Incident] = ()
) -> dict[str, float]:
    """`STATE_FEATURES` of a customer at `now`; what is not known is NaN."""
    return view(state, now, rules, incidents).features


def _latest_first(names: Sequence[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in reversed(names) if name is not None))
