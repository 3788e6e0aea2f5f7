"""The fold, gone on with: a customer's state and what happened to her since into her next state.

A state does not hold all: what is old or too much was cut (`kept`). Each type of fact is therefore taken only where
nothing that was cut could bear on it; where that cannot be told from the state, all facts have to be folded again.
"""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

from features.customer.fold import gather, in_order
from features.customer.kept import KEPT_COUNTS, KEPT_DAYS, aged_fields, cut_fields, recent_contacts
from features.customer.opened import Opened, browsed_at
from features.customer.resumed import NOTED, PARTS, Part, resumed
from features.facts import Fact
from features.instants import days, to_us


def fold_on(
    state: Opened, facts: Iterable[Fact], orders_before: Callable[[], Collection[str]] | None = None
) -> Opened | None:
    """What `fold` makes of the facts behind `state` together with new ones; None where the state does not tell.

    The new ones must come later than all before. `orders_before` gives the ids of at least those orders of hers that
    the state has cut, if it has cut any: they are older than `KEPT_DAYS`.
    """
    ordered = in_order(facts)
    if not ordered or state.last_at is None or to_us(ordered[0].occurred_at) <= state.last_at:
        return None
    if (
        not all(_is_told(state, fact) for fact in ordered)
        or _may_be_cut(state, ordered, orders_before)
        or _uncovers(state, to_us(ordered[-1].occurred_at))
    ):
        return None
    parts, changed = _changed_by(frozenset(fact.type for fact in ordered))
    draft = resumed(state, parts)
    gather(draft, ordered)
    grown = state.with_fields(draft.frozen(changed))
    return grown.with_fields(cut_fields(grown, changed) | aged_fields(grown, to_us(ordered[-1].occurred_at)))


def without_browsing(state: Opened, forgotten: Iterable[tuple[str, int]]) -> Opened | None:
    """What `fold` makes of the facts behind `state` without old browsing; None where the state does not tell.

    `forgotten` are (origin, occurred_at) of browsing; of each origin, at least as much as a state keeps (`KEPT_COUNTS`)
    and newer is left.
    """
    gone = list(forgotten)
    left = state.facts - len(gone)
    if gone and left == len(state.browsed) and len(state.origins) == 1:  # of who only ever browsed, all that is left
        first = browsed_at(state.browsed[0])
        return state.with_fields({"facts": left, "first_at": first, "origins": [(gone[0][0], first)]})
    firsts = {(origin, at) for origin, at in state.origins}
    if any(at == state.first_at or (origin, at) in firsts for origin, at in gone):
        return None
    return state.with_fields({"facts": left})


@lru_cache(maxsize=1_000)
def _changed_by(types: frozenset[str]) -> tuple[list[Part], list[str]]:
    """What facts of some types change: parts of the state, and all fields."""
    parts = [part for part in PARTS if not part.types.isdisjoint(types)]
    return parts, [*NOTED, *(name for part in parts for name in part.fields)]


def _uncovers(state: Opened, last: int) -> bool:
    """Whether contacts that the state counted out would come back, now that others are too old."""
    if last - (state.first_at or 0) <= days(KEPT_DAYS["contacts"]):
        return False
    if state.count("contacts") < KEPT_COUNTS["contacts"]:
        return False
    return len(recent_contacts(state.contacts, last)) < len(state.contacts)


def _is_told(state: Opened, fact: Fact) -> bool:
    """Whether the state holds all that the fact bears on."""
    judge = _JUDGES.get(fact.type)
    return judge is None or judge(state, fact)


def _has_all_of(state: Opened, what: str) -> bool:
    """Whether nothing of a kind can have been cut yet, so short has she been known."""
    return (state.last_at or 0) - (state.first_at or 0) <= days(KEPT_DAYS[what])


def _purchase(state: Opened, fact: Fact) -> bool:
    """No more of an order that is known."""
    order_id = fact.payload["order_id"]
    return all(order.order_id != order_id for order in state.orders)


def _may_be_cut(state: Opened, facts: list[Fact], orders_before: Callable[[], Collection[str]] | None) -> bool:
    """Whether what was bought may be more of an order that the state has cut."""
    bought = {fact.payload["order_id"] for fact in facts if fact.type == "purchase"}
    if not bought or len(state.orders) == state.order_count:
        return False
    return orders_before is None or not bought.isdisjoint(orders_before())


def _feedback(state: Opened, fact: Fact) -> bool:
    """What is about no case, or about one as `_case`: a word about a case that was cut would bring it back."""
    case_id = fact.payload.get("case_id")
    if case_id is None and fact.payload["kind"] == "complaint":
        case_id = fact.event_id
    return case_id is None or _knows_case(state, case_id)


def _case(state: Opened, fact: Fact) -> bool:
    return _knows_case(state, fact.payload["case_id"])


def _knows_case(state: Opened, case_id: str) -> bool:
    return _has_all_of(state, "finished cases") or any(case.case_id == case_id for case in state.cases)


def _delivery(state: Opened, fact: Fact) -> bool:
    order_id = fact.payload["order_id"]
    return _has_all_of(state, "finished deliveries") or any(d.order_id == order_id for d in state.deliveries)


def _contact(state: Opened, fact: Fact) -> bool:
    """Nothing cut, since totals are of all contacts. Without a decision, it must be known whose the others without are;
    with one that is not known, another of the action without a decision might be kept under the same id.
    """
    if not _has_all_of(state, "contacts") or len(state.contacts) >= KEPT_COUNTS["contacts"]:
        return False
    decision_id, action_id = fact.payload.get("decision_id"), fact.payload["action_id"]
    if decision_id is None:
        return len(state.origins) == 1 or all(origin != fact.origin for origin, _ in state.origins)
    same_action = [c.decision_id for c in state.contacts if c.action_id == action_id]
    return decision_id in same_action or None not in same_action


_JUDGES: dict[str, Callable[[Opened, Fact], bool]] = {
    "purchase": _purchase,
    "feedback": _feedback,
    "case": _case,
    "delivery": _delivery,
    "contact": _contact,
}
"""By type of fact; what another adds is appended to lists of which only the end is kept, or replaces what was said."""
