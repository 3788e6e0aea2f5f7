"""What her response to each action is worth: its chance, the part of it that the action brings about, the margin."""

from collections.abc import Sequence

import numpy as np

from serving.core.arbitration import retention_response
from serving.core.catalogue import Catalogue
from serving.core.conditions import Floats
from serving.core.decision import Evidence
from serving.core.policy import Policy


def worth_of(
    evidence: Sequence[Evidence], churn: Floats, catalogue: Catalogue, policy: Policy
) -> tuple[Floats, Floats, Floats]:
    """Response probability, incremental response and margin (minor units), each [n, m].

    An action with items: the chance that she buys at least one of them, taken as independent, and their margins
    weighed by those chances.
    """
    n, actions, worth = len(evidence), catalogue.actions, policy.file.worth
    response = np.tile(np.array([a.response.prior for a in actions], dtype=np.float64), (n, 1))
    stated = [worth.default_margin if a.value is None else a.value for a in actions]
    margin = np.tile(np.array(stated, dtype=np.float64), (n, 1))
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
    incremental = response * np.array([a.incrementality for a in actions])
    for j, action in enumerate(actions):
        if action.response.model == "churn":
            likely, gained = retention_response(churn, action.response.prior)
            response[:, j] = np.where(np.isnan(churn), response[:, j], likely)
            incremental[:, j] = np.where(np.isnan(churn), incremental[:, j], gained)
    return response, incremental, margin
