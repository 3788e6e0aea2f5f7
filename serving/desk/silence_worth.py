"""What the silence of predicted holds is worth, where a share of them is let go by chance; else that it cannot be told.

Customers are compared by the arm of their first decision that met nothing but predicted holds under a policy that lets
a share go: what they bought within `OUTCOME_DAYS` after it. Means are weighed by the inverse of the chance of the arm
(Hájek), the interval is a bootstrap over customers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.customer.state import CustomerState
from features.instants import days, to_us
from serving.core.decision import Decision

OUTCOME_DAYS = 14
LEAST = 30
DRAWS = 2_000
_PREDICTED = "predicted"
Floats = NDArray[np.float64]


class Assigned(NamedTuple):
    """A customer's first draw: when, whether her holds were let go, and the chance of what was drawn."""

    at: datetime
    released: bool
    chance: float


class Worth(NamedTuple):
    """How much more margin a customer let go brought than one held, minor units in `OUTCOME_DAYS`, with 95 % of the
    bootstrap between `low` and `high`; all None where `reason` says why it is not estimable.
    """

    difference: float | None
    low: float | None
    high: float | None
    released: int
    held: int
    reason: str | None


def noting(decisions: Iterable[Decision], predicted: list[Decision]) -> Iterator[Decision]:
    """The decisions as they come; those that met predicted holds alone are put into `predicted` besides."""
    for decision in decisions:
        if {hold.kind for hold in decision.holds} == {_PREDICTED}:
            predicted.append(decision)
        yield decision


def assignments(decisions: Iterable[Decision], share_of: Callable[[str], float]) -> dict[str, Assigned]:
    """The first draw of each customer, of decisions that met predicted holds alone, in their order.

    `share_of` gives the share let go by a policy's hash.
    """
    first: dict[str, Assigned] = {}
    for decision in decisions:
        if decision.customer_key in first:
            continue
        share = share_of(decision.versions["policy"])
        if share > 0:
            released = bool(decision.released_holds)
            chance = share if released else 1 - share
            first[decision.customer_key] = Assigned(decision.decided_at, released, chance)
    return first


def bought(state: CustomerState, since: datetime) -> int:
    """What she paid within `OUTCOME_DAYS` after a moment; minor units."""
    start = to_us(since)
    return sum(o.paid for o in state.orders if start < o.at <= start + days(OUTCOME_DAYS))


def worth(assigned: Mapping[str, Assigned], margins: Mapping[str, float], now: datetime, *, seed: int = 7) -> Worth:
    """The difference in margin between customers let go and held, whose time after the draw is over by `now`."""
    done = {c: a for c, a in assigned.items() if a.at + timedelta(days=OUTCOME_DAYS) <= now}
    arms = [[c for c, a in sorted(done.items()) if a.released is released] for released in (True, False)]
    counts = [len(arm) for arm in arms]
    if min(counts) < LEAST:
        return Worth(None, None, None, counts[0], counts[1], _too_few(assigned, counts))
    values = [np.array([margins.get(c, 0.0) for c in arm]) for arm in arms]
    weights = [np.array([1 / done[c].chance for c in arm]) for arm in arms]
    random = np.random.default_rng(seed)
    released, held = (_resampled(v, w, random) for v, w in zip(values, weights, strict=True))
    low, high = np.quantile(released - held, (0.025, 0.975))
    means = [float(np.average(v, weights=w)) for v, w in zip(values, weights, strict=True)]
    return Worth(means[0] - means[1], float(low), float(high), counts[0], counts[1], None)


def _resampled(values: Floats, weights: Floats, random: np.random.Generator) -> Floats:
    picked = random.integers(0, len(values), (DRAWS, len(values)))
    found: Floats = (values[picked] * weights[picked]).sum(axis=1) / weights[picked].sum(axis=1)
    return found


def _too_few(assigned: Mapping[str, Assigned], counts: list[int]) -> str:
    if not assigned:
        return "no predicted hold was let go by chance in this time: exploration.predicted_release is 0 in the policy"
    return (
        f"{counts[0]} customers let go and {counts[1]} held have had their {OUTCOME_DAYS} days; "
        f"{LEAST} of each are needed"
    )
