"""The state while it is being folded: what has been gathered so far, and how it becomes the frozen state.

What grows without limit is cut by fixed rules relative to the customer's own latest fact, far beyond any window a
policy may use.
"""

from collections import Counter
from typing import Any

from features.customer.case_course import FINISHED
from features.customer.ledger import (
    ActionTotal,
    Browse,
    Case,
    Consent,
    Contact,
    CustomerState,
    Delivery,
    Friction,
    Mark,
    Order,
    ProfileFact,
    Purchases,
    Release,
    Returned,
    Score,
    StaffHold,
)
from features.facts import Fact
from features.instants import days

KEPT_DAYS = {"finished deliveries": 400, "finished cases": 400, "contacts": 400, "scores": 100, "orders": 300}
KEPT_COUNTS = {"orders": 10, "browsed": 50, "frictions": 200, "contacts": 1000, "returned": 200}
_SEEN = frozenset({"browse", "purchase", "feedback"})


class Draft:
    """The state while it is being folded; lists and dicts instead of frozen records."""

    def __init__(self) -> None:
        self.facts = 0
        self.first_at: int | None = None
        self.last_at: int | None = None
        self.origins: dict[str, int] = {}
        self.last_seen_at: int | None = None
        self.first_purchase_at: int | None = None
        self.last_purchase_at: int | None = None
        self.order_ids: set[str] = set()
        self.cases: dict[str, list[Any]] = {}
        self.marks: list[Mark] = []
        self.deliveries: dict[str, list[Any]] = {}
        self.consents: list[Consent] = []
        self.contacts: dict[tuple[str, str], list[Any]] = {}
        self.loose_contacts: dict[tuple[str, str], list[Any]] = {}
        self.bought: dict[str, list[Any]] = {}
        self.orders: dict[str, list[Any]] = {}
        self.returned: list[Returned] = []
        self.frictions: list[Friction] = []
        self.scores: list[Score] = []
        self.staff_holds: list[StaffHold] = []
        self.releases: list[Release] = []
        self.browsed: list[Browse] = []
        self.profile: dict[str, ProfileFact] = {}
        self.erased_at: int | None = None

    def note(self, fact: Fact, at: int) -> None:
        """What every fact tells."""
        self.facts += 1
        if self.first_at is None:
            self.first_at = at
        self.last_at = at
        if fact.origin not in self.origins:
            self.origins[fact.origin] = at
        if fact.type in _SEEN:
            self.last_seen_at = at

    def case_step(self, case_id: str, fact: Fact, step: tuple[int, str, int | None, str]) -> None:
        """Add a step to a case, opening it if it is new."""
        case = self.cases.get(case_id)
        payload = fact.payload
        if case is None:
            self.cases[case_id] = case = [case_id, fact.event_id, None, [], []]
        if case[2] is None:
            case[2] = payload.get("order_id")
        for item_id in payload.get("item_ids") or ():
            if item_id not in case[3]:
                case[3].append(item_id)
        case[4].append(step)

    def finish(self) -> CustomerState:
        """The frozen state."""
        if self.last_at is None:
            return CustomerState()
        last = self.last_at
        contacts = list(self.contacts.values())
        return CustomerState(
            facts=self.facts,
            first_at=self.first_at,
            last_at=last,
            origins=list(self.origins.items()),
            last_seen_at=self.last_seen_at,
            first_purchase_at=self.first_purchase_at,
            last_purchase_at=self.last_purchase_at,
            order_count=len(self.order_ids),
            cases=_kept_cases(self.cases, self.marks, last),
            marks=self.marks,
            deliveries=_kept_deliveries(self.deliveries, last),
            consents=self.consents,
            contacts=_kept_contacts(contacts, last),
            actions=_action_totals(contacts),
            purchases=_purchases(self.bought),
            orders=_kept_orders(list(self.orders.values()), last),
            returned=self.returned[-KEPT_COUNTS["returned"] :],
            frictions=_kept_frictions(self.frictions),
            scores=[s for s in self.scores if s.at >= last - days(KEPT_DAYS["scores"])],
            staff_holds=self.staff_holds,
            releases=self.releases,
            browsed=self.browsed[-KEPT_COUNTS["browsed"] :],
            profile=list(self.profile.values()),
            erased_at=self.erased_at,
        )


def _kept_cases(cases: dict[str, list[Any]], marks: list[Mark], last: int) -> list[Case]:
    oldest = last - days(KEPT_DAYS["finished cases"])
    rated = {m.case_id for m in marks if m.case_id is not None} if cases else set()
    return [Case(*c) for c in cases.values() if c[4][-1][0] >= oldest or c[4][-1][1] not in FINISHED or c[0] in rated]


def _kept_orders(orders: list[list[Any]], last: int) -> list[Order]:
    """The latest in full; of those before, as far back as an incident may reach, when and where, without the items."""
    oldest = last - days(KEPT_DAYS["orders"])
    split = max(0, len(orders) - KEPT_COUNTS["orders"])
    before = [Order(o[0], o[1], o[2], o[3], o[4], []) for o in orders[:split] if o[1] >= oldest]
    return before + [Order(*o) for o in orders[split:]]


def _kept_deliveries(deliveries: dict[str, list[Any]], last: int) -> list[Delivery]:
    oldest = last - days(KEPT_DAYS["finished deliveries"])
    return [
        Delivery(*d)
        for d in deliveries.values()
        if d[1][-1][0] >= oldest or d[1][-1][1] not in ("delivered", "cancelled")
    ]


def _kept_frictions(frictions: list[Friction]) -> list[Friction]:
    """The latest of each kind: a flood of small ones does not wash away a grave one."""
    counts: Counter[str] = Counter()
    kept = []
    for friction in reversed(frictions):
        counts[friction.kind] += 1
        if counts[friction.kind] <= KEPT_COUNTS["frictions"]:
            kept.append(friction)
    return kept[::-1]


def _kept_contacts(contacts: list[list[Any]], last: int) -> list[Contact]:
    oldest = last - days(KEPT_DAYS["contacts"])
    kept = [Contact(*c) for c in contacts if max(c[4] or 0, c[5] or 0, c[6] or 0) >= oldest]
    return kept[-KEPT_COUNTS["contacts"] :]


def _action_totals(contacts: list[list[Any]]) -> list[ActionTotal]:
    totals: dict[str, list[Any]] = {}
    for contact in contacts:
        reached = contact[5]
        if reached is None:
            continue
        total = totals.get(contact[1])
        if total is None:
            totals[contact[1]] = [contact[1], 1, reached, reached, contact[7], contact[8], contact[9]]
            continue
        total[1] += 1
        total[2] = min(total[2], reached)
        total[3] = max(total[3], reached)
        for place in (4, 5, 6):
            response = contact[place + 3]
            if response is not None:
                total[place] = response if total[place] is None else max(total[place], response)
    return [ActionTotal(*t) for t in totals.values()]


def _purchases(bought: dict[str, list[Any]]) -> Purchases:
    if not bought:
        return Purchases()
    columns = [list(column) for column in zip(*bought.values(), strict=True)]
    return Purchases(*columns[:9])
