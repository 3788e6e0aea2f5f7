"""The customer's own clock: her zone, and whether it is an hour to be quiet in."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, None where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def is_zone(name: str) -> bool:
    """Whether it names a time zone."""
    return zone_of(name) is not None


def is_within(moment: datetime, zone: str, starts: time, ends: time) -> bool:
    """Whether the local time of an aware `moment` lies in [starts, ends), a span that may pass midnight.

    >>> from datetime import UTC
    >>> is_within(datetime(2026, 9, 1, 19, tzinfo=UTC), "Europe/Helsinki", time(21), time(8))
    True
    """
    local = moment.astimezone(zone_of(zone)).time()
    return starts <= local < ends if starts < ends else local >= starts or local < ends


def next_time(moment: datetime, zone: str, clock: time) -> datetime:
    """The first instant from `moment` on at which the clock of `zone` shows `clock`, in the zone of `moment`.

    >>> from datetime import UTC
    >>> next_time(datetime(2026, 9, 1, 19, tzinfo=UTC), "Europe/Helsinki", time(8)).isoformat()
    '2026-09-02T05:00:00+00:00'
    """
    local = moment.astimezone(zone_of(zone))
    days = (datetime.combine(local.date() + timedelta(days=n), clock, local.tzinfo) for n in range(3))
    shown = (day.replace(fold=fold).astimezone(UTC) for day in days for fold in (0, 1))  # twice where an hour repeats
    return next(at for at in shown if at >= moment).astimezone(moment.tzinfo)
