"""Holds of the shop's incidents: one cause, many customers."""

from collections.abc import Iterator, Sequence

from features.customer.hold_rules import HoldRules
from features.customer.incidents import Incident, affected
from features.customer.ledger import CustomerState
from features.customer.span import Span, review_at
from features.instants import days


def incident_spans(state: CustomerState, now: int, rules: HoldRules, incidents: Sequence[Incident]) -> Iterator[Span]:
    """incident: from the declaration, or from when she came to be affected, until it is closed or time has passed.

    Another order or friction of hers that it takes in makes it worse: a person's release from before does not count.
    """
    rule = rules.incident
    for incident in incidents:
        declared = incident.declared_at
        if declared > now or (took_in := affected(incident, state, now)) is None:
            continue
        opened, ends_at = max(declared, took_in[0]), declared + days(rule.lasts_days or 0)
        if incident.closed_at is not None and incident.closed_at <= now:
            ends_at = min(ends_at, incident.closed_at)
        if opened >= ends_at:
            continue
        yield Span(
            "incident",
            f"incident:{incident.incident_id}",
            rule.severity,
            rule.covers,
            incident.source_event,
            None,
            opened,
            max(declared, took_in[1]),
            ends_at,
            incident.review_at if incident.review_at is not None else review_at(rule, declared),
            "incident_closed",
            detail=incident.reason or "",
        )
