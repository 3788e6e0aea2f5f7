"""A draft taken up again from a state, as far as new facts add to it: records opened into the lists they were made of.

What the state has cut is not in it, and neither is which order of an item was the last: `fold_on` sees to it that
neither matters.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import astuple

from features.customer.draft import Draft
from features.customer.ledger import CustomerState

_NO_ID = "\0"  # no id that the door lets in has it


class Part(NamedTuple):
    """A part of the state that only some types of facts change: the fields it has, and how it is opened."""

    types: frozenset[str]
    fields: tuple[str, ...]
    open: Callable[[Draft, CustomerState], None]


def resumed(state: CustomerState, parts: list[Part]) -> Draft:
    """A draft that has gathered what `state` tells, of `PARTS` only those given."""
    draft = Draft()
    draft.facts, draft.first_at, draft.last_at = state.facts, state.first_at, state.last_at
    draft.origins = dict(state.origins)
    draft.last_seen_at, draft.erased_at = state.last_seen_at, state.erased_at
    draft.first_purchase_at, draft.last_purchase_at = state.first_purchase_at, state.last_purchase_at
    draft.marks, draft.consents = list(state.marks), list(state.consents)
    draft.returned, draft.frictions = list(state.returned), list(state.frictions)
    draft.scores, draft.browsed = list(state.scores), list(state.browsed)
    draft.staff_holds, draft.releases = list(state.staff_holds), list(state.releases)
    for part in parts:
        part.open(draft, state)
    return draft


def _cases(draft: Draft, state: CustomerState) -> None:
    for c in state.cases:
        draft.cases[c.case_id] = [c.case_id, c.source_event, c.order_id, list(c.item_ids), list(c.steps)]


def _deliveries(draft: Draft, state: CustomerState) -> None:
    for d in state.deliveries:
        draft.deliveries[d.order_id] = [d.order_id, list(d.steps), list(d.carriers)]


def _contacts(draft: Draft, state: CustomerState) -> None:
    """With a single identity, whose the contacts without a decision are is known."""
    only = state.origins[0][0] if len(state.origins) == 1 else None
    for place, record in enumerate(state.contacts):
        contact = list(astuple(record))
        draft.contacts[record.decision_id or f"{_NO_ID}{place}", record.action_id] = contact
        if record.decision_id is None and only is not None:
            draft.loose_contacts[only, record.action_id] = contact


def _purchases(draft: Draft, state: CustomerState) -> None:
    for o in state.orders:
        draft.orders[o.order_id] = [o.order_id, o.at, o.channel, o.currency, o.paid, list(o.items)]
    draft.order_ids = set(draft.orders)
    for row in zip(*astuple(state.purchases), strict=True):
        draft.bought[row[0]] = [*row, None]


def _profile(draft: Draft, state: CustomerState) -> None:
    draft.profile = {fact.name: fact for fact in state.profile}


PARTS = (
    Part(frozenset({"case", "feedback"}), ("cases",), _cases),
    Part(frozenset({"delivery"}), ("deliveries",), _deliveries),
    Part(frozenset({"contact"}), ("contacts", "actions"), _contacts),
    Part(frozenset({"purchase"}), ("order_count", "orders", "purchases"), _purchases),
    Part(frozenset({"profile"}), ("profile",), _profile),
)
"""All other fields are always taken up: they are counts, instants and lists that are appended to."""
