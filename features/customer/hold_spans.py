"""Every hold that the facts ever opened, as spans of time.

A span is in force from `opened_at` up to, not including, `ends_at`. Facts after `now` are not looked at. All instants
are microseconds since 1970.
"""

from collections.abc import Sequence

from features.customer.hold_rules import HoldRules
from features.customer.incidents import Incident
from features.customer.ledger import CustomerState
from features.customer.span import Span
from features.customer.spans_of_cases import case_spans, delivery_spans
from features.customer.spans_of_incidents import incident_spans
from features.customer.spans_of_signals import friction_spans, prediction_spans, rating_spans, staff_spans


def spans(state: CustomerState, now: int, rules: HoldRules, incidents: Sequence[Incident] = ()) -> list[Span]:
    """All spans of a customer known at `now`, those already over included, releases by people applied.

    `incidents` are the shop's (`incidents.incidents_of`), those declared after `now` are not looked at.
    """
    found: list[Span] = []
    if state.cases:
        found.extend(case_spans(state, now, rules))
    if state.marks:
        found.extend(rating_spans(state, now, rules))
    if state.deliveries:
        found.extend(delivery_spans(state, now, rules))
    if state.frictions:
        found.extend(friction_spans(state, now, rules))
    if state.scores:
        found.extend(prediction_spans(state, now, rules))
    if state.staff_holds:
        found.extend(staff_spans(state, now, rules))
    if incidents:
        found.extend(incident_spans(state, now, rules, incidents))
    if state.releases and found:
        _release(state, now, found)
    return found


def _release(state: CustomerState, now: int, found: list[Span]) -> None:
    """End the spans that a person released by id, at the first release since their cause last grew worse."""
    released: dict[str, list[int]] = {}
    for release in state.releases:
        if release.at <= now:
            released.setdefault(release.hold_id, []).append(release.at)
    for span in found:
        since = [at for at in released.get(span.hold_id, ()) if at >= span.renewed_at]
        if since and (span.ends_at is None or min(since) < span.ends_at):
            span.ends_at = min(since)
