"""The gates as a plain loop, action by action, condition by condition: what the engine is measured beside."""

from typing import Any
from zoneinfo import ZoneInfo

from features.customer.coverage import OUTBOUND_CHANNELS
from serving.core.actions import Action
from serving.core.catalogue import Catalogue
from serving.core.conditions import Condition
from serving.core.evidence import Evidence
from serving.core.policy import Policy
from serving.core.question import Request


def judged_by_loop(evidence: Evidence, request: Request, catalogue: Catalogue, policy: Policy) -> list[bool]:
    """Whether each action of the catalogue survives every gate, in its order."""
    stands = [a.action == "no_action" or _stands(a, evidence, request, policy) for a in catalogue.actions]
    outranking = any(ok and a.outranks for ok, a in zip(stands, catalogue.actions, strict=True))
    if outranking:
        stands = [ok and (a.outranks or a.category == "none") for ok, a in zip(stands, catalogue.actions, strict=True)]
    served = any(
        ok and not a.marketing and a.category != "none" for ok, a in zip(stands, catalogue.actions, strict=True)
    )
    first = policy.file.placements[request.placement].reserves_service or bool(evidence.holds)
    return [ok and not (a.marketing and served and first) for ok, a in zip(stands, catalogue.actions, strict=True)]


def _stands(action: Action, evidence: Evidence, request: Request, policy: Policy) -> bool:
    place, at = policy.file.placements[request.placement], request.reaches_at
    fitting = [t for t in action.treatments if t.fits(request.placement, request.channel)]
    if action.category not in place.categories or not fitting:
        return False
    if not action.is_valid(at.timestamp()) or not any(t.is_valid(at.timestamp()) for t in fitting):
        return False
    for condition in (*action.eligibility, *action.applicability, *action.suitability):
        if not _met(condition, evidence.features.get(condition.feature)):
            return False
    if action.items is not None and not evidence.items.get(action.action):
        return False
    if action.personal and evidence.consents.get("profiling") in ("withdrawn", "objected"):
        return False
    for hold in evidence.holds:
        pushed = place.outbound and request.channel not in OUTBOUND_CHANNELS
        channels = (request.channel, *OUTBOUND_CHANNELS) if pushed else (request.channel,)
        if any(hold.blocks(action.category, action.group, channel) for channel in channels):
            return False
    said = [evidence.told[name] for name in (action.action, *action.said_with) if name in evidence.told]
    again = bool(said) and max(said) >= evidence.about.get(action.once_per or "", float("-inf"))
    if again and (place.outbound or action.marketing or action.once_everywhere):
        return False
    quiet = policy.file.quiet_hours
    if quiet is not None and place.outbound:
        clock = at.astimezone(ZoneInfo(evidence.zone)).time()
        asleep = clock >= quiet.starts or clock < quiet.ends
        if quiet.starts < quiet.ends:
            asleep = quiet.starts <= clock < quiet.ends
        if asleep and (request.channel in quiet.all or (action.marketing and request.channel in quiet.marketing)):
            return False
    return not action.marketing or _may_be_sold(action, evidence, request, policy)


def _may_be_sold(action: Action, evidence: Evidence, request: Request, policy: Policy) -> bool:
    if evidence.state_status != "ok":
        return False
    purpose = policy.purpose(action)
    said = evidence.consents.get(purpose or "")
    if policy.file.placements[request.placement].outbound:
        if said not in ("granted", "declared"):
            return False
    elif said == "objected":
        return False
    weight = policy.file.channels[request.channel].weight  # type: ignore[index]
    for spent, window in zip(evidence.spent, policy.file.contact_cap.windows, strict=True):
        if spent + weight > window.limit + 1e-9:
            return False
    return action.cap is None or evidence.used.get(action.action, 0) < action.cap.limit


def _met(condition: Condition, seen: float | None) -> bool:
    wanted: Any = condition.value
    if seen is None:
        return condition.op == "absent"
    match condition.op:
        case ">=":
            return seen >= wanted  # type: ignore[no-any-return]
        case ">":
            return seen > wanted  # type: ignore[no-any-return]
        case "<=":
            return seen <= wanted  # type: ignore[no-any-return]
        case "<":
            return seen < wanted  # type: ignore[no-any-return]
        case "==":
            return seen == wanted  # type: ignore[no-any-return]
        case "!=":
            return seen != wanted  # type: ignore[no-any-return]
        case "between":
            return wanted[0] <= seen <= wanted[1]  # type: ignore[no-any-return]
        case "in":
            return seen in wanted
        case "present":
            return True
    return False
