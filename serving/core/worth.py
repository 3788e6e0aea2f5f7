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
    n, actions = len(evidence), catalogue.actions
    response = np.repeat(catalogue.priors[None, :], n, axis=0)
    margin = np.repeat(plan_of(policy, catalogue).margins[None, :], n, axis=0)
    for i, one in enumerate(evidence):
        made: dict[int, tuple[float | None, float, float]] = {}
        for name, items in one.items.items():
            if not items:
                continue
            j = catalogue.index[name]
            if id(items) not in made:
                made[id(items)] = _of_items(items)
            bought, earned, plain = made[id(items)]
            modelled = actions[j].response.model == "next_offer"
            if modelled and bought is not None:
                response[i, j] = bought
            if actions[j].value is None:
                margin[i, j] = earned if modelled else plain
    for j, feature in catalogue.scored:
        scores = [one.features.get(feature, math.nan) for one in evidence]
        response[:, j] = [response[i, j] if s != s else min(max(s, 0.0), 1.0) for i, s in enumerate(scores)]
    for j in catalogue.nurtures:
        again = [one.second_purchase for one in evidence]
        response[:, j] = [response[i, j] if p is None else p for i, p in enumerate(again)]
    incremental = response * catalogue.incrementality
    known = np.flatnonzero(~np.isnan(churn))
    if catalogue.retains and len(known):
        those, columns = known[:, None], np.array(catalogue.retains)
        likely, gained = retention_response(churn[those], catalogue.priors[columns])
        response[those, columns], incremental[those, columns] = likely, gained
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
