"""What her response to each action is worth: its chance, the part of it that the action brings about, the margin."""

import math
from collections.abc import Sequence

import numpy as np

from serving.core.arbitration import retention_response
from serving.core.catalogue import Catalogue
from serving.core.conditions import Floats
from serving.core.evidence import Evidence, ShownItem
from serving.core.plan import plan_of
from serving.core.policy import Policy


def worth_of(
    evidence: Sequence[Evidence], churn: Floats, catalogue: Catalogue, policy: Policy
) -> tuple[Floats, Floats, Floats]:
    """Response probability, incremental response and margin (minor units), each [n, m].

    An action with items: the chance that she buys at least one of them, taken as independent, and their margins
    weighed by those chances.
    """
    n, plan = len(evidence), plan_of(policy, catalogue)
    response = catalogue.priors[None, :].repeat(n, axis=0)
    margin = plan.margins[None, :].repeat(n, axis=0)
    for i, one in enumerate(evidence):
        made: dict[int, tuple[float | None, float, float]] = {}
        chances: dict[int, float] = {}
        earnings: dict[int, float] = {}
        for name, items in one.items.items():
            if not items:
                continue
            if id(items) not in made:
                made[id(items)] = _of_items(items)
            bought, earned, plain = made[id(items)]
            column, _, modelled, earns_items = plan.offers[name]
            if modelled and bought is not None:
                chances[column] = bought
            if earns_items:
                earnings[column] = earned if modelled else plain
        for feature, alike in plan.scored.items():
            score = one.features.get(feature, math.nan)
            if score == score:
                chances |= dict.fromkeys(alike, min(max(score, 0.0), 1.0))
        if one.second_purchase is not None:
            chances |= dict.fromkeys(catalogue.nurtures, one.second_purchase)
        if chances:
            response[i, list(chances)] = list(chances.values())
        if earnings:
            margin[i, list(earnings)] = list(earnings.values())
    incremental = response * catalogue.incrementality
    known = np.flatnonzero(churn == churn)
    if len(catalogue.retains) and len(known):
        those, columns = known[:, None], catalogue.retains
        response[those, columns], incremental[those, columns] = retention_response(churn[those], plan.kept)
    return response, incremental, margin


def _of_items(items: Sequence[ShownItem]) -> tuple[float | None, float, float]:
    """The chance that at least one is bought (None where a chance is not known), and their mean margin, weighed by
    chances and plain.
    """
    plain = sum(s.margin for s in items) / len(items)
    missed, chances, weighed = 1.0, 0.0, 0.0
    for one in items:
        if one.probability is None:
            return None, plain, plain
        missed *= 1.0 - one.probability
        chances += one.probability
        weighed += one.probability * one.margin
    return 1.0 - missed, weighed / chances if chances > 0 else plain, plain
