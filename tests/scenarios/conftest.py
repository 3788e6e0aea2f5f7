"""A small shop for the scenarios: things happen at stated times, and the web shop asks over the real HTTP API.

Everything is real (event log, state, decision engine, records, API, list builder); only the clock is ours.
"""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from serving.api import create_app
from serving.security import KeyStore

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
Answer = dict[str, Any]


def item(item_id: str, title: str, category: str, price: int, *, consumable: bool = False) -> dict[str, Any]:
    """One article of the shop, half its price being margin."""
    row = dict.fromkeys(ITEM_SCHEMA.names)
    row |= {"item_id": item_id, "title": title, "category": category, "price": price, "margin": price // 2}
    return row | {"in_stock": True, "consumable": consumable, "valid_from": datetime(2025, 1, 1, tzinfo=UTC)}


ARTICLES = [
    item("sneaker-39", "Sneakers, size 39", "clothing/shoes", 8900),
    item("boot-39", "Winter boots, size 39", "clothing/shoes", 12900),
    item("wool-socks", "Wool socks", "clothing/socks", 1900),
    item("rain-coat", "Rain coat", "clothing/coats", 15900),
    item("coffee-500", "Coffee, 500 g", "grocery/coffee", 690, consumable=True),
]


class Shop:
    """A webshop that uses Tahdikas: events in, answers out, at a time that the scenario states."""

    def __init__(self, root: Path) -> None:
        self.home = Home.open(root)
        merge_items(self.home, pa.Table.from_pylist(ARTICLES, schema=ITEM_SCHEMA))
        self.now = NOON
        _, key = KeyStore(self.home).create("webshop", ["admin"], now=self.now)
        self.app = create_app(self.home, clock=lambda: self.now)
        self.http = TestClient(self.app, headers={"Authorization": f"Bearer {key}"})
        self.http.__enter__()
        self._ids = itertools.count(1)

    def close(self) -> None:
        """Stop the app."""
        self.http.__exit__(None, None, None)

    def wait(self, **duration: float) -> None:
        """Let time pass: `wait(days=3)`."""
        self.now += timedelta(**duration)

    def post(self, event: dict[str, Any]) -> dict[str, Any]:
        """Send one raw event; the API's result for it."""
        answer = self.http.post("/v1/events", json=event)
        assert answer.status_code < 300, answer.text
        result: dict[str, Any] = answer.json()["results"][0]
        return result

    def happens(
        self,
        event_type: str,
        customer: str,
        *,
        ago: timedelta = timedelta(0),
        channel: str = "web",
        touchpoint: str | None = None,
        **payload: Any,
    ) -> str:
        """Something happens to a customer now, or some time ago but told only now; the event must be accepted."""
        event_id = f"{event_type}-{next(self._ids)}"
        event = {
            "event_id": event_id,
            "type": event_type,
            "customer_id": customer,
            "occurred_at": (self.now - ago).isoformat(),
            "channel": channel,
            "touchpoint": touchpoint,
            "payload": payload,
        }
        result = self.post(event)
        assert result["status"] == "accepted", result
        return event_id

    def regular(self, customer: str, *, orders: int = 4, consent: bool = True) -> None:
        """A customer with some purchases behind her, the last two weeks ago, delivered well, who may be written to."""
        if consent:
            for purpose in ("marketing", "feedback"):
                self.happens("consent", customer, ago=timedelta(days=400), purpose=purpose, status="granted")
        for number in range(orders):
            order, ago = f"{customer}-order-{number}", timedelta(days=15 + 30 * number)
            line = {"item_id": "coffee-500", "quantity": 2, "unit_price": 690, "discount": 0}
            self.happens("purchase", customer, ago=ago, order_id=order, currency="EUR", lines=[line])
            delivered = ago - timedelta(days=2)
            self.happens(
                "delivery", customer, ago=delivered, touchpoint="delivery", order_id=order, status="delivered"
            )

    def asks(self, customer: str, placement: str, channel: str = "web", **more: Any) -> Answer:
        """The shop asks what this customer should see here and now."""
        body = {"customer_id": customer, "placement": placement, "channel": channel, **more}
        answer = self.http.post("/v1/decisions", json=body)
        assert answer.status_code == 200, answer.text
        decision: Answer = answer.json()
        return decision

    def front_page(self, customer: str) -> Answer:
        """What the web shop's front page may show her."""
        return self.asks(customer, "front_page")

    def email(self, customer: str) -> Answer:
        """What the newsletter may send her."""
        return self.asks(customer, "email", "email")


def categories(answer: Answer) -> set[str]:
    """The categories of what was answered: empty for silence."""
    return {action["category"] for action in answer["actions"]}


def actions(answer: Answer) -> set[str]:
    """The actions answered, but for doing nothing."""
    return {action["action_id"] for action in answer["actions"]} - {"no_action"}


def sells(answer: Answer) -> bool:
    """Whether anything was sold."""
    return "sales" in categories(answer)


def holds(answer: Answer) -> set[str]:
    """The kinds of the holds in force."""
    return {hold["kind"] for hold in answer["holds"]}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop with five articles and no customers yet, at noon on the first of September."""
    shop = Shop(tmp_path / "home")
    yield shop
    shop.close()
