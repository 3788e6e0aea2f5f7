"""Holds that hang on a record of the shop: cases, and the delivery of an order."""

from collections.abc import Iterator

from features.customer.case_course import case_severity, course_of
from features.customer.delivery_course import delivery_course
from features.customer.hold_rules import HoldRules
from features.customer.ledger import CustomerState
from features.customer.span import BAD, GOOD, Span, review_at, verdict
from features.instants import days


def case_spans(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """open_return, open_case, open_complaint and bad_resolution."""
    answers: dict[str, list[tuple[int, int, str]]] = {}
    for mark in state.marks:
        if mark.case_id is not None and mark.at <= now and (said := verdict(mark, rules)):
            answers.setdefault(mark.case_id, []).append((mark.at, said, mark.event_id))
    for case in state.cases:
        course = course_of(case, now)
        if course is None:
            continue
        kind, opened = "open_case", course.opened_at
        if course.kind == "complaint":
            kind = "open_complaint"
        elif course.is_ordinary:
            kind = "open_return"
        elif course.kind in ("return", "question") and course.chased_at is not None:
            opened = course.chased_at
        given = answers.get(case.case_id, ())
        if not (course.is_ordinary and course.kind == "question"):
            rule = rules.rule(kind)
            ends_at = None
            if (finished := course.finished_at) is not None:
                ends_at = finished + days(rule.lasts_days or 0)
                if kind == "open_return" and course.closed_at is not None:
                    ends_at = min(ends_at, course.closed_at)
                for at, said, _ in given:
                    if said == GOOD and at >= finished:
                        ends_at = min(ends_at, at)
            yield Span(
                kind,
                f"{kind}:{case.case_id}",
                case_severity(course, rules),
                rule.covers,
                case.source_event,
                case.case_id,
                opened,
                max(opened, course.renewed_at),
                ends_at,
                review_at(rule, opened),
                "case_closed" if kind == "open_return" else "case_resolved" if ends_at is None else "cool_down_over",
                ends_at is not None,
            )
        if (first := course.first_finished_at) is None:
            continue
        bad = [(at, event_id) for at, said, event_id in given if said == BAD and at >= first]
        if bad:
            rule = rules.bad_resolution
            (opened, event_id), latest = bad[0], bad[-1][0]
            yield Span(
                "bad_resolution",
                f"bad_resolution:{case.case_id}",
                rule.severity,
                rule.covers,
                event_id,
                case.case_id,
                opened,
                latest,
                None,
                review_at(rule, latest),
                "person_releases",
            )


def delivery_spans(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """late_delivery, and open_case for a failed one. The earliest promise counts: a delay announced is a delay."""
    for delivery in state.deliveries:
        course = delivery_course(delivery, now)
        if course is None:
            continue
        if course.failed_at is not None:
            kind, hold_id, rule = "open_case", f"open_case:delivery:{delivery.order_id}", rules.open_case
            opened, source = course.failed_at, course.failure_event
        elif (broken := course.broken_at(now)) is not None:
            kind, hold_id, rule = "late_delivery", f"late_delivery:{delivery.order_id}", rules.late_delivery
            opened, source = broken, course.promise_event
        else:
            continue
        over, ends_at = course.over_at, course.cancelled_at
        if ends_at is None and course.delivered_at is not None:
            ends_at = course.delivered_at + days(rule.lasts_days or 0)
        waited = (now if over is None else over) - opened
        yield Span(
            kind,
            hold_id,
            min(5, rule.severity + waited // days(rules.days_per_severity)),
            rule.covers,
            source,
            None,
            opened,
            max(opened, course.worse_at),
            ends_at,
            review_at(rule, opened),
            "delivered" if ends_at is None else "cool_down_over",
            ends_at is not None,
        )
