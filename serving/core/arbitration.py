"""Arbitration: what each action is expected to bring, and who wins.

expected gain = context weight x lever x (incremental response x margin - response probability x incentive cost)
                - contact cost

in minor units. An incentive is charged on everyone who would use it, those who would have bought anyway included.
no_action gains 0.
"""

import numpy as np
from numpy.typing import NDArray

from serving.core.conditions import Bools, Floats


def expected_gain(
    *,
    response: Floats,
    incremental: Floats,
    margin: Floats,
    incentive_cost: Floats,
    contact_cost: Floats,
    lever: Floats,
    context_weight: Floats,
) -> Floats:
    """The gain of each action, [n, m]; every argument broadcasts to that.

    >>> one = np.array([1.0])
    >>> expected_gain(response=one * 0.5, incremental=one * 0.1, margin=one * 1000, incentive_cost=one * 100,
    ...               contact_cost=one * 5, lever=one, context_weight=one).tolist()
    [45.0]
    """
    return np.asarray(
        context_weight * lever * (incremental * margin - response * incentive_cost) - contact_cost, dtype=np.float64
    )


def retention_response(churn: Floats, kept: Floats | float) -> tuple[Floats, Floats]:
    """Response and incremental response to a retention offer: (1 - c) + c k, and c k.

    `churn` c is the chance that she leaves if left alone, `kept` k the stated chance that the offer keeps one who
    would. Those who stay anyway use the offer too, and are paid for; only the others are gained.

    >>> retention_response(np.array([0.5]), 0.2)
    (array([0.6]), array([0.1]))
    """
    gained = churn * kept
    return 1.0 - churn + gained, gained


def ranks(gain: Floats, allowed: Bools) -> NDArray[np.int64]:
    """Places 1, 2, ... of the allowed actions by gain, ties in catalogue order; 0 for the blocked. [n, m]"""
    order = np.where(allowed, -gain, np.inf).argsort(axis=1, kind="stable")
    places = np.empty_like(order)
    places[np.arange(len(gain))[:, None], order] = np.arange(1, gain.shape[1] + 1)
    return np.where(allowed, places, 0)
