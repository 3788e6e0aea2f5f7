"""What staff are told: the groups whose unhappy customers have jumped, each with the rule to declare it by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from features.customer.hold_rules import HoldRules
from features.customer.incidents import Incident, incidents_of
from features.facts import known_by
from features.instants import DAY, days, from_us, to_us
from features.log.connection import Connection
from features.log.packing import FACT_COLUMNS, NOBODY, facts
from serving.alarms.counts import Counts, Group, count
from serving.alarms.jump import WEEK, judge, level
from serving.alarms.signals import read_signs
from serving.alarms.words import english, finnish
from serving.core.alarm_rules import AlarmRules

EXAMPLES = 5
PARCEL_DAYS = 7
"""An incident of a carrier takes in orders from so long before its first sign: they were on their way."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A jump that chance hardly explains. `declared` is the open incident that already speaks of it, if any."""

    kind: str
    """touchpoint, carrier or store."""
    touchpoint: str | None
    carrier: str | None
    channel: str | None
    hours: int
    """Length of the window that ends now in which the jump is clearest."""
    since: datetime
    """The first sign in that window."""
    observed: int
    """Signs in it."""
    customers: int
    """Different customers they come from; these are what is tested."""
    expected: float
    """Customers to be expected in it."""
    p_value: float
    """The chance of so many customers or more if nothing has changed."""
    examples: tuple[str, ...]
    """Event ids of the newest signs of up to five customers."""
    text: str
    text_fi: str
    rule: dict[str, Any]
    """Whom the incident would affect: give it to the declaration, as it is or edited."""
    declared: str | None


def alarms(connection: Connection, now: datetime, holds: HoldRules, rules: AlarmRules) -> list[Alarm]:
    """The alarms at `now`, by what had been received then: those not yet declared first, the clearest first.

    A group is judged once it has been there for half of the baseline. Reads only.
    """
    at, baseline_days = to_us(now), rules.baseline_weeks * WEEK
    since = at - (rules.gap_days + baseline_days + 1) * DAY
    known = read_signs(connection, since=since, now=at, rules=holds)
    incidents = _incidents(connection, now)
    found: dict[Group, Alarm] = {}
    for hours in rules.windows_hours:
        counts = count(known, now=at, hours=hours, baseline_days=baseline_days, gap_days=rules.gap_days)
        _leave_out_incidents(counts, incidents, at, rules.gap_days, holds)
        for alarm, group in _alarms_of(counts, hours, rules):
            if group not in found or alarm.p_value < found[group].p_value:
                found[group] = msgspec.structs.replace(alarm, declared=_declared(group, incidents, at, holds))
    return _in_order(found.values())


def with_declared(connection: Connection, found: Sequence[Alarm], now: datetime, holds: HoldRules) -> list[Alarm]:
    """Alarms found before, each with the incident that speaks of it at `now`."""
    incidents, at = _incidents(connection, now), to_us(now)
    return _in_order(
        msgspec.structs.replace(
            alarm,
            declared=_declared(Group(alarm.kind, alarm.touchpoint, alarm.carrier, alarm.channel), incidents, at, holds),
        )
        for alarm in found
    )


def _in_order(found: Iterable[Alarm]) -> list[Alarm]:
    return sorted(found, key=lambda alarm: (alarm.declared is not None, alarm.p_value, alarm.text))


def _alarms_of(counts: Counts, hours: int, rules: AlarmRules) -> Iterator[tuple[Alarm, Group]]:
    if not counts.groups:
        return
    judged = judge(counts.now, counts.before, counts.activity, gap_days=rules.gap_days)
    below = level(
        false_alarms_per_year=rules.false_alarms_per_year,
        looks_a_day=rules.looks_a_day,
        tests=len(counts.groups) * len(rules.windows_hours),
    )
    long_enough = 2 * (counts.activity[:, 1:] > 0).sum(axis=1) >= counts.before.shape[1]
    jumped = long_enough & (judged.p_value < below) & (counts.now >= rules.min_customers)
    for place in jumped.nonzero()[0].tolist():
        group = counts.groups[place]
        signs = counts.signs[group]
        customers, expected = int(counts.now[place]), float(judged.expected[place])
        p_value, first = float(judged.p_value[place]), from_us(signs[0].at)
        newest = {sign.customer: sign.event_id for sign in signs}
        alarm = Alarm(
            kind=group.kind,
            touchpoint=group.touchpoint,
            carrier=group.carrier,
            channel=group.channel,
            hours=hours,
            since=first,
            observed=len(signs),
            customers=customers,
            expected=expected,
            p_value=p_value,
            examples=tuple(newest.values())[-EXAMPLES:],
            text=english(group, hours, customers, expected, p_value),
            text_fi=finnish(group, hours, customers, expected, p_value),
            rule=rule_of(group, first),
            declared=None,
        )
        yield alarm, group


def rule_of(group: Group, since: datetime) -> dict[str, Any]:
    """Whom the group's incident affects, if its first sign was at `since`."""
    named = {name: value for name, value in group._asdict().items() if name != "kind" and value is not None}
    begins = since - timedelta(days=PARCEL_DAYS) if group.carrier else since
    return {**named, "since": begins.isoformat().replace("+00:00", "Z")}


def _incidents(connection: Connection, now: datetime) -> Sequence[Incident]:
    rows = connection.execute(f"select {FACT_COLUMNS} from facts where origin_id = ? and type = 'incident'", (NOBODY,))
    return incidents_of(known_by(facts(rows), now))


def _declared(group: Group, incidents: Sequence[Incident], now: int, holds: HoldRules) -> str | None:
    for incident in incidents:
        if _speaks_of(incident, group) and incident.declared_at <= now < _ends_at(incident, holds):
            return incident.incident_id
    return None


def _leave_out_incidents(
    counts: Counts, incidents: Sequence[Incident], now: int, gap_days: int, holds: HoldRules
) -> None:
    """Days of a declared incident, and the day before it, are no measure of what is usual for its group."""
    for row, group in enumerate(counts.groups):
        for incident in incidents:
            if _speaks_of(incident, group):
                for day in range(counts.before.shape[1]):
                    end = now - (gap_days + 1 + day) * DAY
                    if incident.declared_at - DAY < end < _ends_at(incident, holds) + DAY:
                        counts.activity[row, 1 + day] = 0.0


def _ends_at(incident: Incident, holds: HoldRules) -> int:
    by_itself = incident.declared_at + days(holds.incident.lasts_days or 0)
    return by_itself if incident.closed_at is None else min(by_itself, incident.closed_at)


def _speaks_of(incident: Incident, group: Group) -> bool:
    rule = incident.rule
    named: Mapping[str, str | None] = {"touchpoint": rule.touchpoint, "carrier": rule.carrier, "channel": rule.channel}
    return all((named[name] or "").casefold() == (getattr(group, name) or "").casefold() for name in named)
