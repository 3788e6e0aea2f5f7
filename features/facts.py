"""A fact: one accepted event of one customer, the only thing her state is made of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec


class Fact(msgspec.Struct, frozen=True):
    """One accepted event. Times are aware UTC datetimes; `payload` holds the non-empty columns of `events.payload_of`.

    `origin` is the id the event was recorded under (customer_id, else anonymous_id): it stays through merges, so that
    a good word of one identity never ends a hold of another.
    """

    event_id: str
    type: str
    occurred_at: datetime
    received_at: datetime
    origin: str
    channel: str | None = None
    touchpoint: str | None = None
    source: str = ""
    payload: dict[str, Any] = {}


def known_by(facts: Iterable[Fact], instant: datetime) -> list[Fact]:
    """The facts that had both happened and been received by `instant` (inclusive): what a replay may fold."""
    return [f for f in facts if f.occurred_at <= instant and f.received_at <= instant]
