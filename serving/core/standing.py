"""How customers stand before the gates of some actions: what asking again needs of a decision, and no more.

Evidence, matrices and gates are those of `engine.decide`, over the whole catalogue. But actions that have no say in
the matter are laid bare first: without conditions, items and models, nothing need be known for their sake. Nothing is
weighed, drawn or put into words.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from serving.core.actions import Action, Response
from serving.core.assembly import asked_of
from serving.core.catalogue import Catalogue
from serving.core.decision import Decision
from serving.core.engine import check_request
from serving.core.gates import evaluate, names_of
from serving.core.gathering import gather
from serving.core.items import Articles
from serving.core.plan import plan_of
from serving.core.policy import Policy
from serving.core.question import Request, Snapshot
from serving.core.scorer import Scorer

FEW = 5
"""Fewer questions about the same actions are asked of the catalogue as it is, together: to part them takes longer."""
MOST = 50
"""So many catalogues laid bare are kept."""

NO_WORTH = Response(prior=0.0)

Place = tuple[frozenset[str], str, str]


class Standing(NamedTuple):
    """What was asked and is known of her, the gates that stand before actions, and what conditions spoke of."""

    request: Request
    snapshot: Snapshot
    gates: Mapping[str, tuple[str, ...]]
    observed: Mapping[str, float]


def standing_of(decision: Decision, snapshot: Snapshot) -> Standing:
    """How she stood when that was decided, before all actions."""
    return Standing(
        decision.question(), snapshot, {c.action_id: c.gates for c in decision.candidates}, decision.observed
    )


def stand(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    actions: Sequence[Collection[str]],
    scorer: Scorer,
    catalogue: Catalogue,
    policy: Policy,
    *,
    articles: Articles,
) -> list[Standing]:
    """How each customer stands before the `actions` asked about for her: the gates that `decide` finds for them.

    An action not in the catalogue has no gates. Raises `DataError` as `decide`.
    """
    groups: dict[Place | None, list[int]] = {}
    for i, (request, about) in enumerate(zip(requests, actions, strict=True)):
        check_request(request, policy)
        groups.setdefault((frozenset(about), request.placement, request.channel), []).append(i)
    few = [place for place, those in groups.items() if len(those) < FEW]
    if rest := [i for place in few for i in groups.pop(place)]:
        groups[None] = rest
    found: dict[int, Standing] = {}
    for place, those in groups.items():
        bare = catalogue if place is None else laid_bare(catalogue, policy, *place)
        asked, known = [requests[i] for i in those], [snapshots[i] for i in those]
        evidence = gather(asked, known, scorer, articles, bare, policy)
        failed = evaluate(asked_of(asked, evidence, bare, policy).asked)
        for i, one, masks in zip(those, evidence, failed, strict=True):
            gates = {a: names_of(int(masks[bare.index[a]])) for a in actions[i] if a in bare.index}
            found[i] = Standing(requests[i], snapshots[i], gates, one.features)
    return [found[i] for i in range(len(requests))]


def laid_bare(catalogue: Catalogue, policy: Policy, about: Collection[str], placement: str, channel: str) -> Catalogue:
    """The catalogue in which only those actions have conditions and items that decide on the gates of `about` there.

    Beside them these are service that the place may show and what outranks all, for they go first, and of actions that
    come before any of these the eligibility. Items are down to whether there is one. Caps, validity, consent and what
    was told are as they were, of all actions.
    """
    kept = plan_of(policy, catalogue).laid_bare
    key = frozenset(about), placement, channel
    if key not in kept:
        if len(kept) >= MOST:
            for old in kept.values():
                policy.plans.pop(old.hash, None)
            kept.clear()
        kept[key] = _laid_bare(catalogue, policy, *key)
    return kept[key]


def _laid_bare(catalogue: Catalogue, policy: Policy, about: frozenset[str], placement: str, channel: str) -> Catalogue:
    plan = plan_of(policy, catalogue)
    shown, fits = plan.shown(placement), plan.forms(placement, channel)[0]
    heard = {
        a.action
        for j, a in enumerate(catalogue.actions)
        if a.action in about or (shown[j] and fits[j] and (catalogue.service[j] or a.outranks))
    }
    before = {one for a in catalogue.actions if a.action in heard for one in a.after}
    actions = tuple(
        _heard(a) if a.action in heard else _bare(a, with_eligibility=a.action in before) for a in catalogue.actions
    )
    name = "\x1f".join((catalogue.hash, placement, channel, *sorted(about)))
    return replace(catalogue, actions=actions, hash=hashlib.sha256(name.encode()).hexdigest())


def _heard(action: Action) -> Action:
    """The action with all that its gates look at, but worth nothing."""
    items = action.items and (action.items.model_copy(update={"count": 1}) if action.items.required else None)
    return action.model_copy(update={"items": items, "response": NO_WORTH})


def _bare(action: Action, *, with_eligibility: bool) -> Action:
    nothing = {"eligibility": action.eligibility if with_eligibility else (), "applicability": (), "suitability": ()}
    forms = tuple(form.model_copy(update={"applicability": ()}) for form in action.treatments)
    return action.model_copy(update={**nothing, "treatments": forms, "items": None, "response": NO_WORTH})
