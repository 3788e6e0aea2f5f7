"""Holds: what is kept from a dissatisfied customer, since when, and what ends it. Derived from facts, never stored."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from features.customer.coverage import Covers
from features.customer.hold_rules import HOLD_KINDS, HoldRule, HoldRules
from features.customer.hold_spans import spans
from features.customer.incidents import Incident
from features.customer.ledger import CustomerState
from features.customer.span import Span
from features.instants import days, from_us, to_us

__all__ = ["HOLD_KINDS", "RELEASE_CODES", "Covers", "Hold", "HoldRule", "HoldRules", "holds_in_force", "standing"]

RELEASE_CODES = {
    "case_closed": "the return is closed or cancelled",
    "case_resolved": "the case is resolved, and then the cool-down is over or she says it went well",
    "cool_down_over": "the cool-down is over, or she says it went well",
    "delivered": "the parcel is delivered and the cool-down is over, or the order is cancelled",
    "good_rating": "time has passed, or she gives the same touchpoint a good rating",
    "score_below": "time has passed, or a later score falls below the lower threshold",
    "incident_closed": "time has passed, or the incident is closed",
    "time": "time has passed",
    "person_releases": "a person releases it",
}


LONGEST_DETAIL = 300
"""A hold is copied into every record of her: of what a person or a model had to say, the beginning."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold in force. Instants are aware UTC datetimes.

    `ends_at` is when the clock alone ends it, None while something must happen first; then `review_at` says when a
    person should look. `release_when` is a code of `RELEASE_CODES`. `hold_id` stays the same over the hold's life.
    """

    hold_id: str
    kind: str
    severity: int
    covers: Covers
    source_event: str
    case_id: str | None
    opened_at: datetime
    release_when: str
    review_at: datetime | None
    ends_at: datetime | None
    cool_down: bool = False
    detail: str = ""

    def blocks(self, category: str, group: str, channel: str) -> bool:
        """Whether it suppresses an action of that category and group in that channel."""
        return self.covers.blocks(category, group, channel)

    def is_past_review(self, now: datetime) -> bool:
        """Whether a person should have looked by now; the hold stays in force all the same."""
        return self.review_at is not None and self.review_at <= now


def holds_in_force(
    state: CustomerState, now: datetime, rules: HoldRules, incidents: Sequence[Incident] = ()
) -> list[Hold]:
    """The holds in force at `now`, the gravest and then the oldest first. A fact at exactly `now` counts."""
    return standing(state, now, rules, incidents)[0]


def standing(
    state: CustomerState, now: datetime, rules: HoldRules, incidents: Sequence[Incident] = ()
) -> tuple[list[Hold], datetime | None]:
    """The holds in force at `now`, and until when she is in recovery from graver ones that ended (None: she is not)."""
    moment = to_us(now)
    found = spans(state, moment, rules, incidents)
    if not found:
        return [], None
    held = [s for s in found if s.ends_at is None or moment < s.ends_at]
    held.sort(key=lambda s: (-s.severity, s.opened_at, s.hold_id, s.source_event))
    return [_hold(s) for s in held], _recovery_until(found, moment, rules)


def _recovery_until(found: Sequence[Span], now: int, rules: HoldRules) -> datetime | None:
    grave = [
        s.ends_at for s in found if s.ends_at is not None and s.ends_at <= now and s.severity >= rules.recovery_severity
    ]
    until = max(grave, default=0) + days(rules.recovery_days)
    return from_us(until) if grave and until > now else None


def _hold(span: Span) -> Hold:
    return Hold(
        hold_id=span.hold_id,
        kind=span.kind,
        severity=span.severity,
        covers=span.covers,
        source_event=span.source_event,
        case_id=span.case_id,
        opened_at=from_us(span.opened_at),
        release_when=span.release_when,
        review_at=None if span.review_at is None else from_us(span.review_at),
        ends_at=None if span.ends_at is None else from_us(span.ends_at),
        cool_down=span.cool_down,
        detail=span.detail[:LONGEST_DETAIL],
    )
