"""Why, and why not: a decision told as what was chosen, what it beat, what blocked the rest and until when, and what
would have been without each block.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from serving.core.actions import Action
from serving.core.assembly import assemble
from serving.core.catalogue import Catalogue
from serving.core.conditions import Condition, predicate
from serving.core.decision import Candidate, Decision
from serving.core.ends import end_of
from serving.core.gates import evaluate
from serving.core.held import covers
from serving.core.policy import Policy
from serving.core.words import gate_reason, reason

CONDITION_GATES = ("eligibility", "applicability", "suitability")


def explain(decision: Decision, policy: Policy, catalogue: Catalogue, *, action: str | None = None) -> dict[str, Any]:
    """A decision in plain types with its verdicts spelled out, under the policy and catalogue it was made by.

    `action` narrows the candidates to one. Nothing is drawn anew; `without` says what would have been best had one gate
    alone stood open.
    """
    candidates = [c for c in decision.candidates if action is None or c.action_id == action]
    without = _without(decision, policy, catalogue)
    return {
        "customer_id": decision.customer_key,
        "decision_id": decision.decision_id,
        "decided_at": decision.decided_at.isoformat(),
        "send_at": None if decision.send_at is None else decision.send_at.isoformat(),
        "mode": decision.mode,
        "channel": decision.channel,
        "placement": decision.placement,
        "arm": decision.arm,
        "arm_probability": decision.arm_probability,
        "crossover": list(decision.crossover),
        "state_status": decision.state_status,
        "actions": msgspec.to_builtins(decision.actions),
        "no_action_reason": msgspec.to_builtins(decision.no_action_reason),
        "withheld": msgspec.to_builtins(decision.withheld),
        "holds": msgspec.to_builtins(decision.holds),
        "released_holds": list(decision.released_holds),
        "without": list(without.values()),
        "candidates": [_candidate(c, decision, policy, catalogue, without) for c in candidates],
        "observed": decision.observed,
        "versions": decision.versions,
    }


def _without(decision: Decision, policy: Policy, catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """By gate that is closed for anything: what would have been best with that gate alone open for all."""
    laid = assemble([decision.question()], [decision.evidence], catalogue, policy)
    closed = dict.fromkeys(gate for c in decision.candidates for gate in c.gates)
    best = {gate: _best(laid.gain[0], evaluate(laid.asked, but=(gate,))[0] == 0) for gate in closed}
    now = _best(laid.gain[0], evaluate(laid.asked)[0] == 0)
    found = {}
    for gate, j in best.items():
        winner = catalogue.actions[j]
        code = "same_without" if j == now else "nothing_without" if j == catalogue.no_action else "would_get"
        said = reason(code, detail=winner.name.en, detail_fi=winner.name.fi)
        found[gate] = {
            "gate": gate,
            "changes": j != now,
            "action_id": winner.action,
            "expected_gain": float(laid.gain[0, j]),
            "text": said.text,
            "text_fi": said.text_fi,
        }
    return found


def _best(gain: np.ndarray[Any, Any], allowed: np.ndarray[Any, Any]) -> int:
    return int(np.argmax(np.where(allowed, gain, -np.inf)))


def _candidate(
    candidate: Candidate,
    decision: Decision,
    policy: Policy,
    catalogue: Catalogue,
    without: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    action = catalogue.actions[catalogue.index[candidate.action_id]]
    return {
        "action_id": candidate.action_id,
        "name": action.name.en,
        "name_fi": action.name.fi,
        "category": candidate.category,
        "gates": list(candidate.gates),
        "blocks": [
            _block(g, action, decision, policy) | {"decides": without[g]["action_id"] == candidate.action_id}
            for g in candidate.gates
        ],
        "response_probability": candidate.response_probability,
        "incremental_response": candidate.incremental_response,
        "expected_gain": candidate.expected_gain,
        "rank": candidate.rank,
        "chances": list(candidate.chances),
    }


def _block(gate: str, action: Action, decision: Decision, policy: Policy) -> dict[str, Any]:
    """One gate's verdict: its reason, what it saw and wanted, and when it ends."""
    place = policy.file.placements[decision.placement]
    holding = list(decision.holds)
    seen: dict[str, Any] = {}
    if gate == "hold":
        holding = [h for h in holding if covers(h, action, channel=decision.channel, outbound=place.outbound)]
        seen = {"holds": [h.hold_id for h in holding]}
    elif gate == "state_unknown":
        seen = {"state_status": decision.state_status}
    elif gate in CONDITION_GATES:
        conditions = action.conditions(gate, decision.placement, decision.channel)
        seen = {"conditions": [_condition(c, decision.observed) for c in conditions]}
    elif gate == "contact_cap":
        windows = zip(policy.file.contact_cap.windows, decision.evidence.spent, strict=True)
        factor = policy.file.contact_cap.recovery_factor if decision.evidence.recovering else 1.0
        seen = {"windows": [{"days": w.days * factor, "limit": w.limit, "spent": spent} for w, spent in windows]}
    elif gate == "action_cap" and action.cap is not None:
        used = decision.evidence.used.get(action.action, 0)
        seen = {"days": action.cap.days, "limit": action.cap.limit, "used": used}
    elif gate == "consent":
        purpose = policy.purpose(action) or ""
        seen = {"purpose": purpose, "channel": decision.channel, "said": decision.evidence.consents.get(purpose)}
    elif gate == "quiet_hours":
        seen = {"zone": decision.evidence.zone}
    elif gate == "placement":
        seen = {"placement": decision.placement, "categories": list(place.categories)}
    why = gate_reason(gate, holds=holding, state_status=decision.state_status)
    ends = end_of(gate, action, decision, policy, holding)
    return {
        "gate": gate,
        "text": why.text,
        "text_fi": why.text_fi,
        **seen,
        "until": None if ends.at is None else ends.at.isoformat(),
        "ends": ends.text,
        "ends_fi": ends.text_fi,
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
