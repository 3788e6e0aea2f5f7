"""State as it was: the live fold and view, replayed over the facts known at past moments."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from features.customer.hold_rules import HoldRules
from features.customer.incidents import Incident
from features.customer.state import Fact, fold, known_by
from features.customer.view import state_features


class Span(NamedTuple):
    """An origin known to be hers from `linked_at` (inclusive) to `unlinked_at` (exclusive; None: still)."""

    origin: str
    linked_at: datetime
    unlinked_at: datetime | None

    def holds_at(self, moment: datetime) -> bool:
        """Whether the origin was known to be hers then."""
        return self.linked_at <= moment and (self.unlinked_at is None or moment < self.unlinked_at)


def state_history(
    customer_id: str,
    facts: Sequence[Fact],
    spans: Iterable[Span],
    moments: Sequence[datetime],
    rules: HoldRules,
    incidents: Sequence[Sequence[Incident]] | None = None,
) -> list[dict[str, float]]:
    """State features of one customer at each of the moments, by the fold and view that serve decisions.

    `facts` are all of her own and of the origins in `spans`, in any order. At each moment only those count that had
    happened and been received by then, under her own id or an origin known to be hers then. `incidents` are, for
    each moment, those of the shop known then (None: there are none).
    """
    rows: list[dict[str, float]] = []
    folded: list[Fact] | None = None
    links = list(spans)
    for moment, known_incidents in zip(moments, incidents or [()] * len(moments), strict=True):
        hers = {customer_id} | {s.origin for s in links if s.holds_at(moment)}
        known = [fact for fact in known_by(facts, moment) if fact.origin in hers]
        if folded is None or known != folded:
            state, folded = fold(known), known
        rows.append(state_features(state, moment, rules, known_incidents))
    return rows
