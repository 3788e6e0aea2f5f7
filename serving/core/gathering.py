"""From questions, snapshots and models to the evidence that decisions are made of, one customer a record."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from features.inputs.frame import CHURN_INPUTS, inputs_of, stored_of
from features.instants import SECOND
from serving.core import contact
from serving.core.action_checks import TELLS
from serving.core.actions import LANGUAGE, Items
from serving.core.catalogue import Catalogue
from serving.core.clock import is_zone
from serving.core.conditions import Bools, Floats, told
from serving.core.evidence import Evidence, ShownItem
from serving.core.exploration import bucket_of, explored_order, seed_of, uniforms
from serving.core.items import Articles, Scored, margin_of
from serving.core.modelled import Said, asks_models, said_of_all
from serving.core.offers import items_for
from serving.core.plan import Plan, Shelf, plan_of
from serving.core.policy import Policy
from serving.core.question import Contact, Request, Snapshot
from serving.core.scorer import Scorer

REFUSED = ("withdrawn", "objected")
CALL = "phone"  # what was only written or shown does not stand for a call
SPARE = 3  # times as many items to draw from as an action shows, where they are drawn
PURPOSES = ("marketing", "feedback", "profiling")


def gather(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    scorer: Scorer,
    articles: Articles,
    catalogue: Catalogue,
    policy: Policy,
) -> list[Evidence]:
    """The evidence of each question. Models are asked as of the end of the time bucket: one bucket, one answer."""
    seconds = policy.bucket_seconds
    at = (np.array([bucket_of(r.now, seconds) for r in requests], dtype=np.float64) + 1) * seconds
    consents = [
        {p: status for p in PURPOSES if (status := s.consent(p, r.channel))}
        for r, s in zip(requests, snapshots, strict=True)
    ]
    objects = np.array([c.get("profiling") in REFUSED for c in consents])
    plan = plan_of(policy, catalogue)
    features, modelled = _scored(snapshots, at, objects, scorer, plan)
    spare = SPARE if policy.file.exploration.items == "explored" else 1
    items = items_for(requests, snapshots, at, objects, scorer, articles, plan, spare=spare)
    ahead = timedelta(minutes=policy.file.clearance.future_tolerance_minutes)
    cap_unanswered = policy.file.contact_cap.unanswered is not None
    found = []
    for i, (request, snapshot) in enumerate(zip(requests, snapshots, strict=True)):
        contacts = (*snapshot.contacts, *snapshot.reserved)
        spent, frees_at = _spent(request, snapshot, contacts, catalogue, policy) if contacts else (None, None)
        reached = _reached(request, snapshot.contacts, plan)
        said, used = _remembered(request, contacts, request.now + ahead, plan)
        profile = snapshot.view.profile if snapshot.view is not None else {}
        found.append(
            Evidence(
                identities=_identities(snapshot),
                state_status=snapshot.state_status,
                holds=snapshot.holds,
                consents=consents[i],
                features=features[i],
                churn=modelled[i].churn,
                inputs=modelled[i].inputs,
                spent=spent or (0.0,) * len(policy.file.contact_cap.windows),
                frees_at=frees_at,
                used=used,
                told=said,
                reached=reached,
                unanswered=_unanswered(snapshot, contacts, catalogue, plan) if cap_unanswered else 0,
                about=dict(snapshot.about),
                recovering=snapshot.recovering,
                zone=_zone(profile.get("time_zone"), policy),
                language=_language(request.language, profile.get("language"), policy),
                items=_shown_items(
                    items[i], plan.shelf(request.placement), articles, policy, _item_seed(request, snapshot, policy)
                ),
                stage=_stage(snapshot),
                second_purchase=modelled[i].second_purchase,
                value=modelled[i].value,
                told_facts=tuple(sorted({fact for _, fact in catalogue.asking} & snapshot.told_facts)),
            )
        )
    return found


def _remembered(
    request: Request, contacts: Sequence[Contact], until: datetime, plan: Plan
) -> tuple[dict[str, float], dict[str, int]]:
    """When each action said once was last said (epoch seconds), and contacts of actions within caps of their own."""
    said: dict[str, float] = {}
    used: dict[str, int] = {}
    for one in contacts:
        if one.action_id in plan.said_once and (one.channel == CALL or request.channel != CALL):
            said[one.action_id] = max(said.get(one.action_id, -math.inf), one.at.timestamp())
        for name, cap in plan.own_caps.get(one.action_id, ()):
            if cap.counts(one.channel) and request.now - timedelta(days=cap.days) < one.at <= until:
                used[name] = used.get(name, 0) + 1
    return said, used


def _unanswered(snapshot: Snapshot, contacts: Sequence[Contact], catalogue: Catalogue, plan: Plan) -> int:
    """The sales contacts by which we came to her since her last sign of life, each decision once."""
    since = snapshot.last_sign_at
    ours = [
        one
        for one in contacts
        if one.at.timestamp() > since and one.channel in plan.outbound_only and catalogue.sells(one.action_id)
    ]
    return len({one.decision_id or index for index, one in enumerate(ours)})


def _reached(request: Request, contacts: Sequence[Contact], plan: Plan) -> dict[str, float]:
    """When actions that others wait for last reached her (epoch seconds): a promise to a sender says nothing yet."""
    reached: dict[str, float] = {}
    for one in contacts if plan.awaited else ():
        if one.action_id in plan.awaited:
            reached[one.action_id] = max(reached.get(one.action_id, -math.inf), one.at.timestamp())
    return reached


def _identities(snapshot: Snapshot) -> tuple[str, ...]:
    """Her ids, oldest first."""
    if snapshot.view is not None and snapshot.view.state.origins:
        return tuple(origin for origin, _ in snapshot.view.state.origins)
    return (snapshot.arm_key or snapshot.customer_key,)


def _stage(snapshot: Snapshot) -> str:
    """The stage of her journey in a word."""
    code = snapshot.values.get("stage")
    return "" if code is None else told("stage", code)


def _zone(named: Any, policy: Policy) -> str:
    if isinstance(named, str) and is_zone(named):
        return named
    return policy.file.quiet_hours.zone if policy.file.quiet_hours else ""


def _language(asked: str | None, hers: Any, policy: Policy) -> str:
    """The language asked for, else the one she named (`fi`, or `fi-FI`), else the policy's."""
    if asked:
        return asked
    named = hers.strip().lower().partition("-")[0] if isinstance(hers, str) else ""
    return named if re.match(LANGUAGE, named) else policy.file.language


def _scored(
    snapshots: Sequence[Snapshot], at: Floats, objects: Bools, scorer: Scorer, plan: Plan
) -> tuple[list[dict[str, float]], list[Said]]:
    """Features that conditions speak of, and what the models say, of each customer."""
    spoken, catalogue = plan.spoken, plan.catalogue
    said = [Said()] * len(snapshots)
    derived: list[dict[str, float]] = [{}] * len(snapshots)
    if (scorer.uses_inputs and asks_models(catalogue)) or spoken.derived:
        rows = inputs_of(stored_of([_known(s, moment) for s, moment in zip(snapshots, at.tolist(), strict=True)]), at)
        if spoken.derived:
            derived = [{name: row[j] for name, j in spoken.derived} for row in rows.tolist()]
        said = said_of_all(rows, CHURN_INPUTS, objects, scorer, catalogue, plan.said)
    features = []
    for snapshot, more, models, refuses in zip(snapshots, derived, said, objects.tolist(), strict=True):
        known = snapshot.values.get
        seen = {name: float(v) for name in spoken.stored if (v := known(name)) is not None and v == v}
        if spoken.scores and not refuses:
            more = more | {name: v for name, model in spoken.scores if (v := snapshot.scored.get(model)) is not None}
        more = more | models.features(catalogue)
        features.append(seen | {name: float(v) for name, v in more.items() if v == v})
    return features, said


def _known(snapshot: Snapshot, moment: float) -> Mapping[str, Any]:
    """What models see: the batch record, and live features as of the end of the bucket over it."""
    live = _live_at(snapshot, moment)
    return live if snapshot.features is None else {**snapshot.features.values, **live}


def _live_at(snapshot: Snapshot, moment: float) -> Mapping[str, float]:
    view = snapshot.view
    if view is None:
        return snapshot.values
    return view.seen_by_models(round(moment * SECOND))


def _spent(
    request: Request, snapshot: Snapshot, contacts: Sequence[Contact], catalogue: Catalogue, policy: Policy
) -> tuple[tuple[float, ...], float | None]:
    """The weight of contacts in each window, and when one more would fit (None: now)."""
    cap, weights = policy.file.contact_cap, plan_of(policy, catalogue).contact_weights
    until = request.now + timedelta(minutes=policy.file.clearance.future_tolerance_minutes)
    counted = contact.marketing_only(contacts, catalogue.is_service)
    spent, free = [], -math.inf
    for window in cap.windows:
        length = timedelta(days=window.days * (cap.recovery_factor if snapshot.recovering else 1.0))
        used = contact.used(counted, since=request.now - length, until=until, weights=weights)
        spent.append(used)
        more = weights[request.channel]
        if contact.over_cap(used, more, window.limit):
            free = max(free, contact.frees_at(counted, request.now, length, until, weights, window.limit - more))
    return tuple(spent), None if free == -math.inf else free


def _item_seed(request: Request, snapshot: Snapshot, policy: Policy) -> str | None:
    """The seed of the order of her items, None where they are ranked."""
    if policy.file.exploration.items == "ranked":
        return None
    bucket = bucket_of(request.now, policy.bucket_seconds)
    return seed_of(policy.file.salt, "items", snapshot.customer_key, request.placement, policy.hash, str(bucket))


def _shown_items(
    picked: Mapping[str, Sequence[Scored]], shelf: Shelf, articles: Articles, policy: Policy, seed: str | None
) -> dict[str, tuple[ShownItem, ...]]:
    """The items by action, of those picked from each source; actions that share a list share what is made of it."""
    worth = policy.file.worth.default_margin, policy.file.worth.margin_share
    shown = {source: [_shown_item(one, articles, worth) for one in chosen] for source, chosen in picked.items()}
    made: list[tuple[ShownItem, ...]] = []
    for need in shelf.lists:
        tells = need.source in TELLS
        all_of = shown[need.source][: need.count if tells or seed is None else need.count * SPARE]
        if tells:
            all_of = [msgspec.structs.replace(one, url=articles.by_id[one.item_id].knowledge_url) for one in all_of]
        made.append(tuple(all_of if seed is None else _drawn_items(all_of, need, seed)))
    return {action: made[number] for action, number in shelf.of_action}


def _drawn_items(pool: Sequence[ShownItem], need: Items, seed: str) -> list[ShownItem]:
    """As many of the pool as the action shows, drawn in proportion to their chances; evenly where none are known."""
    weights = [1.0 if one.probability is None else one.probability for one in pool]
    numbers = uniforms(seed_of(seed, need.source, str(need.count)), need.count).tolist()
    return [
        msgspec.structs.replace(pool[place], drawn=chance)
        for place, chance in zip(*explored_order(weights, numbers), strict=True)
    ]


def _shown_item(scored: Scored, articles: Articles, worth: tuple[float, float]) -> ShownItem:
    item, probability, _, quantity, runs_out = scored
    article = articles.by_id.get(item)
    title = None if article is None else article.title
    chance = None if probability != probability else probability
    return ShownItem(item, title, chance, float(margin_of(article, *worth)), 1.0, quantity, None, runs_out)
