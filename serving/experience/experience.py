"""The staff's questions about experience, wired to the decision service. Safe to share between threads.

Each report can be had as of any moment, counted over the whole log; or *lately*: as of some minutes ago, where a
process beside the service keeps it (`keeping.py`).
"""

import time
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from serving.alarms.watch import Alarm, alarms, with_declared
from serving.desk.faults import FieldFaultError, NotThereError
from serving.experience.demand import MIN_PEOPLE, Demand, demand
from serving.experience.happened import Happened, Span, happened
from serving.experience.journey import Journey, journey
from serving.experience.keeping import PERIODS, Keeping, Kind
from serving.experience.stories import Story, stories
from serving.experience.touchpoints import Report, Touchpoint, checked_days, touchpoints
from serving.service import DecisionService

_BREATH_SECONDS = 0.001
LONGEST_JOURNEY_DAYS = 3_660
STORIES_KEPT = 20
TERMS_KEPT = 50


def _breathe() -> None:
    """Between pages of a long look: let decisions of this process through."""
    time.sleep(_BREATH_SECONDS)


class Experience:
    """One per process, over its decision service. No method reads a clock: `now` is an argument."""

    def __init__(self, service: DecisionService) -> None:
        self._service = service
        self._keeping = Keeping(service)

    def keep(self, now: datetime) -> bool:
        """Make the report that pages have waited for longest, if any is due; whether one was. For a process that has
        time. Raises as `touchpoints`, and `sqlite3.Error` where nothing can be kept.
        """
        kinds = (
            Kind("alarms", [0], lambda now, _: self._alarms(now)),
            Kind("touchpoints", PERIODS, lambda now, days: self._over(now, days, STORIES_KEPT, None, spill=True)),
            Kind("demand", PERIODS, lambda now, days: self._demand(now, days, MIN_PEOPLE, TERMS_KEPT, spill=True)),
        )
        return self._keeping.step(kinds, now)

    def lately(self, now: datetime, days: int = 90, most_stories: int = 3) -> Report:
        """`touchpoints`, of a moment shortly before `now` where that report is kept."""
        kept = self._keeping.fresh("touchpoints", Report, now, days) if most_stories <= STORIES_KEPT else None
        if kept is None:
            return self.touchpoints(now, days, most_stories)
        shorter = [replace(one, stories=one.stories[:most_stories]) for one in kept.touchpoints]
        return replace(kept, touchpoints=shorter)

    def lately_at(self, name: str, now: datetime, days: int = 90, most_stories: int = STORIES_KEPT) -> Report:
        """`touchpoint`, of a moment shortly before `now` where that report is kept."""
        kept = self._keeping.fresh("touchpoints", Report, now, days) if most_stories <= STORIES_KEPT else None
        if kept is None:
            return self.touchpoint(name, now, days, most_stories)
        mine = _only(name, kept.touchpoints, days)
        return replace(kept, touchpoints=[replace(mine, stories=mine.stories[:most_stories])])

    def demand_lately(
        self, now: datetime, days: int = 90, min_people: int = MIN_PEOPLE, most: int = TERMS_KEPT
    ) -> Demand:
        """`demand`, of a moment shortly before `now` where that report is kept."""
        kept = self._keeping.fresh("demand", Demand, now, days)
        if kept is None or kept.min_people != min_people or most > TERMS_KEPT:
            return self.demand(now, days, min_people, most)
        return replace(kept, terms=kept.terms[:most], frictions=kept.frictions[:most])

    def alarms(self, now: datetime) -> list[Alarm]:
        """Where unhappy customers have jumped beyond chance: as of some minutes ago, where that is kept. Which of them
        an open incident speaks of is told as of now.
        """
        kept = self._keeping.fresh("alarms", list[Alarm], now, 0)
        if kept is None:
            return self._alarms(now)
        run, holds = self._service.records.connection(), self._service.in_force(now).policy.file.holds
        return with_declared(run, kept, now, holds)

    def touchpoints(self, now: datetime, days: int = 90, most_stories: int = 3) -> Report:
        """Every touchpoint over the last `days`. Raises `FieldFaultError` for days that cannot be looked back on."""
        return self._over(now, days, most_stories, None)

    def touchpoint(self, name: str, now: datetime, days: int = 90, most_stories: int = STORIES_KEPT) -> Report:
        """One touchpoint. Raises as `touchpoints`, and `NotThereError` where nothing happened at it."""
        found = self._over(now, days, most_stories, name)
        return replace(found, touchpoints=[_only(name, found.touchpoints, days)])

    def demand(self, now: datetime, days: int = 90, min_people: int = MIN_PEOPLE, most: int = TERMS_KEPT) -> Demand:
        """What people looked for in vain over the last `days`. Raises as `touchpoints`."""
        return self._demand(now, days, min_people, most)

    def journey(self, customer_id: str, now: datetime, days: int = 365) -> Journey:
        """One customer's own curve. Raises `NotThereError` as `journey.journey`, `FieldFaultError` for bad days."""
        if not 1 <= days <= LONGEST_JOURNEY_DAYS:
            raise FieldFaultError(
                "days", days, "cannot be looked back on", f"Ask for 1 to {LONGEST_JOURNEY_DAYS} days."
            )
        rules = self._service.in_force(now).policy.file.holds
        return journey(self._service.records.connection(), customer_id, now, days, rules)

    def _over(self, now: datetime, days: int, most: int, only: str | None, *, spill: bool = False) -> Report:
        rules = self._service.in_force(now).policy.file.holds
        run, span = self._service.records.connection(), Span.of(now, checked_days(days))

        def worst(found: Happened) -> dict[str, list[Story]]:
            return stories(found, run, now, rules, most, only)

        with happened(self._service.home, run, span, _breathe, spill=spill) as found:
            return Report(as_of=now, days=days, touchpoints=touchpoints(found, span, rules, worst))

    def _alarms(self, now: datetime) -> list[Alarm]:
        file = self._service.in_force(now).policy.file
        return alarms(self._service.records.connection(), now, file.holds, file.alarms)

    def _demand(self, now: datetime, days: int, min_people: int, most: int, *, spill: bool = False) -> Demand:
        checked_days(days)
        articles = self._service.in_force(now).articles
        run, span, home = self._service.records.connection(), Span.of(now, days), self._service.home
        with happened(home, run, span, _breathe, spill=spill) as found:
            return demand(found, span, articles, days=days, min_people=min_people, most=most, pause=_breathe)


def _only(name: str, found: Sequence[Touchpoint], days: int) -> Touchpoint:
    mine = [one for one in found if one.touchpoint == name]
    if not mine:
        known = ", ".join(one.touchpoint for one in found) or "none"
        raise NotThereError(
            f"Nothing happened at touchpoint {name!r} in the last {days} days. Those where something did: {known}."
        )
    return mine[0]
