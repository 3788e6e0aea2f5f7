"""Aino's exchange: a small shop with fixed times, the events as they are posted, and the service that answers."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from features.catalogue import ITEM_SCHEMA, merge_items
from features.errors import DataError
from features.home import Home
from serving.core.decision import Decision
from serving.core.question import Request
from serving.outcomes import Outcome
from serving.service import DecisionService

MORNING = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
WHO = "aino"
ITEMS = (
    ("sneaker-39", "Sneakers, size 39", "clothing/shoes", 8900, 4450, False),
    ("boot-39", "Winter boots, size 39", "clothing/shoes", 12900, 6450, False),
    ("wool-socks", "Wool socks", "clothing/socks", 1900, 950, False),
    ("coffee-500", "Coffee, 500 g", "grocery/coffee", 690, 345, True),
)


class Story:
    """A service over an empty data folder, and a clock that the story sets."""

    def __init__(self, home: Home) -> None:
        self.now = MORNING
        self.service = DecisionService(home, durable=False)
        self._numbers = itertools.count(1)
        merge_items(home, pa.Table.from_pylist([_item(*row) for row in ITEMS], schema=ITEM_SCHEMA))

    def posts(
        self, kind: str, /, *, days_ago: float = 0, touchpoint: str | None = None, **payload: Any
    ) -> dict[str, Any]:
        """Post an event of hers, now or so many days late; gives it as posted. Raises `DataError` if refused."""
        event: dict[str, Any] = {
            "event_id": f"{kind}-{next(self._numbers)}",
            "type": kind,
            "customer_id": WHO,
            "occurred_at": (self.now - timedelta(days=days_ago)).isoformat().replace("+00:00", "Z"),
            "channel": "web",
        }
        event |= ({"touchpoint": touchpoint} if touchpoint else {}) | {"payload": payload}
        (result,) = self.service.ingest([event], self.now)
        if result.status != "accepted":
            raise DataError(f"The story's event {event} was not accepted: {result}. Correct it.")
        return event

    def buys(self, order_id: str, item_id: str, price: int, *, days_ago: float) -> None:
        """She buys one thing, and it arrives two days later."""
        line = {"item_id": item_id, "quantity": 1, "unit_price": price, "discount": 0}
        self.posts("purchase", days_ago=days_ago, order_id=order_id, currency="EUR", lines=[line])
        self.posts("delivery", days_ago=days_ago - 2, order_id=order_id, status="delivered")

    def asks(self, placement: str, channel: str, *, n: int = 1, record: bool = False) -> Decision:
        """What she would be shown there, or with `record` what she is shown."""
        mode: Any = "serve" if record else "simulate"
        return self.service.decide(
            Request(customer_id=WHO, channel=channel, placement=placement, n=n, now=self.now, mode=mode)
        )

    def sent(self, decision: Decision) -> None:
        """The sender tells that an answer went out."""
        told = Outcome(decision_id=decision.decision_id, outcome="sent", occurred_at=self.now)
        self.service.record_outcome(told, self.now)


@contextmanager
def told() -> Iterator[Story]:
    """The story at its beginning, in a folder that is gone afterwards: Aino, a customer with five orders behind her."""
    with TemporaryDirectory() as folder:
        story = Story(Home.open(Path(folder) / "home"))
        try:
            for purpose in ("marketing", "feedback"):
                story.posts("consent", days_ago=400, purpose=purpose, status="granted")
            for number, days_ago in enumerate((100, 70, 45, 25)):
                story.buys(f"order-{number + 1}", "coffee-500", 690, days_ago=days_ago)
            story.buys("order-5", "sneaker-39", 8900, days_ago=9)
            yield story
        finally:
            story.service.close()


def _item(item_id: str, title: str, category: str, price: int, margin: int, consumable: bool) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(ITEM_SCHEMA.names)
    row |= {"item_id": item_id, "title": title, "category": category, "price": price, "margin": margin}
    return row | {"in_stock": True, "consumable": consumable}
