"""How a case stands at a moment: open or finished, since when, how often she had to ask, and whether it is overdue."""

from typing import NamedTuple

from features.customer.hold_rules import HoldRules
from features.customer.ledger import Case
from features.instants import days

KIND_STRICTNESS = {
    kind: rank
    for rank, kind in enumerate(("question", "return", "exchange", "warranty", "delivery_claim", "complaint"))
}
FINISHED = frozenset({"resolved", "closed", "cancelled"})
_WORSENING = frozenset({"opened", "customer_asked", "reopened"})


class CaseCourse(NamedTuple):
    """A case at `now`; instants in microseconds since 1970. `kind` is the strictest stated so far.

    `finished_at` is the first resolved, closed or cancelled since it was last opened, `closed_at` the first closed or
    cancelled; both None while open. `first_finished_at` is the first ever. `chased_at` is when it first stopped being
    an ordinary one: asked about, promise passed, reopened. `open_us` is time spent open, the customer's turns excluded.
    """

    kind: str
    status: str
    opened_at: int
    finished_at: int | None
    closed_at: int | None
    first_finished_at: int | None
    chased_at: int | None
    renewed_at: int
    promised_by: int | None
    asked: int
    open_us: int

    @property
    def is_ordinary(self) -> bool:
        """Whether it is a return or question that is on time and that she never had to ask about."""
        return self.chased_at is None and self.kind in ("return", "question")

    @property
    def is_open(self) -> bool:
        """Whether it is unfinished."""
        return self.finished_at is None


def case_severity(course: CaseCourse, rules: HoldRules) -> int:
    """The rule's severity, +1 per time she asked and per so many days open, at most 5; an ordinary one keeps it."""
    if course.is_ordinary:
        return rules.open_return.severity
    rule = rules.open_complaint if course.kind == "complaint" else rules.open_case
    return min(5, rule.severity + course.asked + course.open_us // days(rules.days_per_severity))


def course_of(case: Case, now: int) -> CaseCourse | None:
    """The course of a case up to and including `now`; None if nothing of it had happened.

    Of several promises the earliest counts until the case is finished: moving a date does not keep it. A promise that
    passes while it is her turn (waiting_customer) counts only once it is the shop's turn again.
    """
    kind = status = ""
    opened_at = finished_at = closed_at = first_finished_at = chased_at = promise = None
    waiting = False
    asked = open_us = 0
    since = renewed_at = 0
    for at, step, promised, stated in case.steps:
        if at > now:
            break
        if opened_at is None:
            opened_at = since = renewed_at = at
            kind = stated
        elif finished_at is None and not waiting:
            open_us += at - since
            if chased_at is None and promise is not None and promise < at:
                chased_at = max(promise, since)
        since = at
        status = step
        if stated != kind and KIND_STRICTNESS[stated] > KIND_STRICTNESS[kind]:
            kind = stated
        if step in FINISHED:
            if finished_at is None:
                finished_at = at
                first_finished_at = first_finished_at or at
            if step != "resolved" and closed_at is None:
                closed_at = at
            continue
        if finished_at is not None:
            finished_at = closed_at = promise = None
            chased_at = chased_at or at
            renewed_at = at
        if step in _WORSENING:
            renewed_at = at
            if step != "opened":
                chased_at = chased_at or at
                asked += step == "customer_asked"
        waiting = step == "waiting_customer"
        if promised is not None:
            promise = promised if promise is None else min(promise, promised)
    if opened_at is None:
        return None
    if finished_at is None and not waiting:
        open_us += now - since
        if chased_at is None and promise is not None and promise < now:
            chased_at = max(promise, since)
    return CaseCourse(
        kind,
        status,
        opened_at,
        finished_at,
        closed_at,
        first_finished_at,
        chased_at,
        renewed_at,
        promise,
        asked,
        open_us,
    )
