"""Asking again before acting on an earlier answer: gates only, no new draw."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from serving.core.catalogue import Catalogue
from serving.core.conditions import predicate
from serving.core.decision import ChosenAction, Decision, Reason
from serving.core.items import Articles
from serving.core.policy import Policy
from serving.core.question import Snapshot
from serving.core.words import gate_reason, reason


class ListRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a list as a person left it: this action for this customer, there, with these items."""

    customer_id: str
    action_id: str
    channel: str
    placement: str
    item_ids: tuple[str, ...] = ()


def has_place(channel: str, placement: str, policy: Policy) -> bool:
    """Whether the policy knows the place and its channel."""
    place = policy.placement(placement)
    return place is not None and channel in place.channels


def without(snapshot: Snapshot, decision_id: str) -> Snapshot:
    """The snapshot without what the decision itself brought about: its own contact does not speak against it."""
    return msgspec.structs.replace(
        snapshot,
        contacts=tuple(c for c in snapshot.contacts if c.decision_id != decision_id),
        reserved=tuple(c for c in snapshot.reserved if c.decision_id != decision_id),
    )


def recheck(
    first: Decision, again: Decision, snapshot: Snapshot, articles: Articles, catalogue: Catalogue
) -> tuple[bool, list[Reason]]:
    """Whether every action of `first` may still go, in its form and with its items, by the gates of `again`; else why
    not.

    `again` is the same question answered now, `snapshot` what it was answered from.
    """
    blocked: list[Reason] = []
    candidates = {c.action_id: c for c in again.candidates}
    for action in first.actions:
        candidate = candidates.get(action.action_id)
        gates: Sequence[str] = ("placement",) if candidate is None else candidate.gates
        gates = gates or _gates_of_form(action, again, catalogue)
        blocked += [gate_reason(g, holds=again.holds, state_status=again.state_status) for g in gates]
        if _outdated(action, first, again, snapshot, articles):
            blocked.append(reason("no_items"))
    return not blocked, list({r.code: r for r in blocked}.values())


def row_blocks(row: ListRow, again: Decision, snapshot: Snapshot, articles: Articles) -> list[Reason]:
    """Why a row may not go; nothing if it may. An item that she owns and would not buy again may not be in it."""
    candidate = next((c for c in again.candidates if c.action_id == row.action_id), None)
    gates: Sequence[str] = ("placement",) if candidate is None else candidate.gates
    if row.item_ids:  # whether the engine itself would find items says nothing about these
        gates = [gate for gate in gates if gate != "no_items"]
    blocked = [gate_reason(g, holds=again.holds, state_status=again.state_status) for g in gates]
    if _unfit(row.item_ids, -math.inf, again, snapshot, articles):
        blocked.append(reason("no_items"))
    return blocked


def _gates_of_form(action: ChosenAction, again: Decision, catalogue: Catalogue) -> Sequence[str]:
    """What stands before the form that an action was to go in; another of its forms does not stand for that one."""
    forms = catalogue.actions[catalogue.index[action.action_id]].treatments
    same = [f for f in forms if f.treatment == action.treatment_id and f.fits(again.placement, again.channel)]
    if not same:
        return ("placement",)
    at = again.question().reaches_at.timestamp()
    valid = [form for form in same if form.is_valid(at)]
    if not valid:
        return ("validity",)
    seen = {name: np.array([value]) for name, value in again.observed.items()}
    fits = any(all(predicate(c)(seen, 1)[0] for c in form.applicability) for form in valid)
    return () if fits else ("applicability",)


def _outdated(action: ChosenAction, first: Decision, again: Decision, snapshot: Snapshot, articles: Articles) -> bool:
    """Whether an item told then may not be shown now: out of stock or season, returned, or bought meanwhile."""
    items = [item.item_id for item in action.items]
    return _unfit(items, first.decided_at.timestamp(), again, snapshot, articles)


def _unfit(items: Sequence[str], since: float, again: Decision, snapshot: Snapshot, articles: Articles) -> bool:
    bought: set[str] = set()
    if (history := snapshot.history) is not None:
        bought = {item for item, at in zip(history.items, np.asarray(history.last_at), strict=True) if at > since}
    return any(
        item in snapshot.returned
        or not articles.showable(item, again.decided_at.month)
        or (item in bought and not articles.repeats(item, proposed=False))
        for item in items
    )


def superseded(first: Decision, reasons: Sequence[Reason], again: Decision) -> Decision:
    """The first answer taken back: nothing to show, and why."""
    detail, detail_fi = "; ".join(r.text for r in reasons), "; ".join(r.text_fi for r in reasons)
    return msgspec.structs.replace(
        first,
        actions=[],
        holds=again.holds,
        state_status=again.state_status,
        no_action_reason=reason("superseded", detail=detail, detail_fi=detail_fi),
        superseded=True,
    )
