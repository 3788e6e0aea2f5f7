"""The margin that holds kept back, by what the decisions on record would have chosen without them. An estimate.

Counted is the expected gain of a would-be winner that nothing but a hold kept back, once for each customer and time
bucket, the largest of it: who opens a page ten times would have bought once.
"""

from collections.abc import Iterable
from typing import NamedTuple

from serving.core.catalogue import Catalogue
from serving.core.decision import Decision
from serving.core.held import blocks
from serving.core.policy import Policy

_WITH_HOLD = frozenset({"hold", "service_first"})


class Behind(NamedTuple):
    """What one kind of hold kept back: `margin` together with other kinds, `alone` by itself; minor units."""

    customers: int
    margin: float
    alone: float


class Kept(NamedTuple):
    """A would-be winner's gain, and the kinds of hold behind which it stood."""

    gain: float
    kinds: frozenset[str]


class WithheldMargin(NamedTuple):
    """`total` counts each customer and bucket once, whatever the kinds; `decisions` is how many were looked at."""

    total: float
    customers: int
    decisions: int
    by_kind: dict[str, Behind]


def withheld_margin(decisions: Iterable[Decision], policy: Policy, catalogue: Catalogue) -> WithheldMargin:
    """What holds kept back over some decisions of served, listed or hand-made rows."""
    largest: dict[tuple[str, int], Kept] = {}
    seen = 0
    for decision in decisions:
        seen += 1
        kept = _kept(decision, policy, catalogue)
        if kept is None:
            continue
        bucket = int(decision.decided_at.timestamp() // policy.bucket_seconds)
        key = (decision.customer_key, bucket)
        if key not in largest or kept.gain > largest[key].gain:
            largest[key] = kept
    kinds = sorted({kind for kept in largest.values() for kind in kept.kinds})
    return WithheldMargin(
        total=sum(kept.gain for kept in largest.values()),
        customers=len({customer for customer, _ in largest}),
        decisions=seen,
        by_kind={kind: _behind(kind, largest) for kind in kinds},
    )


def _kept(decision: Decision, policy: Policy, catalogue: Catalogue) -> Kept | None:
    """What a hold alone kept back in a decision; None where something else would have, too, or nothing was."""
    lost = decision.withheld
    if lost is None or lost.expected_gain <= 0 or "hold" not in lost.gates or not set(lost.gates) <= _WITH_HOLD:
        return None
    place = policy.placement(decision.placement)
    if "service_first" in lost.gates and (place is None or place.reserves_service):
        return None  # service comes first there, with or without the hold
    column = catalogue.index.get(lost.action_id)
    group = "" if column is None else catalogue.actions[column].group
    outbound = place is not None and place.outbound
    kinds = frozenset(
        h.kind for h in decision.holds if blocks(h, lost.category, group, channel=decision.channel, outbound=outbound)
    )
    return Kept(lost.expected_gain, kinds) if kinds else None


def _behind(kind: str, largest: dict[tuple[str, int], Kept]) -> Behind:
    mine = {key: kept for key, kept in largest.items() if kind in kept.kinds}
    return Behind(
        customers=len({customer for customer, _ in mine}),
        margin=sum(kept.gain for kept in mine.values()),
        alone=sum(kept.gain for kept in mine.values() if kept.kinds == {kind}),
    )
