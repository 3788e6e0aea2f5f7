"""A tiny language for customers' facts: days are counted from noon on the first of March 2026."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from features.customer.holds import Hold, HoldRules, holds_in_force
from features.customer.incidents import Incident
from features.customer.state import CustomerState, Fact, fold
from features.customer.view import CustomerView, view

DAY_0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = HoldRules()
_ids = itertools.count(1)


def day(count: float) -> datetime:
    """The instant `count` days after day 0."""
    return DAY_0 + timedelta(days=count)


def fact(
    type_: str,
    on: float,
    *,
    origin: str = "aino",
    channel: str = "web",
    touchpoint: str | None = None,
    event_id: str | None = None,
    known: float | None = None,
    **payload: Any,
) -> Fact:
    """A fact of day `on`, received on day `known` (default: at once)."""
    return Fact(
        event_id=event_id or f"{type_}-{next(_ids)}",
        type=type_,
        occurred_at=day(on),
        received_at=day(on if known is None else known),
        origin=origin,
        channel=channel,
        touchpoint=touchpoint,
        source="test",
        payload=payload,
    )


def case(on: float, status: str, kind: str = "exchange", case_id: str = "C1", **more: Any) -> Fact:
    """A step of a case; `promised` is a day."""
    if (promised := more.pop("promised", None)) is not None:
        more["promised_by"] = day(promised)
    return fact("case", on, case_id=case_id, kind=kind, status=status, **more)


def rating(on: float, score: float, kind: str = "rating", touchpoint: str | None = "store_visit", **more: Any) -> Fact:
    """A scored piece of feedback."""
    return fact("feedback", on, touchpoint=touchpoint, kind=kind, score=score, **more)


def delivery(on: float, status: str, order_id: str = "O1", **more: Any) -> Fact:
    """A step of a delivery; `promised` is a day."""
    if (promised := more.pop("promised", None)) is not None:
        more["promised_at"] = day(promised)
    return fact("delivery", on, order_id=order_id, status=status, **more)


def purchase(on: float, order_id: str, *lines: tuple[str, int, int], discount: int = 0, **more: Any) -> Fact:
    """A purchase of lines (item, quantity, unit price)."""
    sold = [{"item_id": i, "quantity": q, "unit_price": p, "discount": discount, "offer_id": None} for i, q, p in lines]
    return fact("purchase", on, order_id=order_id, currency="EUR", lines=sold, **more)


def state_of(*facts: Fact) -> CustomerState:
    """The folded state."""
    return fold(facts)


def holds_on(on: float, *facts: Fact, rules: HoldRules = RULES, incidents: Sequence[Incident] = ()) -> list[Hold]:
    """The holds in force on a day."""
    return holds_in_force(fold(facts), day(on), rules, incidents)


def kinds_on(on: float, *facts: Fact, rules: HoldRules = RULES) -> list[str]:
    """The kinds of the holds in force on a day."""
    return [hold.kind for hold in holds_on(on, *facts, rules=rules)]


def seen_on(on: float, *facts: Fact) -> CustomerView:
    """The view of a day."""
    return view(fold(facts), day(on), RULES)
