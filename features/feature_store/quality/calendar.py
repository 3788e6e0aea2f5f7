"""The log's calendar: on which days which source told which type of event, and how long each may be silent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import log

import duckdb
import msgspec

from features.log.event_log import EventLog

MEMORY_GB = 2.0
SINCE_SHARE = 0.005
"""History begins on the day by which this share of events had happened: one stray old date does not begin it."""

FEWEST_DAYS = 10
"""A source heard on fewer days has no rhythm to judge it by."""

Days = Mapping[date, int]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one source and type: how many happened, and how many were received, by day (UTC)."""

    source: str
    type: str
    happened: dict[date, int]
    heard: dict[date, int]


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """All of the log's lake by source, type and day.

    `purchases` is how many purchases there are, `twins` how many of them repeat another in all but the event's id:
    customer, order, moment and lines.
    """

    told: tuple[Told, ...]
    purchases: int = 0
    twins: int = 0

    @property
    def newest(self) -> date | None:
        """The last day on which anything happened; None for an empty log."""
        return max((day for one in self.told for day in one.happened), default=None)

    def newest_of(self, event_type: str) -> date | None:
        """The last day on which an event of a type happened."""
        return max((day for one in self.told if one.type == event_type for day in one.happened), default=None)

    def since(self) -> date | None:
        """The day history begins."""
        days = _summed(one.happened for one in self.told)
        wanted, seen = SINCE_SHARE * sum(days.values()), 0
        for day in sorted(days):
            seen += days[day]
            if seen >= wanted:
                return day
        return None

    def counts(self, until: date) -> dict[str, int]:
        """Events by type that happened before a day, whenever they were received."""
        types = sorted({one.type for one in self.told})
        return {
            name: sum(n for one in self.told if one.type == name for day, n in one.happened.items() if day < until)
            for name in types
        }

    def heard(self, *, source: str | None = None, event_type: str | None = None) -> dict[date, int]:
        """Events received by day, of one source or of one type."""
        return _summed(
            one.heard for one in self.told if source in (None, one.source) and event_type in (None, one.type)
        )


@dataclass(frozen=True)
class Silence:
    """How long something was silent in whole days, and the longest such silence before that; `days` it was heard on.

    `chance` are the silent days that a source of as many days a year keeps once in a million days, if its events come
    independently (a Poisson process: it is heard on a day with probability 1 - e^-rate, silent for d with e^-(rate d)).
    """

    last: date
    now: int
    longest: int
    days: int
    chance: int


def silence(days: Days, moment: datetime) -> Silence | None:
    """The silence at a moment of what was received on these days; None where that was on fewer than `FEWEST_DAYS`.

    Heard on the 1st and the 3rd is one silent day. A day counts once it has begun before the moment.

    >>> told = {date(2026, 3, day): 1 for day in (1, 2, 3, 6, 7, 8, 9, 10, 11, 12)}
    >>> silence(told, datetime(2026, 3, 20, tzinfo=UTC))
    Silence(last=datetime.date(2026, 3, 12), now=7, longest=2, days=10, chance=8)
    """
    heard = sorted(day for day in days if datetime(day.year, day.month, day.day, tzinfo=UTC) < moment)
    if len(heard) < FEWEST_DAYS:
        return None
    longest = max((b - a).days - 1 for a, b in pairwise(heard))
    today = (moment - timedelta(microseconds=1)).date()
    share = (len(heard) - 1) / (heard[-1] - heard[0]).days
    chance = 0 if share == 1 else round(log(1e-6) / log(1 - share))
    return Silence(heard[-1], max(0, (today - heard[-1]).days), longest, len(heard), chance)


def read_calendar(events: EventLog) -> Calendar:
    """Count the lake's events by day, in one pass and at most `MEMORY_GB`; live events count once they are flushed."""
    with duckdb.connect(config={"memory_limit": f"{MEMORY_GB}GB"}) as con:
        con.execute("set timezone = 'UTC'")
        rows = con.execute(
            f"""with days as (
                  select source, type, occurred_at::date happened, received_at::date heard from ({events.scan()}))
                select source, type, happened, heard, count(*) from days
                group by grouping sets ((source, type, happened), (source, type, heard)) order by all"""
        ).fetchall()
        bought = con.execute(
            f"""select count(*), count(*) - count(distinct hash(coalesce(customer_id, anonymous_id), order_id,
                  occurred_at, lines)) from ({events.scan()}) where type = 'purchase'"""
        ).fetchone()
    assert bought is not None
    told: dict[tuple[str, str], tuple[dict[date, int], dict[date, int]]] = {}
    for source, event_type, happened, heard, count in rows:
        days = told.setdefault((source, event_type), ({}, {}))
        days[0 if heard is None else 1][happened if heard is None else heard] = count
    return Calendar(
        told=tuple(
            Told(source=source, type=event_type, happened=happened, heard=heard)
            for (source, event_type), (happened, heard) in sorted(told.items())
        ),
        purchases=bought[0],
        twins=bought[1],
    )


def _summed(many: Iterable[Days]) -> dict[date, int]:
    total: dict[date, int] = {}
    for days in many:
        for day, count in days.items():
            total[day] = total.get(day, 0) + count
    return total
