"""Until when what a customer's state holds can be a reason to hold her, whatever the policy.

Who looks for held customers among a million looks only at those whose concern is not over. Incidents are the shop's and
are looked at apart. Instants are microseconds since 1970 UTC.
"""

from collections.abc import Iterator

from features.customer.case_course import course_of
from features.customer.delivery_course import delivery_course
from features.customer.hold_rules import LARGEST_BAD_SHARE, LARGEST_NPS_BAD, MAX_DAYS, SMALLEST_PREDICTED_AT
from features.customer.ledger import CustomerState, Mark
from features.customer.opened import Opened
from features.customer.span import ROUNDING
from features.customer.spans_of_signals import opens_at
from features.instants import days

FOREVER = 2**63 - 1
"""Until something happens: an open case, a person's hold."""


def concern_until(state: CustomerState | Opened) -> int | None:
    """An upper bound, exclusive, of every moment at which her state can hold her under a policy the loader accepts.

    `FOREVER` if only another fact can end it; None if nothing can hold her, or ever could, as far as is still known.
    """
    return max((*_cases(state), *_deliveries(state), *_signals(state), *_staff(state)), default=None)


def is_concern_unchanged(before: Opened, after: Opened) -> bool:
    """Whether all that `concern_until` looks at is the same in both, `after` having come of `before`."""
    return all(getattr(before, name) == getattr(after, name) for name in _LOOKED_AT if name in after.changed)


_LOOKED_AT = ("cases", "marks", "deliveries", "frictions", "scores", "staff_holds", "releases")


def _cases(state: CustomerState | Opened) -> Iterator[int]:
    for case in state.cases:
        course = course_of(case, FOREVER)
        if course is None:
            continue
        if not (course.kind == "question" and course.is_ordinary):
            yield FOREVER if course.finished_at is None else course.finished_at + days(MAX_DAYS)
        bad = [m.at for m in state.marks if m.case_id == case.case_id and _may_be_bad(m)]
        if bad and course.first_finished_at is not None:
            yield _released(state, f"bad_resolution:{case.case_id}", max(bad))


def _deliveries(state: CustomerState | Opened) -> Iterator[int]:
    for delivery in state.deliveries:
        course = delivery_course(delivery, FOREVER)
        if course is not None and (course.failed_at is not None or course.broken_at(FOREVER) is not None):
            yield FOREVER if course.over_at is None else course.over_at + days(MAX_DAYS)


def _signals(state: CustomerState | Opened) -> Iterator[int]:
    last = [m.at for m in state.marks if _may_be_bad(m)]
    last += [f.at for f in state.frictions]
    last += [s.at for s in state.scores if s.value >= opens_at(s, SMALLEST_PREDICTED_AT)]
    if last:
        yield max(last) + days(MAX_DAYS)


def _staff(state: CustomerState | Opened) -> Iterator[int]:
    for hold in state.staff_holds:
        yield _released(state, hold.hold_id, hold.at)


def _released(state: CustomerState | Opened, hold_id: str, since: int) -> int:
    """When a person released a hold, not before `since`."""
    return min((r.at for r in state.releases if r.hold_id == hold_id and r.at >= since), default=FOREVER)


def _may_be_bad(mark: Mark) -> bool:
    limit = LARGEST_NPS_BAD / 10 if mark.kind == "nps" else LARGEST_BAD_SHARE
    return mark.unit is not None and mark.unit <= limit + ROUNDING
