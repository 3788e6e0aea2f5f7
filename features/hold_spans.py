"""Every hold that the facts ever opened, as spans of time: one function a kind.

A span is in force from `opened_at` up to, not including, `ends_at`. Facts after `now` are not looked at. All instants
are microseconds since 1970.
"""

from collections.abc import Iterator
from operator import attrgetter

import msgspec

from features.case_course import case_severity, course_of
from features.coverage import CHANNEL_WORDS, Covers, channels_of
from features.delivery_course import delivery_course
from features.hold_rules import HoldRule, HoldRules
from features.instants import days
from features.ledger import CustomerState, Mark

BAD, GOOD = -1, 1
_ROUNDING = 1e-9


class Span(msgspec.Struct):
    """A hold over time. `renewed_at`: when its cause last grew worse; no person's release from before ends it."""

    kind: str
    hold_id: str
    severity: int
    covers: Covers
    source_event: str
    case_id: str | None
    opened_at: int
    renewed_at: int
    ends_at: int | None
    review_at: int | None
    release_when: str
    cool_down: bool = False
    detail: str = ""


def verdict(mark: Mark, rules: HoldRules) -> int:
    """Whether a score is `BAD`, `GOOD` or neither (0); without a score neither, and a complaint is never good."""
    unit = mark.unit
    if unit is None:
        return 0
    nps = mark.kind == "nps"
    if unit <= (rules.nps_bad_max / 10 if nps else rules.bad_share) + _ROUNDING:
        return BAD
    good = unit >= (rules.nps_good_min / 10 if nps else 1 - rules.good_share) - _ROUNDING
    return GOOD if good and mark.kind != "complaint" else 0


def spans(state: CustomerState, now: int, rules: HoldRules) -> list[Span]:
    """All spans of a customer known at `now`, those already over included, releases by people applied."""
    found: list[Span] = []
    if state.cases:
        found.extend(_cases(state, now, rules))
    if state.marks:
        found.extend(_ratings(state, now, rules))
    if state.deliveries:
        found.extend(_deliveries(state, now, rules))
    if state.frictions:
        found.extend(_frictions(state, now, rules))
    if state.scores:
        found.extend(_predictions(state, now, rules))
    if state.staff_holds:
        found.extend(_staff(state, now, rules))
    if state.releases and found:
        _release(state, now, found)
    return found


def _review(rule: HoldRule, since: int) -> int | None:
    return None if rule.review_days is None else since + days(rule.review_days)


def _cases(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
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
                _review(rule, opened),
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
                _review(rule, latest),
                "person_releases",
            )


def _ratings(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """bad_rating: one span a bad score; only a good score at the same touchpoint by the same identity ends it early."""
    rule = rules.bad_rating
    lasts = days(rule.lasts_days or 0)
    for place, mark in enumerate(state.marks):
        if mark.at > now:
            break
        if verdict(mark, rules) != BAD:
            continue
        ends_at, release_when = mark.at + lasts, "time"
        if mark.touchpoint is not None:
            release_when = "good_rating"
            for later in state.marks[place + 1 :]:
                if later.at > now or later.at >= ends_at:
                    break
                same = later.touchpoint == mark.touchpoint and later.origin == mark.origin
                if same and verdict(later, rules) == GOOD:
                    ends_at = later.at
                    break
        worst = mark.unit is not None and mark.unit <= rules.worst_share + _ROUNDING
        yield Span(
            "bad_rating",
            f"bad_rating:{mark.event_id}",
            min(5, rule.severity + worst),
            rule.covers,
            mark.event_id,
            mark.case_id,
            mark.at,
            mark.at,
            ends_at,
            _review(rule, mark.at),
            release_when,
        )


def _deliveries(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
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
            _review(rule, opened),
            "delivered" if ends_at is None else "cool_down_over",
            ends_at is not None,
        )


def _frictions(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """friction: one span a strong event."""
    rule = rules.friction
    lasts = days(rule.lasts_days or 0)
    for event in state.frictions:
        if event.at > now:
            break
        strong = event.kind in rules.strong_frictions
        if event.kind == "long_wait":
            strong = strong and (event.wait_seconds or 0) >= rules.long_wait_seconds
        if strong:
            yield Span(
                "friction",
                f"friction:{event.event_id}",
                rule.severity,
                rule.covers,
                event.event_id,
                None,
                event.at,
                event.at,
                event.at + lasts,
                _review(rule, event.at),
                "time",
                detail=event.kind,
            )


def _predictions(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """predicted: the latest span of each model and identity; another identity's low score ends nothing."""
    rule = rules.predicted
    lasts = days(rule.lasts_days or 0)
    latest: dict[tuple[str, str], Span] = {}
    for score in state.scores:
        if score.at > now:
            break
        if score.model not in rules.predicted_models:
            continue
        key = (score.origin, score.model)
        span = latest.get(key)
        if span is not None and span.ends_at is not None and span.ends_at <= score.at:
            span = None
        if score.value >= rules.predicted_at:
            opened = score.at if span is None else span.opened_at
            latest[key] = Span(
                "predicted",
                f"predicted:{score.model}:{score.origin}",
                rule.severity,
                rule.covers,
                score.event_id,
                None,
                opened,
                score.at,
                score.at + lasts,
                _review(rule, opened),
                "score_below",
                detail=f"{score.model} {score.version}: {score.value:.2f}",
            )
        elif span is not None and score.value < rules.predicted_below:
            span.ends_at = score.at
    yield from latest.values()


def _staff(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """staff: what a person asked for; what was left out is filled from the rule."""
    rule = rules.staff
    for hold in state.staff_holds:
        if hold.at > now:
            break
        categories = tuple(hold.categories) or rule.categories
        known = [word for word in hold.channels if word in CHANNEL_WORDS]
        covers = Covers(categories, channels_of(known or rule.channels), rule.groups)
        review_at = hold.review_at if hold.review_at is not None else _review(rule, hold.at)
        yield Span(
            "staff",
            hold.hold_id,
            rule.severity,
            covers,
            hold.event_id,
            None,
            hold.at,
            hold.at,
            None,
            review_at,
            "person_releases",
            detail=hold.reason or "",
        )


def _release(state: CustomerState, now: int, found: list[Span]) -> None:
    """End the spans that a person released by id, unless their cause grew worse after."""
    released = {r.hold_id: r.at for r in sorted(state.releases, key=attrgetter("at")) if r.at <= now}
    for span in found:
        at = released.get(span.hold_id)
        if at is not None and at >= span.renewed_at and (span.ends_at is None or at < span.ends_at):
            span.ends_at = at
