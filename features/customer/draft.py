"""The state while it is being folded: what has been gathered so far, and how it becomes frozen records."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

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

    def whole(self) -> CustomerState:
        """All that was gathered, frozen, nothing cut."""
        return CustomerState(**self.frozen(_FROZEN))

    def frozen(self, names: Iterable[str]) -> dict[str, Any]:
        """Some fields of the state."""
        return {name: _FROZEN[name](self) for name in names}


def _action_totals(contacts: Iterable[list[Any]]) -> list[ActionTotal]:
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


_FROZEN: dict[str, Callable[[Draft], Any]] = {name: attrgetter(name) for name in CustomerState.__struct_fields__}
_FROZEN |= {
    "origins": lambda draft: list(draft.origins.items()),
    "order_count": lambda draft: len(draft.order_ids),
    "cases": lambda draft: [Case(*c) for c in draft.cases.values()],
    "deliveries": lambda draft: [Delivery(*d) for d in draft.deliveries.values()],
    "contacts": lambda draft: [Contact(*c) for c in draft.contacts.values()],
    "actions": lambda draft: _action_totals(draft.contacts.values()),
    "purchases": lambda draft: _purchases(draft.bought),
    "orders": lambda draft: [Order(*o) for o in draft.orders.values()],
    "profile": lambda draft: list(draft.profile.values()),
}
"""How each field of the state is made of a draft; most are there as they are."""
