"""A shop's log for tests of experience: things happen so many days before `NOW`, and are told through either door."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.home import Home
from features.log.event_log import EventLog
from features.log.event_objects import rows_from_json
from serving.experience.experience import Experience
from serving.experience.touchpoints import Touchpoint
from serving.service import DecisionService

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
Event = dict[str, Any]


class Shop:
    """Events are gathered by `tells` and its kin, and are in the log when a report is asked for."""

    def __init__(self, root: Path) -> None:
        self.home = Home.open(root)
        self.events: list[Event] = []
        self._ids = itertools.count(1)

    def tells(
        self, type_: str, who: str, days_ago: float, touchpoint: str | None = None, /, *, channel: str = "web",
        heard_days_ago: float | None = None, **payload: Any,
    ) -> str:  # fmt: skip
        """Something happened to somebody; visitors' names begin with "~". Returns the event's id."""
        event_id = f"e{next(self._ids):04d}"
        known_as = {"anonymous_id": who[1:]} if who.startswith("~") else {"customer_id": who}
        at, heard = (
            (NOW - timedelta(days=d)).isoformat()
            for d in (days_ago, days_ago if heard_days_ago is None else heard_days_ago)
        )
        event = {"event_id": event_id, "type": type_, **known_as, "occurred_at": at, "received_at": heard,
                 "channel": channel, "touchpoint": touchpoint, "payload": payload}  # fmt: skip
        self.events.append(event)
        return event_id

    def rates(self, who: str, score: float, days_ago: float = 1, touchpoint: str = "support", **more: Any) -> str:
        """A rating, 1 to 5."""
        return self.tells("feedback", who, days_ago, touchpoint, kind="rating", score=score, **more)

    def searches(self, who: str, query: str, days_ago: float, results: int = 0, session: str = "s") -> str:
        """A search."""
        said = {"action": "search", "session_id": session, "query": query, "result_count": results}
        return self.tells("browse", who, days_ago, "search", **said)

    def looks(self, who: str, item: str, days_ago: float, session: str = "s") -> str:
        """A look at an item."""
        return self.tells("browse", who, days_ago, "product_page", action="view", session_id=session, item_id=item)

    def links(self, visitor: str, customer: str, days_ago: float, action: str = "link") -> None:
        """A visitor turns out to be, or not to be, a customer."""
        self.tells("identity", customer, days_ago, action=action)
        self.events[-1]["anonymous_id"] = visitor[1:]

    def told(self, events: Sequence[Event] | None = None) -> "Shop":
        """What was gathered, or these, goes into the log live."""
        with EventLog(self.home, durable=False) as log:
            for result in log.append_live(list(self.events if events is None else events), source="test", now=NOW):
                assert result.status != "rejected", result
        if events is None:
            self.events = []
        return self

    def imported(self, events: Sequence[Event] | None = None) -> "Shop":
        """What was gathered, or these, goes into the log as history."""
        rows, rejects = rows_from_json(list(self.events if events is None else events), source="test", received_at=NOW)
        assert rejects == []
        with EventLog(self.home, durable=False) as log:
            log.append_history([rows] if isinstance(rows, pa.Table) else [], source="test", now=NOW)
        if events is None:
            self.events = []
        return self

    def flushed(self) -> "Shop":
        """Live events move to the history."""
        with EventLog(self.home, durable=False) as log:
            log.flush_live()
        return self

    @property
    def experience(self) -> Experience:
        """Everything gathered is told, and can be asked about."""
        if self.events:
            self.told()
        return Experience(DecisionService(self.home, durable=False))

    def touchpoints(self, days: int = 90, now: datetime = NOW, stories: int = 3) -> dict[str, Touchpoint]:
        """The report by touchpoint."""
        return {one.touchpoint: one for one in self.experience.touchpoints(now, days, stories).touchpoints}
