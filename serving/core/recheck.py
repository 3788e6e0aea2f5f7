"""Asking again before acting on an earlier answer: gates only, no new draw."""

from collections.abc import Sequence

import msgspec
import numpy as np

from serving.core.decision import ChosenAction, Decision, Reason, Snapshot
from serving.core.items import Articles
from serving.core.words import gate_reason, reason


def without(snapshot: Snapshot, decision_id: str) -> Snapshot:
    """The snapshot without what the decision itself brought about: its own contact does not speak against it."""
    return msgspec.structs.replace(
        snapshot,
        contacts=tuple(c for c in snapshot.contacts if c.decision_id != decision_id),
        reserved=tuple(c for c in snapshot.reserved if c.decision_id != decision_id),
    )


def recheck(first: Decision, again: Decision, snapshot: Snapshot, articles: Articles) -> tuple[bool, list[Reason]]:
    """Whether every action of `first` may still go, items included, by the gates of `again`; else why not.

    `again` is the same question answered now, `snapshot` what it was answered from.
    """
    blocked: list[Reason] = []
    candidates = {c.action_id: c for c in again.candidates}
    for action in first.actions:
        candidate = candidates.get(action.action_id)
        gates: Sequence[str] = ("placement",) if candidate is None else candidate.gates
        kinds = [h.kind for h in again.holds]
        blocked += [gate_reason(g, holds=kinds, state_status=again.state_status) for g in gates]
        if _outdated(action, first, again, snapshot, articles):
            blocked.append(reason("no_items"))
    return not blocked, list({r.code: r for r in blocked}.values())


def _outdated(action: ChosenAction, first: Decision, again: Decision, snapshot: Snapshot, articles: Articles) -> bool:
    """Whether an item told then may not be shown now: out of stock or season, returned, or bought meanwhile."""
    bought: set[str] = set()
    if (history := snapshot.history) is not None:
        since = first.decided_at.timestamp()
        bought = {item for item, at in zip(history.items, np.asarray(history.first_at), strict=True) if at > since}
    return any(
        item.item_id in snapshot.returned
        or not articles.showable(item.item_id, again.decided_at.month)
        or (item.item_id in bought and not articles.repeats(item.item_id, proposed=False))
        for item in action.items
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
