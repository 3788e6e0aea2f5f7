"""State as it was: the live fold and view, replayed over the facts known at past moments."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from features.holds import HoldRules
from features.state import Fact, fold, known_by
from features.view import state_features


def state_history(
    customer_id: str, facts: Sequence[Fact], moments: Sequence[datetime], rules: HoldRules
) -> list[Mapping[str, float]]:
    """State features of one customer at each of the moments (ascending), by the fold and view that serve decisions.

    `facts` are those of all the identities she has now, in any order; at each moment only those count that had happened
    and been received by then, under her own id or one linked to her by then.
    """
    rows, folded = [], -1
    state = fold([])
    for moment in moments:
        known = _hers(customer_id, known_by(facts, moment))
        if len(known) != folded:
            state, folded = fold(known), len(known)
        rows.append(state_features(state, moment, rules))
    return rows


def _hers(customer_id: str, known: Iterable[Fact]) -> list[Fact]:
    """The facts recorded under her own id, or under one linked to her when last told; a link counts once received."""
    facts = sorted(known, key=lambda f: (f.occurred_at, f.event_id))
    if all(fact.origin == customer_id for fact in facts):
        return facts
    linked = {customer_id}
    for fact in facts:
        if fact.type == "identity":
            ids = {str(fact.payload.get("external_id")), fact.origin} - {customer_id}
            linked = linked | ids if fact.payload.get("action") == "link" else linked - ids
    return [fact for fact in facts if fact.origin in linked]
