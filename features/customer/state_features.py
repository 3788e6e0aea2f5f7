"""State features: what a customer's live state says in numbers, the same for training rows, conditions and models."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from features.customer.case_course import case_severity, course_of
from features.customer.delivery_course import DeliveryCourse
from features.customer.hold_rules import HoldRules
from features.customer.holds import Hold
from features.customer.ledger import CustomerState
from features.customer.span import BAD, verdict
from features.instants import DAY, to_us

NAN = float("nan")
Courses = Collection[DeliveryCourse | None]
"""How each of her deliveries stands; None where nothing of it had happened."""

STATE_FEATURES: dict[str, str] = {
    "open_cases": "cases neither resolved, closed nor cancelled, complaints and returns included",
    "max_case_age_days": "days since the oldest open case was opened; absent without one",
    "max_case_severity": "severity (1-5) of the gravest open case; 0 without one",
    "case_asks": "times she had to ask about her open cases",
    "cases_unanswered_30d": "cases finished in the last 30 days that she has not rated since",
    "cases_365d": "cases opened in the last 365 days, all kinds",
    "complaints_365d": "complaints opened in the last 365 days",
    "return_cases_365d": "return cases opened in the last 365 days",
    "returned_lines_365d": "item lines that came back in the last 365 days",
    "holds_in_force": "holds in force, of all kinds",
    "max_hold_severity": "severity (1-5) of the gravest hold in force; 0 without one",
    "in_recovery": "1 within the days after a grave hold ended, else 0",
    "ratings_90d": "scored pieces of feedback in the last 90 days",
    "bad_ratings_365d": "scores in the lowest part of their scale in the last 365 days",
    "last_rating_unit": "her last score, 0 (worst) to 1 (best); absent if she never gave one",
    "days_since_last_rating": "days since her last score; absent if she never gave one",
    "late_orders": "orders not delivered though their promised date has passed or the delivery failed",
    "orders_in_delivery": "orders promised, shipped, delayed or failed, neither delivered nor cancelled",
    "late_deliveries_90d": "orders whose promised date passed undelivered in the last 90 days",
    "days_since_last_delivery": "days since an order was last delivered; absent if none was",
    "frictions_28d": "things that went wrong unasked in the last 28 days",
    "contacts_28d": "contacts that reached her in the last 28 days",
    "days_since_last_contact": "days since a contact last reached her; absent if none did",
    "dismissals_90d": "contacts of the last 400 days that she dismissed in the last 90",
    "orders_total": "orders so far",
    "days_since_first_purchase": "days since her first purchase; absent before one",
    "days_since_last_purchase": "days since her last purchase; absent before one",
    "days_since_last_seen": "days since she last browsed, bought or gave feedback; absent if never",
}
"""Name and meaning. Counts are whole numbers over windows (now - w, now]; ages are days; absent is NaN, never 0."""


def features_of(
    state: CustomerState,
    now: int,
    rules: HoldRules,
    holds: Sequence[Hold],
    recovery_until: datetime | None,
    courses: Courses,
) -> dict[str, float]:
    """`STATE_FEATURES` at `now` (microseconds since 1970), given the holds in force and the deliveries then."""
    bought = list(bought_at(state, now))
    seen = [state.last_seen_at, *bought, *[b.at for b in state.browsed], *[m.at for m in state.marks]]
    found = {
        "max_hold_severity": max((h.severity for h in holds), default=0),
        "in_recovery": float(recovery_until is not None and now < to_us(recovery_until)),
        "returned_lines_365d": _count([r.at for r in state.returned], now, 365),
        "frictions_28d": _count([f.at for f in state.frictions], now, 28),
        "dismissals_90d": _count([c.dismissed_at for c in state.contacts], now, 90),
        "orders_total": state.order_count - sum([o.at > now for o in state.orders]),
        "days_since_first_purchase": _age([state.first_purchase_at], now),
        "days_since_last_purchase": _age(bought, now),
        "days_since_last_seen": _age(seen, now),
        **seen_by_models(state, now, rules, holds, courses),
    }
    return {name: float(found[name]) for name in STATE_FEATURES}


def seen_by_models(
    state: CustomerState, now: int, rules: HoldRules, holds: Sequence[Hold], courses: Courses
) -> dict[str, float]:
    """Those of `STATE_FEATURES` that models of customers take, and what is counted along with them."""
    contacted = [c.contacted_at for c in state.contacts]
    return {
        "holds_in_force": len(holds),
        "contacts_28d": _count(contacted, now, 28),
        "days_since_last_contact": _age(contacted, now),
        **_ratings(state, now, rules),
        **_cases(state, now, rules),
        **_deliveries(courses, now),
    }


def bought_at(state: CustomerState, now: int) -> Iterator[int | None]:
    """When she bought, as far as the state tells: an order that grew has one beginning, so its items speak, too."""
    last = state.last_purchase_at
    yield last
    yield from [order.at for order in state.orders]
    if last is not None and last > now:
        for moments in (state.purchases.first_at, state.purchases.previous_at, state.purchases.last_at):
            yield from moments


def _count(instants: Sequence[int | None], now: int, window_days: int) -> int:
    since = now - window_days * DAY
    return sum([at is not None and since < at <= now for at in instants]) if instants else 0


def _age(instants: Sequence[int | None], now: int) -> float:
    last = max([at for at in instants if at is not None and at <= now], default=None)
    return NAN if last is None else (now - last) / DAY


def _ratings(state: CustomerState, now: int, rules: HoldRules) -> dict[str, float]:
    scored = [m for m in state.marks if m.unit is not None and m.at <= now]
    last = scored[-1] if scored else None
    return {
        "ratings_90d": _count([m.at for m in scored], now, 90),
        "bad_ratings_365d": _count([m.at for m in scored if verdict(m, rules) == BAD], now, 365),
        "last_rating_unit": NAN if last is None or last.unit is None else last.unit,
        "days_since_last_rating": NAN if last is None else (now - last.at) / DAY,
    }


def _cases(state: CustomerState, now: int, rules: HoldRules) -> dict[str, float]:
    opened_at: list[int] = []
    severities: list[int] = []
    opened: dict[str, list[int]] = {"complaint": [], "return": [], "other": []}
    asks = unanswered = 0
    for case in state.cases:
        course = course_of(case, now)
        if course is None:
            continue
        opened[course.kind if course.kind in opened else "other"].append(course.opened_at)
        if course.finished_at is not None:
            finished = course.finished_at
            rated = any(m.case_id == case.case_id and finished <= m.at <= now for m in state.marks)
            unanswered += finished > now - 30 * DAY and not rated
            continue
        opened_at.append(course.opened_at)
        asks += course.asked
        severities.append(case_severity(course, rules))
    return {
        "open_cases": len(opened_at),
        "max_case_age_days": (now - min(opened_at)) / DAY if opened_at else NAN,
        "max_case_severity": max(severities, default=0),
        "case_asks": asks,
        "cases_unanswered_30d": unanswered,
        "cases_365d": _count([at for group in opened.values() for at in group], now, 365),
        "complaints_365d": _count(opened["complaint"], now, 365),
        "return_cases_365d": _count(opened["return"], now, 365),
    }


def _deliveries(courses: Courses, now: int) -> dict[str, float]:
    found = [course for course in courses if course is not None]
    return {
        "orders_in_delivery": sum(course.over_at is None for course in found),
        "late_orders": sum(course.is_late(now) for course in found),
        "late_deliveries_90d": _count([course.broken_at(now) for course in found], now, 90),
        "days_since_last_delivery": _age([course.delivered_at for course in found], now),
    }
