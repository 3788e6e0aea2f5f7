"""How every touchpoint went over a period: volume, satisfaction, what went wrong, the change, the curve by week."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from features.customer.hold_rules import HoldRules
from features.instants import from_us
from serving.desk.faults import FieldFaultError
from serving.experience.counts import WEEK, Counts, Trouble
from serving.experience.figures import Estimate, Trend, Values, difference, estimate, ratio
from serving.experience.happened import Happened, Span
from serving.experience.stories import Story
from serving.experience.told import COMPLAINT, tell

LONGEST_DAYS = 366


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """Seven days of the curve, the last ending at the report's moment; the first may be shorter. since < at <= until.

    `satisfaction` is the mean of those who answered, None where they are too few to tell.
    """

    since: datetime
    until: datetime
    events: int
    people: int
    answered: int
    satisfaction: float | None
    frictions: int
    complaints: int


class Touchpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One touchpoint. Figures from 0 to 1 are over people, everyone once; None: too few to tell.

    `unstated` are events whose touchpoint was derived. `answers` are scores, `answered` the people who gave them;
    `satisfaction` the mean of theirs, `good` and `bad` the shares of them that the policy calls so. `trouble` is the
    share of the people there who met friction or complained. `busier`: people there, as a ratio to before.
    """

    touchpoint: str
    events: int
    unstated: int
    people: int
    visitors: int
    answers: int
    answered: int
    satisfaction: Estimate | None
    good: Estimate | None
    bad: Estimate | None
    satisfaction_trend: Trend
    trouble: Estimate | None
    trouble_trend: Trend
    busier: Trend
    frictions: list[Trouble]
    complaints: Trouble
    weeks: list[Week]
    stories: list[Story] = []


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All touchpoints at a moment, over the `days` before it, the most visited first."""

    as_of: datetime
    days: int
    touchpoints: list[Touchpoint]


def checked_days(days: int) -> int:
    """The days to look back on; raises `FieldFaultError`."""
    if not 1 <= days <= LONGEST_DAYS:
        raise FieldFaultError("days", days, "cannot be looked back on", f"Ask for 1 to {LONGEST_DAYS} days.")
    return days


def touchpoints(
    found: Happened, span: Span, rules: HoldRules, stories: Callable[[Happened], dict[str, list[Story]]] | None = None
) -> list[Touchpoint]:
    """Every touchpoint where something happened in the later period of the span; `stories` are added to each."""
    tell(found, span, rules)
    has_before = found.first_at is not None and found.first_at <= span.start
    read = Counts(found, span)
    told = stories(found) if stories else {}
    visited = [name for name, volume in read.volume.items() if volume[True].events]
    listed = [_touchpoint(name, read, told.get(name, []), has_before) for name in visited]
    return sorted(listed, key=lambda one: (-one.people, -one.events, one.touchpoint))


def _touchpoint(name: str, read: Counts, stories: list[Story], has_before: bool) -> Touchpoint:
    volume, before = read.volume[name][True], read.volume[name][False]
    said, earlier = read.said[name][True], read.said[name][False]
    wrong = read.wrong[name, True]
    troubled = [
        Values.of_share(min(read.troubled.get((name, is_now), 0), one.people), one.people)
        for is_now, one in ((True, volume), (False, before))
    ]
    unknown = Trend("no_history")
    return Touchpoint(
        touchpoint=name,
        **volume._asdict(),
        answers=said.answers,
        answered=said.mean.people,
        satisfaction=estimate(said.mean),
        good=estimate(said.good),
        bad=estimate(said.bad),
        satisfaction_trend=difference(said.mean, earlier.mean) if has_before else unknown,
        trouble=estimate(troubled[0]),
        trouble_trend=difference(*troubled) if has_before else unknown,
        busier=ratio(volume.people, before.people) if has_before else unknown,
        frictions=sorted(
            (one for kind, one in wrong.items() if kind != COMPLAINT), key=lambda one: (-one.people, one.kind)
        ),
        complaints=wrong.get(COMPLAINT, Trouble(COMPLAINT, 0, 0)),
        weeks=_weeks(name, read),
        stories=stories,
    )


def _weeks(name: str, read: Counts) -> list[Week]:
    span = read.span
    found = []
    for week in reversed(range(-(-(span.now - span.middle) // WEEK))):
        volume, said, wrong = read.weeks[name][week], read.said_weeks[name][week], read.wrong_weeks[name, week]
        told = estimate(said.mean)
        complaints = wrong.get(COMPLAINT)
        found.append(
            Week(
                since=from_us(max(span.now - (week + 1) * WEEK, span.middle)),
                until=from_us(span.now - week * WEEK),
                events=volume.events,
                people=volume.people,
                answered=said.mean.people,
                satisfaction=None if told is None else told.value,
                frictions=sum(one.events for kind, one in wrong.items() if kind != COMPLAINT),
                complaints=complaints.events if complaints else 0,
            )
        )
    return found
