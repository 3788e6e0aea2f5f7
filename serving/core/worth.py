"""What her response to each action is worth: its chance, the part of it that the action brings about, the margin."""

from collections.abc import Sequence

import numpy as np

from serving.core.arbitration import retention_response
from serving.core.catalogue import Catalogue
from serving.core.conditions import Floats
from serving.core.decision import Evidence
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
        for name, items in one.items.items():
            j = catalogue.index[name]
            if not items:
                continue
            chance = [s.probability for s in items]
            known = actions[j].response.model == "next_offer" and None not in chance
            if known:
                missed = 1.0
                for p in chance:
                    missed *= 1.0 - (p or 0.0)
                response[i, j] = 1.0 - missed
            if actions[j].value is None:
                weights = [p or 0.0 for p in chance] if known else [1.0] * len(items)
                total = sum(weights) or float(len(items))
                if not any(weights):
                    weights = [1.0] * len(items)
                margin[i, j] = sum(w * s.margin for w, s in zip(weights, items, strict=True)) / total
    incremental = response * catalogue.incrementality
    for j in catalogue.retains:
        likely, gained = retention_response(churn, actions[j].response.prior)
        response[:, j] = np.where(np.isnan(churn), response[:, j], likely)
        incremental[:, j] = np.where(np.isnan(churn), incremental[:, j], gained)
    return response, incremental, margin
