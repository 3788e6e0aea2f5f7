"""The staff's questions about experience, wired to the decision service. Safe to share between threads."""

import time
from datetime import datetime

from serving.desk.faults import FieldFaultError, NotThereError
from serving.experience.demand import MIN_PEOPLE, Demand, demand
from serving.experience.happened import Happened, Span, happened
from serving.experience.journey import Journey, journey
from serving.experience.stories import Story, stories
from serving.experience.touchpoints import Report, Touchpoint, checked_days, touchpoints
from serving.service import DecisionService

_BREATH_SECONDS = 0.001
LONGEST_JOURNEY_DAYS = 3_660


def _breathe() -> None:
    """Between pages of a long look: let decisions of this process through."""
    time.sleep(_BREATH_SECONDS)


class Experience:
    """One per process, over its decision service. No method reads a clock: `now` is an argument."""

    def __init__(self, service: DecisionService) -> None:
        self._service = service

    def touchpoints(self, now: datetime, days: int = 90, most_stories: int = 3) -> Report:
        """Every touchpoint over the last `days`. Raises `FieldFaultError` for days that cannot be looked back on."""
        found = self._touchpoints(now, checked_days(days), most_stories, None)
        return Report(as_of=now, days=days, touchpoints=found)

    def touchpoint(self, name: str, now: datetime, days: int = 90, most_stories: int = 20) -> Report:
        """One touchpoint. Raises as `touchpoints`, and `NotThereError` where nothing happened at it."""
        found = self._touchpoints(now, checked_days(days), most_stories, name)
        mine = [one for one in found if one.touchpoint == name]
        if not mine:
            known = ", ".join(one.touchpoint for one in found) or "none"
            raise NotThereError(
                f"Nothing happened at touchpoint {name!r} in the last {days} days. Those where something did: {known}."
            )
        return Report(as_of=now, days=days, touchpoints=mine)

    def demand(self, now: datetime, days: int = 90, min_people: int = MIN_PEOPLE, most: int = 50) -> Demand:
        """What people looked for in vain over the last `days`. Raises as `touchpoints`."""
        checked_days(days)
        articles = self._service.in_force(now).articles
        run, span, home = self._service.records.connection(), Span.of(now, days), self._service.home
        with happened(home, run, span, _breathe) as found:
            return demand(found, span, articles, days=days, min_people=min_people, most=most, pause=_breathe)

    def journey(self, customer_id: str, now: datetime, days: int = 365) -> Journey:
        """One customer's own curve. Raises `NotThereError` as `journey.journey`, `FieldFaultError` for bad days."""
        if not 1 <= days <= LONGEST_JOURNEY_DAYS:
            raise FieldFaultError(
                "days", days, "cannot be looked back on", f"Ask for 1 to {LONGEST_JOURNEY_DAYS} days."
            )
        rules = self._service.in_force(now).policy.file.holds
        return journey(self._service.records.connection(), customer_id, now, days, rules)

    def _touchpoints(self, now: datetime, days: int, most: int, only: str | None) -> list[Touchpoint]:
        rules = self._service.in_force(now).policy.file.holds
        run, span = self._service.records.connection(), Span.of(now, days)

        def worst(found: Happened) -> dict[str, list[Story]]:
            return stories(found, run, now, rules, most, only)

        with happened(self._service.home, run, span, _breathe) as found:
            return touchpoints(found, span, rules, worst)
