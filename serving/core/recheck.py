"""Asking again before acting on an earlier answer: gates only, no new draw."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from serving.core.catalogue import Catalogue
from serving.core.conditions import Condition, predicate
from serving.core.decision import ChosenAction, Decision, Reason
from serving.core.items import Articles
from serving.core.policy import Policy
from serving.core.question import Snapshot
from serving.core.standing import Standing
from serving.core.words import gate_reason, reason


class ListRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a list as a person left it: this action for this customer, there, with these items."""

    customer_id: str
    action_id: str
    channel: str
    placement: str
    item_ids: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What of an earlier decision is looked at to ask about it again, by the names that the decision gives it."""

    decision_id: str
    customer_key: str
    decided_at: datetime
    channel: str
    placement: str
    actions: list[ChosenAction]
    context: dict[str, Any] = {}
    anonymous_id: str | None = None


def has_place(channel: str, placement: str, policy: Policy) -> bool:
    """Whether the policy knows the place and its channel."""
    place = policy.placement(placement)
    return place is not None and channel in place.channels


def acted_on(first: Decision | Answer) -> frozenset[str]:
    """The actions of an answer."""
    return frozenset(action.action_id for action in first.actions)


def without(snapshot: Snapshot, decision_id: str) -> Snapshot:
    """The snapshot without what the decision itself brought about: its own contact does not speak against it."""
    return msgspec.structs.replace(
        snapshot,
        contacts=tuple(c for c in snapshot.contacts if c.decision_id != decision_id),
        reserved=tuple(c for c in snapshot.reserved if c.decision_id != decision_id),
    )


def recheck(
    first: Decision | Answer, again: Standing, articles: Articles, catalogue: Catalogue
) -> tuple[bool, list[Reason]]:
    """Whether every action of `first` may still go, in its form and with its items, as she stands now; else why not.

    `again` is how she stands before the actions of `first`.
    """
    blocked: list[Reason] = []
    for action in first.actions:
        gates: Sequence[str] = again.gates.get(action.action_id, ("placement",))
        blocked += _told(gates or _gates_of_form(action, again, catalogue), again)
        if _outdated(action, first, again, articles):
            blocked.append(reason("no_items"))
    return not blocked, list({r.code: r for r in blocked}.values())


def row_blocks(row: ListRow, again: Standing, articles: Articles) -> list[Reason]:
    """Why a row may not go; nothing if it may. An item that she owns and would not buy again may not be in it."""
    gates: Sequence[str] = again.gates.get(row.action_id, ("placement",))
    if row.item_ids:  # whether the engine itself would find items says nothing about these
        gates = [gate for gate in gates if gate != "no_items"]
    blocked = _told(gates, again)
    if _unfit(row.item_ids, -math.inf, again, articles):
        blocked.append(reason("no_items"))
    return blocked


def _told(gates: Sequence[str], again: Standing) -> list[Reason]:
    known = again.snapshot
    return [gate_reason(gate, holds=known.holds, state_status=known.state_status) for gate in gates]


def _gates_of_form(action: ChosenAction, again: Standing, catalogue: Catalogue) -> Sequence[str]:
    """What stands before the form that an action was to go in; another of its forms does not stand for that one."""
    asked, forms = again.request, catalogue.actions[catalogue.index[action.action_id]].treatments
    same = [f for f in forms if f.treatment == action.treatment_id and f.fits(asked.placement, asked.channel)]
    if not same:
        return ("placement",)
    at = asked.reaches_at.timestamp()
    valid = [form for form in same if form.is_valid(at)]
    if not valid:
        return ("validity",)
    fits = any(all(_is_met(one, again.observed) for one in form.applicability) for form in valid)
    return () if fits else ("applicability",)


def _is_met(condition: Condition, observed: Mapping[str, float]) -> bool:
    seen = np.array([observed.get(condition.feature, math.nan)])
    return bool(predicate(condition)({condition.feature: seen}, 1)[0])


def _outdated(action: ChosenAction, first: Decision | Answer, again: Standing, articles: Articles) -> bool:
    """Whether an item told then may not be shown now: out of stock or season, returned, or bought meanwhile."""
    items = [item.item_id for item in action.items]
    return _unfit(items, first.decided_at.timestamp(), again, articles)


def _unfit(items: Sequence[str], since: float, again: Standing, articles: Articles) -> bool:
    if not items:
        return False
    snapshot, bought = again.snapshot, set[str]()
    if (history := snapshot.history) is not None:
        latest = np.asarray(history.last_at).tolist()
        bought = {item for item, at in zip(history.items, latest, strict=True) if at > since}
    return any(
        item in snapshot.returned
        or not articles.showable(item, again.request.now.month)
        or (item in bought and not articles.repeats(item, proposed=False))
        for item in items
    )


def superseded(first: Decision, reasons: Sequence[Reason], known: Snapshot) -> Decision:
    """The first answer taken back: nothing to show, and why."""
    detail, detail_fi = "; ".join(r.text for r in reasons), "; ".join(r.text_fi for r in reasons)
    return msgspec.structs.replace(
        first,
        actions=[],
        holds=list(known.holds),
        state_status=known.state_status,
        no_action_reason=reason("superseded", detail=detail, detail_fi=detail_fi),
        superseded=True,
    )
