"""Holds that hang on what was said or seen once: bad ratings, friction, predictions, and a person's word."""

from bisect import bisect_right
from collections.abc import Iterator

from features.customer.coverage import CHANNEL_WORDS, Covers, channels_of
from features.customer.hold_rules import HoldRules
from features.customer.ledger import CustomerState, Score
from features.customer.span import BAD, GOOD, ROUNDING, Span, review_at, verdict
from features.instants import days


def rating_spans(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """bad_rating: one span a bad score; only a good score at the same touchpoint by the same identity ends it early."""
    rule = rules.bad_rating
    lasts = days(rule.lasts_days or 0)
    said = [(mark, verdict(mark, rules)) for mark in state.marks if mark.at <= now]
    good: dict[tuple[str | None, str], list[int]] = {}
    for mark, meaning in said:
        if meaning == GOOD:
            good.setdefault((mark.touchpoint, mark.origin), []).append(mark.at)
    for mark, meaning in said:
        if meaning != BAD:
            continue
        ends_at, release_when = mark.at + lasts, "time"
        if mark.touchpoint is not None:
            release_when = "good_rating"
            later = good.get((mark.touchpoint, mark.origin), [])
            first = bisect_right(later, mark.at)
            if first < len(later):
                ends_at = min(ends_at, later[first])
        worst = mark.unit is not None and mark.unit <= rules.worst_share + ROUNDING
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
            review_at(rule, mark.at),
            release_when,
        )


def friction_spans(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """friction: one span a strong event."""
    rule = rules.friction
    lasts = days(rule.lasts_days or 0)
    for event in state.frictions:
        if event.at > now:
            break
        if rules.is_strong(event.kind, event.wait_seconds):
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
                review_at(rule, event.at),
                "time",
                detail=event.kind,
            )


def prediction_spans(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
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
        if score.value >= opens_at(score, rules.predicted_at):
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
                review_at(rule, opened),
                "score_below",
                detail=f"{score.model} {score.version}: {score.value:.2f}"
                + (f" ({score.reason})" if score.reason else ""),
            )
        elif span is not None and score.value < ends_below(score, rules):
            span.ends_at = score.at
    yield from latest.values()


def opens_at(score: Score, predicted_at: float) -> float:
    """From which value a score holds: the policy's threshold or the one its model was given, whichever is lower."""
    return predicted_at if score.holds_from is None else min(predicted_at, score.holds_from)


def ends_below(score: Score, rules: HoldRules) -> float:
    """Below which value it ends a hold: as much lower than the threshold as the policy's two are apart, as a ratio."""
    opens = opens_at(score, rules.predicted_at)
    return min(rules.predicted_below, opens * rules.predicted_below / rules.predicted_at)


def staff_spans(state: CustomerState, now: int, rules: HoldRules) -> Iterator[Span]:
    """staff: what a person asked for; what was left out is filled from the rule."""
    rule = rules.staff
    for hold in state.staff_holds:
        if hold.at > now:
            break
        categories = tuple(hold.categories) or rule.categories
        known = [word for word in hold.channels if word in CHANNEL_WORDS]
        covers = Covers(categories, channels_of(known or rule.channels), rule.groups)
        look_at = hold.review_at if hold.review_at is not None else review_at(rule, hold.at)
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
            look_at,
            "person_releases",
            detail=hold.reason or "",
        )
