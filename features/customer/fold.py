"""The fold: a customer's facts, in any order of arrival, into her compact state.

Facts are taken in the order (occurred_at, event_id); a fact given twice counts once. Nothing here reads a clock or a
policy. What the state forgets, and when, is `features.customer.kept.KEPT_DAYS` and `KEPT_COUNTS`.
"""

from collections.abc import Iterable
from operator import attrgetter

from features.customer.draft import Draft
from features.customer.fold_handlers import HANDLERS
from features.customer.kept import cut
from features.customer.ledger import CustomerState
from features.facts import Fact
from features.instants import to_us


def fold(facts: Iterable[Fact]) -> CustomerState:
    """The state made of `facts`: pure, and equal for any order and repetition of them.

    For training or replay at `t`, give the facts known by then (`features.facts.known_by`).
    """
    draft = Draft()
    gather(draft, in_order(facts))
    return cut(draft.whole())


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """The facts as they are folded, one after another."""
    return sorted(facts, key=attrgetter("occurred_at", "event_id"))


def gather(draft: Draft, ordered: Iterable[Fact]) -> None:
    """Add facts to the draft, each later than all that it has gathered."""
    handlers = HANDLERS
    last_id = None
    for fact in ordered:
        if fact.event_id == last_id:
            continue
        last_id = fact.event_id
        at = to_us(fact.occurred_at)
        draft.note(fact, at)
        handler = handlers.get(fact.type)
        if handler is not None:
            handler(draft, fact, at, fact.payload)
