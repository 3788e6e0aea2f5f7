"""How every touchpoint went over a period: volume, satisfaction, what went wrong, the change, the curve by week."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from features.customer.hold_rules import HoldRules
from features.customer.span import BAD, GOOD
from features.instants import DAY, from_us
from features.log.rules import RESERVED_PREFIX
from serving.desk.faults import FieldFaultError
from serving.experience.figures import Estimate, Trend, Values, difference, estimate, ratio
from serving.experience.happened import Happened, Span
from serving.experience.stories import Story
from serving.experience.told import COMPLAINT, MILLION, tell

LONGEST_DAYS = 366
WEEK = 7 * DAY


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


class Trouble(msgspec.Struct, frozen=True):
    """One kind of friction, or complaints: how often, and how many people."""

    kind: str
    events: int
    people: int


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
    read = _Read(found, span)
    told = stories(found) if stories else {}
    visited = [name for name, volume in read.volume.items() if volume[True].events]
    listed = [_touchpoint(name, read, told.get(name, []), has_before) for name in visited]
    return sorted(listed, key=lambda one: (-one.people, -one.events, one.touchpoint))


class _Volume(NamedTuple):
    events: int = 0
    unstated: int = 0
    people: int = 0
    visitors: int = 0


class _Said(NamedTuple):
    answers: int = 0
    mean: Values = Values(0, 0, 0)
    good: Values = Values(0, 0, 0)
    bad: Values = Values(0, 0, 0)


class _Read:
    """The counts, by touchpoint and period (True: the later one) or week (0: the last)."""

    def __init__(self, found: Happened, span: Span) -> None:
        self.span = span
        week = f"(({span.now} - moment) // {WEEK})"
        found.engine.execute(
            f"""create temp table seen as select touchpoint, who, is_now, case when is_now then {week} end as week,
            count(*) as events, count(*) filter (not is_stated) as unstated from happened group by all"""
        )
        counts = (
            "sum(events)::bigint, sum(unstated)::bigint, count(distinct who),"
            f" count(distinct who) filter (starts_with(who, '{RESERVED_PREFIX}'))"
        )
        self.volume = _nested(found.rows(f"select touchpoint, is_now, {counts} from seen group by all"), _Volume)
        self.weeks = _nested(
            found.rows(f"select touchpoint, week, {counts} from seen where is_now group by all"), _Volume
        )
        self.said = _nested(found.rows(_SAID.format(part="is_now", where="true")), _said)
        self.said_weeks = _nested(found.rows(_SAID.format(part=week, where="is_now")), _said)
        wrong = "select touchpoint, {part}, kind, count(*), count(distinct who) from troubles {where} group by all"
        self.wrong = _kinds(found.rows(wrong.format(part="is_now", where="")))
        self.wrong_weeks = _kinds(found.rows(wrong.format(part=week, where="where is_now")))
        troubled = found.rows("select touchpoint, is_now, count(distinct who) from troubles group by all")
        self.troubled = {(touchpoint, is_now): people for touchpoint, is_now, people in troubled}


_SAID = f"""
with hers as (
    select touchpoint, {{part}} as part, who, count(*) as answers, (2 * sum(unit) + count(*)) // (2 * count(*)) as mean,
        (2 * {MILLION} * sum((verdict = {GOOD})::bigint) + count(*)) // (2 * count(*)) as good,
        (2 * {MILLION} * sum((verdict = {BAD})::bigint) + count(*)) // (2 * count(*)) as bad
    from answers where {{where}} group by all
)
select touchpoint, part, sum(answers), count(*), sum(mean), sum(mean * mean), sum(good), sum(good * good), sum(bad),
    sum(bad * bad)
from hers group by all
"""


def _said(answers: Any, people: int, *sums: Any) -> _Said:
    firsts, squares = sums[::2], sums[1::2]
    values = [Values(people, int(t) / MILLION, int(s) / MILLION**2) for t, s in zip(firsts, squares, strict=True)]
    return _Said(int(answers), *values)


def _nested(rows: Iterable[tuple[Any, ...]], make: Callable[..., Any]) -> dict[str, dict[Any, Any]]:
    found: dict[str, dict[Any, Any]] = defaultdict(lambda: defaultdict(make if make is not _said else _Said))
    for touchpoint, part, *counts in rows:
        found[touchpoint][part] = make(*counts)
    return found


def _kinds(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, Any], dict[str, Trouble]]:
    found: dict[tuple[str, Any], dict[str, Trouble]] = defaultdict(dict)
    for touchpoint, part, kind, events, people in rows:
        found[touchpoint, part][kind] = Trouble(kind, events, people)
    return found


def _touchpoint(name: str, read: _Read, stories: list[Story], has_before: bool) -> Touchpoint:
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


def _weeks(name: str, read: _Read) -> list[Week]:
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
