"""The engine: from what is asked and known to decisions; pure, and one path for one customer and for a million.

`gather` asks models and lays down the evidence; from there on everything follows from it alone (`conclude`). Steps 1-7
are the gates, 8 arbitration, 9 exploration, 10 holdout; docs/decisions-api.md tells them in words. Nothing here reads a
clock, a file or a store.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.errors import DataError
from serving.core.arbitration import ranks
from serving.core.assembly import Assembled, assemble
from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.decision import Decision
from serving.core.evidence import Evidence
from serving.core.exploration import chances, draw, seed_of, uniforms
from serving.core.gates import BITS, Masks, evaluate
from serving.core.gathering import gather
from serving.core.items import Articles
from serving.core.policy import Policy
from serving.core.question import Request, Snapshot
from serving.core.scorer import Scorer
from serving.core.verdict import Drawn, Row, verdict, would_be
from serving.core.version import INPUTS_HASH, engine_version


def check_request(request: Request, policy: Policy) -> None:
    """That the policy knows where this is asked; raises `DataError` with the remedy."""
    place = policy.placement(request.placement)
    if place is None:
        known = ", ".join(policy.file.placements)
        raise DataError(
            f"placement {request.placement!r} is not in the policy. Ask for one of {known}, or add it there."
        )
    if request.channel not in place.channels:
        raise DataError(
            f"channel {request.channel!r} does not belong to placement {request.placement!r}. Its channels are "
            f"{', '.join(place.channels)}."
        )
    if request.n < 1:
        raise DataError(f"n is {request.n}; ask for at least one position.")
    for name, moment in (("now", request.now), ("send_at", request.send_at)):
        if moment is not None and moment.tzinfo is None:
            raise DataError(f"{name} has no time zone; give an aware UTC instant.")
        if moment is not None and not 1970 < moment.year < 2200:
            raise DataError(f"{name} is {moment.isoformat()}; give a moment between 1971 and 2199.")


def decide(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    scorer: Scorer,
    catalogue: Catalogue,
    policy: Policy,
    *,
    articles: Articles,
    ids: Sequence[str] | None = None,
) -> list[Decision]:
    """One decision a request, in order; `snapshots` are of the same customers in the same order.

    `ids` name the decisions; without them an id follows from the question and its moment. Raises `DataError` for a
    placement or channel the policy does not know.
    """
    if not requests:
        return []
    for request in requests:
        check_request(request, policy)
    evidence = gather(requests, snapshots, scorer, articles, catalogue, policy)
    versions = {
        "engine": engine_version(),
        "policy": policy.hash,
        "catalogue": catalogue.hash,
        "bundle": scorer.id,
        "items": articles.version,
        "inputs": INPUTS_HASH,
    }
    keys = [s.customer_key for s in snapshots]
    known = [{**versions, **s.versions} for s in snapshots]
    return conclude(requests, keys, evidence, known, catalogue, policy, ids=ids)


def conclude(
    requests: Sequence[Request],
    keys: Sequence[str],
    evidence: Sequence[Evidence],
    versions: Sequence[dict[str, str]],
    catalogue: Catalogue,
    policy: Policy,
    *,
    ids: Sequence[str] | None = None,
) -> list[Decision]:
    """The decisions that follow from evidence about the customers `keys`: what a replay runs too.

    `versions` are kept with each and change nothing, but for whether a model was in force.
    """
    laid = assemble(requests, evidence, catalogue, policy)
    failed = evaluate(laid.asked)
    seeds = [
        seed_of(policy.file.salt, key, r.placement, policy.hash, str(bucket))
        for r, key, bucket in zip(requests, keys, laid.buckets, strict=True)
    ]
    drawn = _draw(laid, failed, requests, seeds, policy)
    places = ranks(laid.gain, failed == 0)
    kept_back, closest = would_be(laid, failed)
    return [
        verdict(
            request,
            keys[i],
            evidence[i],
            Row(i, laid, failed[i], places[i], drawn[i], int(kept_back[i]), int(closest[i])),
            versions[i],
            seeds[i],
            ids[i] if ids else seed_of(seeds[i], request.mode, request.channel, request.now.isoformat())[:24],
        )
        for i, request in enumerate(requests)
    ]


def _draw(
    laid: Assembled, failed: Masks, requests: Sequence[Request], seeds: Sequence[str], policy: Policy
) -> list[Drawn]:
    """The slate of each customer, and of the holdout what it would have been without the holdout."""
    catalogue = laid.asked.catalogue
    epsilon = np.array([1.0 if arm.name == "control" else policy.file.exploration.epsilon for arm in laid.arms])
    positions = max(r.n for r in requests)
    uniform = np.array([uniforms(seed, positions) for seed in seeds])
    wanted = np.array([r.n for r in requests])
    slates = _slates(laid.gain, failed == 0, epsilon, uniform, wanted, catalogue)
    held_out = np.flatnonzero(laid.asked.holdout)
    if len(held_out):
        free = (failed[held_out] & ~np.uint32(BITS["holdout"])) == 0
        would = _slates(laid.gain[held_out], free, epsilon[held_out], uniform[held_out], wanted[held_out], catalogue)
        for i, other in zip(held_out, would, strict=True):
            slates[i] = Drawn(slates[i].columns, slates[i].chances, tuple(other.columns))
    return slates


def _slates(
    gain: Floats, allowed: Bools, epsilon: Floats, uniform: Floats, wanted: NDArray[np.int64], catalogue: Catalogue
) -> list[Drawn]:
    """Draw position after position. A drawn no_action ends the slate; each position leaves out those before it."""
    slates = [Drawn([], []) for _ in gain]
    rows, positions = np.arange(len(gain)), uniform.shape[1]
    firm = catalogue.service[None, :].repeat(len(gain), axis=0)
    for position in range(positions):
        chance = chances(gain, allowed, epsilon, firm)
        chosen = draw(chance, uniform[:, position])
        for i, column, row in zip(rows.tolist(), chosen.tolist(), chance, strict=True):
            slates[i].columns.append(column)
            slates[i].chances.append(row)
        if position + 1 == positions:
            break
        on = np.flatnonzero((chosen != catalogue.no_action) & (wanted > position + 1))
        if not len(on):
            break
        allowed = allowed[on]
        allowed[np.arange(len(on)), chosen[on]] = False
        rows, gain, epsilon, firm = rows[on], gain[on], epsilon[on], firm[on]
        uniform, wanted = uniform[on], wanted[on]
    return slates
