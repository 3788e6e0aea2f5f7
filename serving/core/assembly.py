"""From questions and evidence to the matrices that gates and arbitration work on; n customers by m actions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.core import contact
from serving.core.arbitration import expected_gain
from serving.core.catalogue import Catalogue
from serving.core.clock import is_within
from serving.core.conditions import Bools, Floats
from serving.core.evidence import Evidence
from serving.core.exploration import arm_of, bucket_of, seed_of, uniform
from serving.core.gates import Asked
from serving.core.gathering import REFUSED
from serving.core.plan import Plan, plan_of
from serving.core.policy import Placement, Policy
from serving.core.question import Request
from serving.core.worth import worth_of

PREDICTED = "predicted"


class Arm(NamedTuple):
    """Her experiment arm, the chance with which she came into it, and other identities' arms where they differ."""

    name: str
    probability: float
    crossover: tuple[str, ...]


class Assembled(NamedTuple):
    """Everything the engine decides on. `released` are holds let go by chance."""

    asked: Asked
    arms: list[Arm]
    buckets: list[int]
    response: Floats
    incremental: Floats
    gain: Floats
    released: list[tuple[str, ...]]


class BeforeGates(NamedTuple):
    """What the gates look at, each customer's arm, and her holds let go by chance."""

    asked: Asked
    arms: list[Arm]
    released: list[tuple[str, ...]]


def asked_of(
    requests: Sequence[Request], evidence: Sequence[Evidence], catalogue: Catalogue, policy: Policy
) -> BeforeGates:
    """Lay side by side what the gates look at."""
    places = [policy.file.placements[r.placement] for r in requests]
    plan = plan_of(policy, catalogue)
    features = _features(evidence, catalogue)
    treatment, outdated = _forms(requests, plan)
    unfit = _unfit(requests, features, treatment, plan)
    arms = [_arm(e, policy) for e in evidence]
    released = [_released(e, policy) for e in evidence]
    over, over_action = _over_caps(requests, evidence, plan)
    told, reached = _told(evidence, places, plan)
    quiet, silent = _quiet(requests, evidence, places, policy)
    asked = Asked(
        catalogue=catalogue,
        features=features,
        treatment=treatment,
        unfit=unfit,
        outdated=outdated,
        shown=np.array([plan.shown(r.placement) for r in requests]),
        readable=np.array([e.state_status == "ok" for e in evidence]),
        granted=_granted(evidence, places, plan),
        objects=np.array([e.consents.get("profiling") in REFUSED for e in evidence]),
        held=_held(requests, evidence, released, places, plan),
        told=told,
        empty=_empty(evidence, plan),
        over_cap=over,
        over_action_cap=over_action,
        reached=reached,
        unsampled=_unsampled(evidence, policy, catalogue),
        answered=_answered(evidence, catalogue),
        unanswered=np.array([_knocked(r, e, policy) for r, e in zip(requests, evidence, strict=True)]),
        quiet=quiet,
        silent=silent,
        reserves=np.array(
            [p.reserves_service or len(e.holds) > len(r) for p, e, r in zip(places, evidence, released, strict=True)]
        ),
        holdout=np.array([arm.name == "holdout" for arm in arms]),
    )
    return BeforeGates(asked, arms, released)


def assemble(
    requests: Sequence[Request], evidence: Sequence[Evidence], catalogue: Catalogue, policy: Policy
) -> Assembled:
    """Lay everything side by side."""
    asked, arms, released = asked_of(requests, evidence, catalogue, policy)
    plan = plan_of(policy, catalogue)
    churn = np.array([np.nan if e.churn is None else e.churn for e in evidence])
    response, incremental, margin = worth_of(evidence, churn, catalogue, policy)
    gain = expected_gain(
        response=response,
        incremental=incremental,
        margin=margin,
        incentive_cost=catalogue.incentive_cost,
        contact_cost=np.array([[plan.contact_costs[r.channel]] for r in requests]),
        lever=plan.levers,
        context_weight=np.array([plan.context_weights(r.placement) for r in requests]),
    )
    gain[:, catalogue.no_action] = 0.0
    buckets = [bucket_of(r.now, policy.bucket_seconds) for r in requests]
    return Assembled(asked, arms, buckets, response, incremental, gain, released)


def _features(evidence: Sequence[Evidence], catalogue: Catalogue) -> Floats:
    names = catalogue.features
    rows = [[e.features.get(name, np.nan) for name in names] for e in evidence]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def _forms(requests: Sequence[Request], plan: Plan) -> tuple[NDArray[np.int64], Bools]:
    """[n, m] which treatment fits each place (-1: none), and what is not valid when it would reach her."""
    actions = plan.catalogue.actions
    treatment = np.array([plan.forms(r.placement, r.channel)[1] for r in requests])
    outdated = np.zeros(treatment.shape, dtype=np.bool_)
    for i, request in enumerate(requests if plan.catalogue.dated else ()):
        fits, at = plan.forms(request.placement, request.channel)[0], request.reaches_at.timestamp()
        for j in plan.catalogue.dated:
            valid = [k for k in fits[j] if actions[j].treatments[k].is_valid(at)]
            outdated[i, j] = not actions[j].is_valid(at) or (bool(fits[j]) and not valid)
            treatment[i, j] = valid[0] if valid else treatment[i, j]
    return treatment, outdated


def _unfit(requests: Sequence[Request], features: Floats, treatment: NDArray[np.int64], plan: Plan) -> Bools:
    """[n, m] where no form that fits the place and is valid has its own conditions met; `treatment` becomes the first
    that has.
    """
    catalogue = plan.catalogue
    unfit = np.zeros(treatment.shape, dtype=np.bool_)
    conditional = [plan.conditional_forms(r.placement, r.channel) for r in requests]
    if not any(conditional):
        return unfit
    barred = catalogue.form_conditions.unmet(features).tolist()
    for i, request in enumerate(requests):
        at = request.reaches_at.timestamp()
        for j, first, fits in conditional[i]:
            forms = catalogue.actions[j].treatments
            valid = fits if j not in catalogue.dated else [k for k in fits if forms[k].is_valid(at)]
            good = next((k for k in valid or fits if not barred[i][first + k]), None)  # none valid: that gate says so
            if good is None:
                unfit[i, j] = True
            else:
                treatment[i, j] = good
    return unfit


def _granted(evidence: Sequence[Evidence], places: Sequence[Placement], plan: Plan) -> Bools:
    """Outbound: the purpose is granted or a basis declared; on-site: it is not objected to. Service needs nothing."""
    granted = np.ones((len(evidence), len(plan.catalogue)), dtype=np.bool_)
    for purpose, needing in plan.purposes.items():
        said = [e.consents.get(purpose) for e in evidence]
        fine = [
            s in ("granted", "declared") if p.outbound else s != "objected" for s, p in zip(said, places, strict=True)
        ]
        if not all(fine):
            granted &= np.array(fine)[:, None] | ~needing
    return granted


def _released(evidence: Evidence, policy: Policy) -> tuple[str, ...]:
    """Predicted holds let go by chance, the same for the hold's whole life; never beside any other hold.

    Each has its own draw, by its id alone, and all must be let go: one more prediction, or a merge, opens nothing.
    """
    share = policy.file.exploration.predicted_release
    if not share or not evidence.holds or any(h.kind != PREDICTED for h in evidence.holds):
        return ()
    ids = sorted(h.hold_id for h in evidence.holds)
    seeds = (seed_of(policy.file.salt, "release", one) for one in ids)
    return tuple(ids) if all(uniform(seed) < share for seed in seeds) else ()


def _held(
    requests: Sequence[Request],
    evidence: Sequence[Evidence],
    released: Sequence[tuple[str, ...]],
    places: Sequence[Placement],
    plan: Plan,
) -> Bools:
    held = np.zeros((len(requests), len(plan.catalogue)), dtype=np.bool_)
    for i, (request, one, place) in enumerate(zip(requests, evidence, places, strict=True)):
        for hold in one.holds:
            if hold.hold_id not in released[i]:
                held[i] |= plan.held(hold, request.channel, place.outbound)
    return held


def _told(evidence: Sequence[Evidence], places: Sequence[Placement], plan: Plan) -> tuple[Bools, Bools]:
    """[n, m] what may not be said again since the case, order or delivery last changed, and what reached her since.

    Service on-site may say it again; what was only promised to a sender has not reached her.
    """
    told, reached = (np.zeros((len(evidence), len(plan.catalogue)), dtype=np.bool_) for _ in range(2))
    for i, (one, place) in enumerate(zip(evidence, places, strict=True)):
        for name, at in one.told.items():
            for j in plan.says[name]:
                action = plan.catalogue.actions[j]
                if place.outbound or action.marketing or action.once_everywhere:
                    told[i, j] |= at >= one.about.get(action.once_per or "", -np.inf)
        for name, at in one.reached.items():
            for j in plan.says[name]:
                reached[i, j] |= at >= one.about.get(plan.catalogue.actions[j].once_per or "", -np.inf)
    return told, reached


def _unsampled(evidence: Sequence[Evidence], policy: Policy, catalogue: Catalogue) -> Bools:
    """[n, m] whom the draw for an action's sample left out: one draw an occasion, however often it is asked."""
    left_out = np.zeros((len(evidence), len(catalogue)), dtype=np.bool_)
    for j in catalogue.sampled:
        action = catalogue.actions[j]
        for i, one in enumerate(evidence):
            occasion = one.about.get(action.once_per or "", 0.0)
            seed = seed_of(policy.file.salt, "sample", action.action, one.identities[0], repr(occasion))
            left_out[i, j] = uniform(seed) >= action.sample
    return left_out


def _knocked(request: Request, evidence: Evidence, policy: Policy) -> bool:
    """Whether we have come to her often enough without an answer, and would again."""
    limit = policy.file.contact_cap.unanswered
    outbound = policy.file.placements[request.placement].outbound
    return limit is not None and outbound and evidence.unanswered >= limit


def _answered(evidence: Sequence[Evidence], catalogue: Catalogue) -> Bools:
    """[n, m] what asks for a fact that is known, or that she would rather not tell."""
    answered = np.zeros((len(evidence), len(catalogue)), dtype=np.bool_)
    for i, one in enumerate(evidence):
        if one.told_facts:
            answered[i, [j for j, fact in catalogue.asking if fact in one.told_facts]] = True
    return answered


def _empty(evidence: Sequence[Evidence], plan: Plan) -> Bools:
    empty = np.zeros((len(evidence), len(plan.catalogue)), dtype=np.bool_)
    of = plan.offers
    for i, one in enumerate(evidence):
        missing = [of[name].column for name, items in one.items.items() if not items and of[name].required]
        if missing:
            empty[i, missing] = True
    return empty


def _over_caps(requests: Sequence[Request], evidence: Sequence[Evidence], plan: Plan) -> tuple[Bools, Bools]:
    """[n] whether one more contact would pass the cap, [n, m] whether it would pass the action's own."""
    over = np.array(
        [
            any(
                contact.over_cap(spent, plan.contact_weights[r.channel], limit)
                for spent, limit in zip(e.spent, plan.limits, strict=True)
            )
            for r, e in zip(requests, evidence, strict=True)
        ]
    )
    over_action = np.zeros((len(requests), len(plan.catalogue)), dtype=np.bool_)
    for i, (request, one) in enumerate(zip(requests, evidence, strict=True)):
        for name, count in one.used.items():
            j = plan.catalogue.index[name]
            cap = plan.catalogue.actions[j].cap
            over_action[i, j] = cap is not None and cap.counts(request.channel) and count >= cap.limit
    return over, over_action


def _quiet(
    requests: Sequence[Request], evidence: Sequence[Evidence], places: Sequence[Placement], policy: Policy
) -> tuple[Bools, Bools]:
    """[n] whether it would reach her in quiet hours by a channel without offers then, and by one without anything."""
    quiet, silent = (np.zeros(len(requests), dtype=np.bool_) for _ in range(2))
    hours = policy.file.quiet_hours
    if hours is None:
        return quiet, silent
    for i, (request, one, place) in enumerate(zip(requests, evidence, places, strict=True)):
        if place.outbound and request.channel in (*hours.marketing, *hours.all):
            now = is_within(request.reaches_at, one.zone, hours.starts, hours.ends)
            quiet[i], silent[i] = now, now and request.channel in hours.all
    return quiet, silent


def _arm(evidence: Evidence, policy: Policy) -> Arm:
    arms = policy.file.arms
    shares = (("holdout", arms.holdout), ("control", arms.control))
    first, *others = (arm_of(policy.file.salt, key, shares) for key in evidence.identities)
    probability = dict(shares).get(first, 1.0 - arms.holdout - arms.control)
    return Arm(first, probability, tuple(sorted(set(others) - {first})))
