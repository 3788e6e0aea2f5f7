"""Why, and why not: a decision's verdict on every action, with what was seen, what was wanted and when a block ends."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from serving.core.catalogue import Action, Catalogue
from serving.core.conditions import Condition, predicate
from serving.core.decision import Candidate, Decision
from serving.core.held import covers
from serving.core.policy import Policy
from serving.core.words import gate_reason

CONDITION_GATES = ("eligibility", "applicability", "suitability")


def explain(decision: Decision, policy: Policy, catalogue: Catalogue, *, action: str | None = None) -> dict[str, Any]:
    """The decision in plain types: what was chosen, what blocked the rest, until when, what she would have got.

    `policy` and `catalogue` are those the decision was made by. With `action`, only that candidate is explained.
    """
    candidates = [c for c in decision.candidates if action is None or c.action_id == action]
    return {
        "customer_id": decision.customer_key,
        "decision_id": decision.decision_id,
        "decided_at": decision.decided_at.isoformat(),
        "mode": decision.mode,
        "channel": decision.channel,
        "placement": decision.placement,
        "arm": decision.arm,
        "state_status": decision.state_status,
        "actions": msgspec.to_builtins(decision.actions),
        "no_action_reason": msgspec.to_builtins(decision.no_action_reason),
        "withheld": msgspec.to_builtins(decision.withheld),
        "holds": msgspec.to_builtins(decision.holds),
        "candidates": [_candidate(c, decision, policy, catalogue) for c in candidates],
        "observed": decision.observed,
        "versions": decision.versions,
    }


def _candidate(candidate: Candidate, decision: Decision, policy: Policy, catalogue: Catalogue) -> dict[str, Any]:
    column = catalogue.index.get(candidate.action_id)
    action = None if column is None else catalogue.actions[column]
    return {
        "action_id": candidate.action_id,
        "name": None if action is None else action.name.en,
        "name_fi": None if action is None else action.name.fi,
        "category": candidate.category,
        "gates": list(candidate.gates),
        "blocks": [] if action is None else [_block(g, action, decision, policy) for g in candidate.gates],
        "response_probability": candidate.response_probability,
        "incremental_response": candidate.incremental_response,
        "expected_gain": candidate.expected_gain,
        "rank": candidate.rank,
        "chances": list(candidate.chances),
    }


def _block(gate: str, action: Action, decision: Decision, policy: Policy) -> dict[str, Any]:
    """One gate's verdict: its reason, what it saw and wanted, and when it ends if that is known."""
    place = policy.file.placements.get(decision.placement)
    holding = list(decision.holds)
    seen: dict[str, Any] = {}
    until: datetime | None = None
    if gate == "hold":
        outbound = place is not None and place.outbound
        holding = [h for h in decision.holds if covers(h, action, channel=decision.channel, outbound=outbound)]
        ends = [h.ends_at for h in holding]
        until = None if not ends or None in ends else max(e for e in ends if e is not None)
        seen = {"holds": [h.hold_id for h in holding]}
    elif gate == "state_unknown":
        seen = {"state_status": decision.state_status}
    elif gate in CONDITION_GATES:
        conditions: Sequence[Condition] = getattr(action, gate)
        seen = {"conditions": [_condition(c, decision.observed) for c in conditions]}
    elif gate == "contact_cap":
        cap = policy.file.contact_cap
        seen = {"weight": decision.observed.get("contacts_weight"), "limit": cap.limit, "window_days": cap.window_days}
    elif gate == "consent":
        seen = {"purpose": policy.purpose(action), "channel": decision.channel}
    elif gate == "placement":
        seen = {"placement": decision.placement, "categories": list(place.categories) if place else []}
    why = gate_reason(gate, holds=[h.kind for h in holding], state_status=decision.state_status)
    return {
        "gate": gate,
        "text": why.text,
        "text_fi": why.text_fi,
        **seen,
        "until": None if until is None else until.isoformat(),
    }


def _condition(condition: Condition, observed: Mapping[str, float]) -> dict[str, Any]:
    value = observed.get(condition.feature)
    column = {condition.feature: np.array([np.nan if value is None else value])}
    return {
        "feature": condition.feature,
        "op": condition.op,
        "value": condition.value,
        "observed": value,
        "met": bool(predicate(condition)(column, 1)[0]),
    }
