"""What a state keeps of what grows without limit: cut by fixed rules relative to the customer's own latest fact.

The rules reach far beyond any window a policy may use. What a state has lost no later fact brings back, so that a state
may be cut, added to and cut again; where that is not so, `fold_on` folds everything again.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from features.customer.case_course import FINISHED
from features.customer.ledger import Case, Contact, CustomerState, Delivery, Friction, Order
from features.instants import days

if TYPE_CHECKING:
    from features.customer.opened import Opened

KEPT_DAYS = {"finished deliveries": 400, "finished cases": 400, "contacts": 400, "scores": 100, "orders": 300}
KEPT_COUNTS = {"orders": 10, "browsed": 50, "frictions": 200, "contacts": 1000, "returned": 200}


def cut(state: CustomerState) -> CustomerState:
    """The state without what is old or too much by now."""
    return state if state.last_at is None else replace(state, **cut_fields(state, _CUTS))


def cut_fields(state: "CustomerState | Opened", names: Iterable[str]) -> dict[str, Any]:
    """Of the fields of `names` those of which anything is ever cut, without what is old or too much by now."""
    last = state.last_at or 0
    return {name: _CUTS[name](state, last) for name in names if name in _CUTS}


def aged_fields(state: "Opened", last: int) -> dict[str, Any]:
    """Of the fields that are as they were cut last, those of which some has become too old by `last`, without it.

    Lists begin with what began first: while that is young enough, so are all, and one record is read of each.
    """
    known, found = last - (state.first_at or 0), {}
    for name, what in _AGEING.items():
        limit = days(KEPT_DAYS[what])
        if known <= limit or name in state.changed:
            continue
        if name == "orders" and state.count(name) <= KEPT_COUNTS[name]:  # so many are kept however old they are
            continue
        first = state.first(name)
        if first is None or (state.first_at and _BEGAN[name](first) >= last - limit):  # 0 is no time in a contact
            continue
        left = _CUTS[name](state, last)
        if len(left) < len(getattr(state, name)):
            found[name] = left
    return found


def recent_contacts(contacts: list[Contact], last: int) -> list[Contact]:
    """Those of which something was heard in the days kept before `last`."""
    oldest = last - days(KEPT_DAYS["contacts"])
    return [c for c in contacts if max(c.reserved_at or 0, c.contacted_at or 0, c.released_at or 0) >= oldest]


def _cases(state: "CustomerState | Opened", last: int) -> list[Case]:
    oldest = last - days(KEPT_DAYS["finished cases"])
    cases: list[Case] = state.cases
    rated = {m.case_id for m in state.marks if m.case_id is not None} if cases else set()
    return [c for c in cases if c.steps[-1][0] >= oldest or c.steps[-1][1] not in FINISHED or c.case_id in rated]


def _orders(orders: list[Order], last: int) -> list[Order]:
    """The latest in full; of those before, as far back as an incident may reach, when and where, without the items."""
    split = max(0, len(orders) - KEPT_COUNTS["orders"])
    if not split:
        return orders
    oldest = last - days(KEPT_DAYS["orders"])
    return [replace(o, items=[]) for o in orders[:split] if o.at >= oldest] + orders[split:]


def _deliveries(deliveries: list[Delivery], last: int) -> list[Delivery]:
    oldest = last - days(KEPT_DAYS["finished deliveries"])
    return [d for d in deliveries if d.steps[-1][0] >= oldest or d.steps[-1][1] not in ("delivered", "cancelled")]


def _frictions(frictions: list[Friction]) -> list[Friction]:
    """The latest of each kind: a flood of small ones does not wash away a grave one."""
    if len(frictions) <= KEPT_COUNTS["frictions"]:
        return frictions
    counts: Counter[str] = Counter()
    kept = []
    for friction in reversed(frictions):
        counts[friction.kind] += 1
        if counts[friction.kind] <= KEPT_COUNTS["frictions"]:
            kept.append(friction)
    return kept[::-1]


_AGEING = {
    "cases": "finished cases",
    "deliveries": "finished deliveries",
    "contacts": "contacts",
    "orders": "orders",
    "scores": "scores",
}
_BEGAN: dict[str, Callable[[Any], int]] = {
    "cases": lambda case: case.steps[0][0],
    "deliveries": lambda delivery: delivery.steps[0][0],
    "contacts": lambda c: min(at for at in (c.reserved_at, c.contacted_at, c.released_at) if at is not None),
    "orders": attrgetter("at"),
    "scores": attrgetter("at"),
}
_CUTS: dict[str, Callable[[Any, int], Any]] = {
    "cases": _cases,
    "deliveries": lambda state, last: _deliveries(state.deliveries, last),
    "contacts": lambda state, last: recent_contacts(state.contacts, last)[-KEPT_COUNTS["contacts"] :],
    "orders": lambda state, last: _orders(state.orders, last),
    "returned": lambda state, _: state.returned[-KEPT_COUNTS["returned"] :],
    "frictions": lambda state, _: _frictions(state.frictions),
    "scores": lambda state, last: [s for s in state.scores if s.at >= last - days(KEPT_DAYS["scores"])],
    "browsed": lambda state, _: state.browsed[-KEPT_COUNTS["browsed"] :],
}
"""What is kept of a field, by the state and her latest fact."""
