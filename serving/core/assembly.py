"""From questions and evidence to the matrices that gates and arbitration work on; n customers by m actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.customer.coverage import Covers
from features.inputs.frame import rows_to_columns
from serving.core import contact
from serving.core.arbitration import expected_gain
from serving.core.catalogue import Catalogue
from serving.core.clock import is_within
from serving.core.conditions import Bools, Floats
from serving.core.decision import Evidence, Request
from serving.core.exploration import arm_of, bucket_of, seed_of, uniforms
from serving.core.gates import Asked
from serving.core.gathering import REFUSED
from serving.core.held import blocks
from serving.core.policy import Placement, Policy
from serving.core.worth import worth_of

PREDICTED = "predicted"


class Arm(NamedTuple):
    """Her experiment arm, the chance with which she came into it, and other identities' arms where they differ."""

    name: str
    probability: float
    crossover: tuple[str, ...]


@dataclass(frozen=True)
class Assembled:
    """Everything the engine decides on. `released` are holds let go by chance."""

    asked: Asked
    arms: list[Arm]
    buckets: list[int]
    response: Floats
    incremental: Floats
    gain: Floats
    released: list[tuple[str, ...]]


def assemble(
    requests: Sequence[Request], evidence: Sequence[Evidence], catalogue: Catalogue, policy: Policy
) -> Assembled:
    """Lay everything side by side."""
    seconds = policy.bucket_seconds
    places = [policy.file.placements[r.placement] for r in requests]
    treatment, shown, outdated = _forms(requests, places, catalogue)
    arms = [_arm(e, policy) for e in evidence]
    released = [_released(e, policy) for e in evidence]
    over, over_action = _over_caps(requests, evidence, catalogue, policy)
    quiet, silent = _quiet(requests, evidence, places, policy)
    asked = Asked(
        catalogue=catalogue,
        columns=rows_to_columns([e.features for e in evidence], sorted(catalogue.speaks_of)),
        treatment=treatment,
        outdated=outdated,
        shown=shown,
        readable=np.array([e.state_status == "ok" for e in evidence]),
        granted=_granted(evidence, places, catalogue, policy),
        objects=np.array([e.consents.get("profiling") in REFUSED for e in evidence]),
        held=_held(requests, evidence, released, places, catalogue),
        told=_told(evidence, places, catalogue),
        empty=_empty(evidence, catalogue),
        over_cap=over,
        over_action_cap=over_action,
        quiet=quiet,
        silent=silent,
        reserves=np.array(
            [p.reserves_service or len(e.holds) > len(r) for p, e, r in zip(places, evidence, released, strict=True)]
        ),
        holdout=np.array([arm.name == "holdout" for arm in arms]),
    )
    churn = np.array([np.nan if e.churn is None else e.churn for e in evidence])
    response, incremental, margin = worth_of(evidence, churn, catalogue, policy)
    costs: dict[str, float] = {name: rule.contact_cost for name, rule in policy.file.channels.items()}
    weights = {p: _context_weights(policy.file.placements[p], catalogue) for p in {r.placement for r in requests}}
    gain = expected_gain(
        response=response,
        incremental=incremental,
        margin=margin,
        incentive_cost=np.array([a.incentive_cost for a in catalogue.actions]),
        contact_cost=np.array([[costs[r.channel]] for r in requests]),
        lever=np.array([policy.file.levers.get(a.action, 1.0) for a in catalogue.actions]),
        context_weight=np.array([weights[r.placement] for r in requests]),
    )
    gain[:, catalogue.no_action] = 0.0
    buckets = [bucket_of(r.now, seconds) for r in requests]
    return Assembled(asked, arms, buckets, response, incremental, gain, released)


def _forms(
    requests: Sequence[Request], places: Sequence[Placement], catalogue: Catalogue
) -> tuple[NDArray[np.int64], Bools, Bools]:
    """[n, m] which treatment fits each place (-1: none), whether the category may show there, and what is not valid."""
    cache: dict[tuple[str, str], tuple[list[list[int]], NDArray[np.int64], Bools]] = {}
    m = len(catalogue)
    treatment = np.empty((len(requests), m), dtype=np.int64)
    shown = np.empty((len(requests), m), dtype=np.bool_)
    outdated = np.zeros((len(requests), m), dtype=np.bool_)
    for i, (request, place) in enumerate(zip(requests, places, strict=True)):
        key = (request.placement, request.channel)
        if key not in cache:
            fits = [[k for k, t in enumerate(a.treatments) if t.fits(*key)] for a in catalogue.actions]
            first = np.array([k[0] if k else -1 for k in fits], dtype=np.int64)
            cache[key] = fits, first, np.array([a.category in place.categories for a in catalogue.actions])
        fits, treatment[i], shown[i] = cache[key]
        for j in catalogue.dated:
            at, action = request.reaches_at.timestamp(), catalogue.actions[j]
            valid = [k for k in fits[j] if action.treatments[k].is_valid(at)]
            outdated[i, j] = not action.is_valid(at) or (bool(fits[j]) and not valid)
            treatment[i, j] = valid[0] if valid else treatment[i, j]
    return treatment, shown, outdated


def _context_weights(place: Placement, catalogue: Catalogue) -> list[float]:
    return [place.context_weight.get(a.action, 1.0) for a in catalogue.actions]


def _granted(evidence: Sequence[Evidence], places: Sequence[Placement], catalogue: Catalogue, policy: Policy) -> Bools:
    """Outbound: the purpose is granted or a basis declared; on-site: it is not objected to. Service needs nothing."""
    purposes = np.array([policy.purpose(a) or "" for a in catalogue.actions])
    granted = np.ones((len(evidence), len(catalogue)), dtype=np.bool_)
    for purpose in sorted(set(purposes.tolist()) - {""}):
        said = [e.consents.get(purpose) for e in evidence]
        fine = np.array(
            [s in ("granted", "declared") if p.outbound else s != "objected" for s, p in zip(said, places, strict=True)]
        )
        granted &= fine[:, None] | (purposes != purpose)[None, :]
    return granted


def _released(evidence: Evidence, policy: Policy) -> tuple[str, ...]:
    """Predicted holds let go by chance, the same for the hold's whole life; never beside any other hold."""
    share = policy.file.exploration.predicted_release
    if not share or not evidence.holds or any(h.kind != PREDICTED for h in evidence.holds):
        return ()
    ids = sorted(h.hold_id for h in evidence.holds)
    seed = seed_of(policy.file.salt, "release", evidence.identities[0], *ids)
    return tuple(ids) if uniforms(seed, 1)[0] < share else ()


def _held(
    requests: Sequence[Request],
    evidence: Sequence[Evidence],
    released: Sequence[tuple[str, ...]],
    places: Sequence[Placement],
    catalogue: Catalogue,
) -> Bools:
    held = np.zeros((len(requests), len(catalogue)), dtype=np.bool_)
    cache: dict[tuple[Covers, str, bool], Bools] = {}
    for i, (request, one, place) in enumerate(zip(requests, evidence, places, strict=True)):
        for hold in one.holds:
            if hold.hold_id in released[i]:
                continue
            key = (hold.covers, request.channel, place.outbound)
            row = cache.get(key)
            if row is None:
                row = cache[key] = np.array(
                    [
                        blocks(hold, a.category, a.group, channel=request.channel, outbound=place.outbound)
                        for a in catalogue.actions
                    ]
                )
            held[i] |= row
    return held


def _told(evidence: Sequence[Evidence], places: Sequence[Placement], catalogue: Catalogue) -> Bools:
    """What was said since the case, order or delivery last changed; service on-site may say it again."""
    told = np.zeros((len(evidence), len(catalogue)), dtype=np.bool_)
    for i, (one, place) in enumerate(zip(evidence, places, strict=True)):
        for name, at in one.told.items():
            j = catalogue.index[name]
            action = catalogue.actions[j]
            if place.outbound or action.marketing or action.once_everywhere:
                told[i, j] = at >= one.about.get(action.once_per or "", -np.inf)
    return told


def _empty(evidence: Sequence[Evidence], catalogue: Catalogue) -> Bools:
    empty = np.zeros((len(evidence), len(catalogue)), dtype=np.bool_)
    for i, one in enumerate(evidence):
        for name, items in one.items.items():
            empty[i, catalogue.index[name]] = not items
    return empty


def _over_caps(
    requests: Sequence[Request], evidence: Sequence[Evidence], catalogue: Catalogue, policy: Policy
) -> tuple[Bools, Bools]:
    """[n] whether one more contact would pass the cap, [n, m] whether it would pass the action's own."""
    weights: dict[str, float] = {name: rule.weight for name, rule in policy.file.channels.items()}
    limits = [w.limit for w in policy.file.contact_cap.windows]
    over = np.array(
        [
            any(contact.over_cap(s, weights[r.channel], limit) for s, limit in zip(e.spent, limits, strict=True))
            for r, e in zip(requests, evidence, strict=True)
        ]
    )
    over_action = np.zeros((len(requests), len(catalogue)), dtype=np.bool_)
    for i, one in enumerate(evidence):
        for name, count in one.used.items():
            j = catalogue.index[name]
            cap = catalogue.actions[j].cap
            over_action[i, j] = cap is not None and count >= cap.limit
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
