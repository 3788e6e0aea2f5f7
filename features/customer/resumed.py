"""A draft taken up again from a state, as far as new facts add to it: records opened into the lists they were made of.

What the state has cut is not in it, and neither is which order of an item was the last: `fold_on` sees to it that
neither matters.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import astuple

from features.customer.draft import Draft
from features.customer.opened import Opened

_NO_ID = "\0"  # no id that the door lets in has it


class Part(NamedTuple):
    """Fields of the state that facts of some types change, and how they are opened."""

    types: frozenset[str]
    fields: tuple[str, ...]
    open: Callable[[Draft, Opened], None]


def resumed(state: Opened, parts: Iterable[Part]) -> Draft:
    """A draft that has gathered what `state` tells in some of `PARTS`, and what every fact adds to (`NOTED`)."""
    draft = Draft()
    draft.facts, draft.first_at, draft.last_at = state.facts, state.first_at, state.last_at
    draft.origins, draft.last_seen_at = dict(state.origins), state.last_seen_at
    for part in parts:
        part.open(draft, state)
    return draft


NOTED = ("facts", "first_at", "last_at", "origins", "last_seen_at")
"""Fields that every fact may change."""


def _cases(draft: Draft, state: Opened) -> None:
    for c in state.cases:
        draft.cases[c.case_id] = [c.case_id, c.source_event, c.order_id, list(c.item_ids), list(c.steps)]


def _deliveries(draft: Draft, state: Opened) -> None:
    for d in state.deliveries:
        draft.deliveries[d.order_id] = [d.order_id, list(d.steps), list(d.carriers)]


def _contacts(draft: Draft, state: Opened) -> None:
    """With a single identity, whose the contacts without a decision are is known."""
    only = state.origins[0][0] if len(state.origins) == 1 else None
    for place, record in enumerate(state.contacts):
        contact = list(astuple(record))
        draft.contacts[record.decision_id or f"{_NO_ID}{place}", record.action_id] = contact
        if record.decision_id is None and only is not None:
            draft.loose_contacts[only, record.action_id] = contact


def _purchases(draft: Draft, state: Opened) -> None:
    draft.first_purchase_at, draft.last_purchase_at = state.first_purchase_at, state.last_purchase_at
    for o in state.orders:
        draft.orders[o.order_id] = [o.order_id, o.at, o.channel, o.currency, o.paid, list(o.items)]
    cut = state.order_count - len(draft.orders)
    draft.order_ids = {*draft.orders, *(f"{_NO_ID}{place}" for place in range(cut))}
    for row in zip(*astuple(state.purchases), strict=True):
        draft.bought[row[0]] = [*row, None]


def _profile(draft: Draft, state: Opened) -> None:
    draft.profile = {fact.name: fact for fact in state.profile}


def _erasure(draft: Draft, state: Opened) -> None:
    draft.erased_at = state.erased_at


def _lists(types: set[str], *fields: str) -> Part:
    """Lists that are appended to."""

    def open_lists(draft: Draft, state: Opened) -> None:
        for name in fields:
            setattr(draft, name, list(getattr(state, name)))

    return Part(frozenset(types), fields, open_lists)


_ORDERS = ("first_purchase_at", "last_purchase_at", "order_count", "orders", "purchases")
PARTS = (
    _lists({"browse"}, "browsed"),
    _lists({"feedback"}, "marks"),
    _lists({"return"}, "returned"),
    _lists({"friction"}, "frictions"),
    _lists({"score"}, "scores"),
    _lists({"consent", "contact"}, "consents"),
    _lists({"hold"}, "staff_holds", "releases"),
    Part(frozenset({"case", "feedback"}), ("cases",), _cases),
    Part(frozenset({"delivery"}), ("deliveries",), _deliveries),
    Part(frozenset({"contact"}), ("contacts", "actions"), _contacts),
    Part(frozenset({"purchase"}), _ORDERS, _purchases),
    Part(frozenset({"profile"}), ("profile",), _profile),
    Part(frozenset({"erasure"}), ("erased_at",), _erasure),
)
"""What each type of fact changes besides `NOTED`; together with it, all fields of the state."""
