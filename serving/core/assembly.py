"""From requests and snapshots to the matrices that gates and arbitration work on; n customers by m actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.customer.state_features import STATE_FEATURES
from features.inputs.frame import CHURN_INPUTS, customer_inputs, rows_to_columns
from serving.core import contact
from serving.core.arbitration import expected_gain
from serving.core.catalogue import CHURN_PROBABILITY, Action, Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.decision import Request, Snapshot
from serving.core.exploration import arm_of, bucket_of
from serving.core.gates import Asked
from serving.core.held import covers
from serving.core.items import Articles
from serving.core.offers import Picked, items_for, worth_of
from serving.core.policy import Placement, Policy
from serving.core.scorer import Scorer

REFUSED = ("withdrawn", "objected")
DERIVED = frozenset(CHURN_INPUTS) - frozenset(STATE_FEATURES)  # model inputs that no store holds as such


@dataclass(frozen=True)
class Assembled:
    """Everything the engine decides on. `items[i]` maps an action's column to the items it would show customer i."""

    asked: Asked
    arms: list[str]
    buckets: list[int]
    response: Floats
    incremental: Floats
    gain: Floats
    churn: Floats
    spent: Floats
    items: list[Picked]


def assemble(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    scorer: Scorer,
    articles: Articles,
    catalogue: Catalogue,
    policy: Policy,
) -> Assembled:
    """Lay everything side by side. Models are asked as of the end of the time bucket: one bucket, one answer."""
    seconds = policy.bucket_seconds
    buckets = [bucket_of(r.now, seconds) for r in requests]
    at = (np.array(buckets, dtype=np.float64) + 1) * seconds
    places = [policy.file.placements[r.placement] for r in requests]
    treatment, shown = _forms(requests, places, catalogue)
    objects = np.array([s.consent("profiling", r.channel) in REFUSED for r, s in zip(requests, snapshots, strict=True)])
    columns = _columns(snapshots, at, objects, scorer, catalogue)
    items = items_for(requests, snapshots, at, objects, shown, scorer, articles, catalogue)
    empty = np.zeros(shown.shape, dtype=np.bool_)
    for i, picked in enumerate(items):
        for j, chosen in picked.items():
            empty[i, j] = not chosen
    spent, over = _contacts(requests, snapshots, catalogue, policy)
    arms = [_arm(s, policy) for s in snapshots]
    asked = Asked(
        catalogue=catalogue,
        columns=columns,
        treatment=treatment,
        shown=shown,
        readable=np.array([s.readable for s in snapshots]),
        granted=_granted(requests, snapshots, places, catalogue, policy),
        objects=objects,
        held=_held(requests, snapshots, places, catalogue),
        told=_told(requests, snapshots, places, catalogue),
        empty=empty,
        over_cap=over,
        reserves=np.array([p.reserves_service or bool(s.holds) for p, s in zip(places, snapshots, strict=True)]),
        holdout=np.array([arm == "holdout" for arm in arms]),
    )
    response, incremental, margin = worth_of(items, columns[CHURN_PROBABILITY], articles, catalogue, policy)
    costs: dict[str, float] = {name: rule.contact_cost for name, rule in policy.file.channels.items()}
    gain = expected_gain(
        response=response,
        incremental=incremental,
        margin=margin,
        incentive_cost=np.array([a.incentive_cost for a in catalogue.actions]),
        contact_cost=np.array([[costs[r.channel]] for r in requests]),
        lever=np.array([policy.file.levers.get(a.action, 1.0) for a in catalogue.actions]),
        context_weight=np.array([[p.context_weight.get(a.action, 1.0) for a in catalogue.actions] for p in places]),
    )
    gain[:, catalogue.no_action] = 0.0
    return Assembled(asked, arms, buckets, response, incremental, gain, columns[CHURN_PROBABILITY], spent, items)


def _forms(
    requests: Sequence[Request], places: Sequence[Placement], catalogue: Catalogue
) -> tuple[NDArray[np.int64], Bools]:
    """Which treatment of each action fits each place (-1: none), and whether its category may show there."""
    cache: dict[tuple[str, str], tuple[list[int], list[bool]]] = {}
    rows = []
    for request, place in zip(requests, places, strict=True):
        key = (request.placement, request.channel)
        if key not in cache:
            cache[key] = (
                [_fitting(a, *key) for a in catalogue.actions],
                [a.category in place.categories for a in catalogue.actions],
            )
        rows.append(cache[key])
    return np.array([r[0] for r in rows], dtype=np.int64), np.array([r[1] for r in rows])


def _fitting(action: Action, placement: str, channel: str) -> int:
    for index, treatment in enumerate(action.treatments):
        if channel in treatment.channels and (treatment.placements is None or placement in treatment.placements):
            return index
    return -1


def _columns(
    snapshots: Sequence[Snapshot], at: Floats, objects: Bools, scorer: Scorer, catalogue: Catalogue
) -> dict[str, Floats]:
    """Features by name: the batch record's, the live state's over them, model inputs, and the chance of leaving."""
    records: list[Mapping[str, Any] | None] = [s.features.values if s.features else None for s in snapshots]
    numeric = sorted({k for r in records if r for k, v in r.items() if v is not None and not isinstance(v, str)})
    columns = rows_to_columns(records, numeric)
    scored = columns | _side_by_side([s.scored or s.values for s in snapshots])
    if catalogue.speaks_of & DERIVED:
        names, inputs = customer_inputs(scored, at)
        columns |= dict(zip(names, inputs.T, strict=True))
    columns |= _side_by_side([s.values for s in snapshots])
    churn = scorer.churn(scored, at) if catalogue.uses_churn else np.full(len(at), np.nan)
    columns[CHURN_PROBABILITY] = np.where(objects, np.nan, churn)
    return columns


def _side_by_side(rows: Sequence[Mapping[str, float]]) -> dict[str, Floats]:
    return rows_to_columns(rows, sorted({name for row in rows for name in row}))


def _granted(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    places: Sequence[Placement],
    catalogue: Catalogue,
    policy: Policy,
) -> Bools:
    """Outbound: the purpose is granted or a basis declared; on-site: it is not objected to. Service needs nothing."""
    purposes = [policy.purpose(a) for a in catalogue.actions]
    granted = np.ones((len(requests), len(catalogue)), dtype=np.bool_)
    for i, (request, snapshot, place) in enumerate(zip(requests, snapshots, places, strict=True)):
        for purpose in {p for p in purposes if p}:
            status = snapshot.consent(purpose, request.channel)
            fine = status in ("granted", "declared") if place.outbound else status != "objected"
            if not fine:
                granted[i, [p == purpose for p in purposes]] = False
    return granted


def _held(
    requests: Sequence[Request], snapshots: Sequence[Snapshot], places: Sequence[Placement], catalogue: Catalogue
) -> Bools:
    held = np.zeros((len(requests), len(catalogue)), dtype=np.bool_)
    for i, (request, snapshot, place) in enumerate(zip(requests, snapshots, places, strict=True)):
        for one in snapshot.holds:
            held[i] |= [covers(one, a, channel=request.channel, outbound=place.outbound) for a in catalogue.actions]
    return held


def _told(
    requests: Sequence[Request], snapshots: Sequence[Snapshot], places: Sequence[Placement], catalogue: Catalogue
) -> Bools:
    """What was said since the case, order or delivery last changed; service on-site may say it again.

    What was only written or shown does not stand for a call.
    """
    once = [(j, a) for j, a in enumerate(catalogue.actions) if a.once_per]
    told = np.zeros((len(snapshots), len(catalogue)), dtype=np.bool_)
    for i, (request, snapshot, place) in enumerate(zip(requests, snapshots, places, strict=True)):
        latest: dict[str, float] = {}
        for one in (*snapshot.contacts, *snapshot.reserved):
            if request.channel == "phone" != one.channel:
                continue
            latest[one.action_id] = max(latest.get(one.action_id, -np.inf), one.at.timestamp())
        for j, action in once:
            if action.action in latest and (place.outbound or action.marketing or action.once_everywhere):
                told[i, j] = latest[action.action] >= snapshot.about.get(action.once_per or "", -np.inf)
    return told


def _contacts(
    requests: Sequence[Request], snapshots: Sequence[Snapshot], catalogue: Catalogue, policy: Policy
) -> tuple[Floats, Bools]:
    """The weight of contacts in the window, and whether one more would pass the cap."""
    cap = policy.file.contact_cap
    weights: dict[str, float] = {name: rule.weight for name, rule in policy.file.channels.items()}
    spent = np.zeros(len(requests))
    over = np.zeros(len(requests), dtype=np.bool_)
    ahead = timedelta(minutes=policy.file.clearance.future_tolerance_minutes)
    for i, (request, snapshot) in enumerate(zip(requests, snapshots, strict=True)):
        since = contact.window(request.now, cap.window_days, recovering=snapshot.recovering, factor=cap.recovery_factor)
        counted = contact.marketing_only((*snapshot.contacts, *snapshot.reserved), catalogue.is_service)
        spent[i] = contact.used(counted, since=since, until=request.now + ahead, weights=weights)
        over[i] = contact.over_cap(spent[i], weights[request.channel], cap.limit)
    return spent, over


def _arm(snapshot: Snapshot, policy: Policy) -> str:
    arms = policy.file.arms
    key = snapshot.arm_key or snapshot.customer_key
    return arm_of(policy.file.salt, key, (("holdout", arms.holdout), ("control", arms.control)))
