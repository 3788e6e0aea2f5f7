"""The decision service: the pure engine wired to what it reads and to where it records."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from features.home import Home
from serving.decision import Decision, Request


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a decision: sent, impression, click, accept, dismiss, unsubscribe, bounce, released or purchase."""

    decision_id: str
    outcome: str
    occurred_at: datetime
    value: float | None = None
    action_id: str | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether decisions can be made, and what is degraded; `versions` names what is in force."""

    ready: bool
    degraded: list[str] = []
    versions: dict[str, str] = {}


class DecisionService:
    """One per process, safe to share between threads. No method reads a clock: `now` is an argument."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def decide(self, request: Request) -> Decision:
        """Decide for one, record durably, answer. Raises `DataError` for an unknown placement, channel or mode only."""
        return self.decide_many([request])[0]

    def decide_many(self, requests: Sequence[Request]) -> list[Decision]:
        """Decide for many at once, by the same code as for one; all are recorded before this returns."""
        raise NotImplementedError

    def ingest(self, objects: list[Any], now: datetime, source: str = "api") -> list[Any]:
        """Take events in: durable and visible to the next decision when this returns. Gives one result an event."""
        raise NotImplementedError

    def record_outcome(self, outcome: Outcome, now: datetime) -> bool:
        """Note an outcome once; False where it was known already. Raises `DataError` for an unknown decision."""
        raise NotImplementedError

    def customer(self, customer_id: str, now: datetime) -> dict[str, Any] | None:
        """What is known of a customer, in plain types; None where nothing is."""
        raise NotImplementedError

    def why(
        self,
        customer_id: str,
        now: datetime,
        action: str | None = None,
        *,
        at: datetime | None = None,
        channel: str | None = None,
        placement: str | None = None,
    ) -> dict[str, Any]:
        """Why she gets what she gets, and why not the rest: at `at` from the record, else now from live state."""
        raise NotImplementedError

    def health(self, now: datetime) -> Health:
        """Whether this process can answer, and with what degraded."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of connections."""
