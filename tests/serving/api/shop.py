"""A small shop's words for tests: events as a webshop posts them, and a clock that a test moves."""

from datetime import datetime, timedelta
from typing import Any

from .conftest import NOON


class Clock:
    """The time, moved by hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: float) -> None:
        """Let time pass."""
        self.now += timedelta(days=days)


def event(event_id: str, kind: str, customer: str, at: datetime = NOON, /, **payload: Any) -> dict[str, Any]:
    """One event of a customer at a moment; visitors are `anonymous:<id>`."""
    visitor = customer.removeprefix("anonymous:")
    who = {"customer_id": customer} if visitor == customer else {"anonymous_id": visitor}
    return {"event_id": event_id, "type": kind, **who, "occurred_at": at.isoformat(), "payload": payload}


def purchase(event_id: str, customer: str, at: datetime = NOON, price: int = 2_000) -> dict[str, Any]:
    """An order of one thing."""
    line = {"item_id": "item-1", "quantity": 1, "unit_price": price, "discount": 0}
    return event(event_id, "purchase", customer, at, order_id=event_id, currency="EUR", lines=[line])


def case(
    event_id: str, customer: str, case_id: str, at: datetime = NOON, kind: str = "exchange", status: str = "opened",
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """A word about a case."""
    return event(event_id, "case", customer, at, case_id=case_id, kind=kind, status=status, **more)
