"""What came of a decision: noted once, and told to the event log where it says whether a contact reached her."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from features.errors import DataError
from features.log.event_log import EventResult
from features.log.rules import RESERVED_PREFIX
from serving.core.decision import Decision
from serving.records import Records

OUTCOMES = ("sent", "impression", "click", "accept", "dismiss", "unsubscribe", "bounce", "released", "purchase")
_NO_CONTACT = ("purchase",)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a decision: one of `OUTCOMES`. `action_id` names one action of a slate; the first if None."""

    decision_id: str
    outcome: str
    occurred_at: datetime
    value: float | None = None
    action_id: str | None = None


def note(
    outcome: Outcome, now: datetime, records: Records, ingest: Callable[[list[Any], datetime, str], list[EventResult]]
) -> bool:
    """Note an outcome once; False where it was known already.

    What says that a contact reached her, or was released, becomes an event first, so that her state and the cap see it;
    a retry after a crash in between finds the event known and notes the rest. Nothing reached her before it was decided
    on, whatever the sender's clock says: it would not count toward the cap. Raises `DataError` for an unknown decision,
    outcome or action.
    """
    if outcome.outcome not in OUTCOMES:
        raise DataError(f"outcome {outcome.outcome!r} is not known. Use one of {', '.join(OUTCOMES)}.")
    decision = records.get(outcome.decision_id)
    if decision is None:
        raise DataError(f"There is no decision {outcome.decision_id!r}. Send the decision_id that was answered.")
    actions = {a.action_id: a for a in decision.actions}
    action_id = outcome.action_id or next(iter(actions), "")
    if action_id not in actions:
        raise DataError(
            f"Decision {decision.decision_id} has no action {action_id!r}. It has {', '.join(actions) or 'none'}."
        )
    if records.has_outcome(decision.decision_id, outcome.outcome, action_id):
        return False
    contact = outcome.outcome not in _NO_CONTACT
    if contact:
        at = max(outcome.occurred_at, min(decision.decided_at, now))  # a sender's clock may be behind ours
        event = _contact_event(decision, outcome.outcome, at, action_id, actions[action_id].treatment_id)
        (result,) = ingest([event], now, "outcomes")
        if result.status == "rejected" and result.reason != "conflicting_duplicate":
            raise DataError(f"The outcome cannot be taken: {result.detail or result.reason}. Correct it.")
    return records.outcome(
        decision.decision_id,
        outcome.outcome,
        action_id,
        occurred_at=outcome.occurred_at,
        received_at=now,
        value=outcome.value,
        settles=contact,
    )


def _contact_event(decision: Decision, outcome: str, at: datetime, action_id: str, treatment_id: str) -> dict[str, Any]:
    key = decision.customer_key
    who = (
        {"anonymous_id": key.removeprefix(RESERVED_PREFIX)} if key.startswith(RESERVED_PREFIX) else {"customer_id": key}
    )
    return {
        "event_id": f"outcome:{decision.decision_id}:{action_id}:{outcome}",
        "type": "contact",
        **who,
        "occurred_at": at.isoformat(),
        "channel": decision.channel,
        "payload": {
            "action_id": action_id,
            "treatment_id": treatment_id,
            "decision_id": decision.decision_id,
            "status": outcome,
        },
    }
