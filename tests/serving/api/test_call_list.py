"""The call list (T3): whom a person should call, the gravest first, then the dearest; a call made takes her off."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from features.home import Home
from serving.api import create_app
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, case, event, purchase

EARLIER = NOON - timedelta(days=4)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    return start(create_app(home, clock=clock), **key("admin"))


def chased(customer: str, times: int) -> list[dict[str, Any]]:
    """An exchange four days ago, asked about so many times since."""
    opened = case(f"{customer}-c", customer, f"r-{customer}", EARLIER)
    asks = [
        case(f"{customer}-{n}", customer, f"r-{customer}", EARLIER + timedelta(hours=n + 1), status="customer_asked")
        for n in range(times)
    ]
    return [opened, *asks]


def calls(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/call-list", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["calls"]
    return found


def test_the_gravest_first_then_the_dearest(client: Client) -> None:
    past = NOON - timedelta(days=100)
    told = [
        *chased("mild", 1), *chased("cheap", 2), *chased("dear", 2), *chased("grave", 3),
        purchase("p-1", "cheap", past, 1_000), purchase("p-2", "dear", past, 90_000),
    ]  # fmt: skip
    assert client.post("/v1/events", json=told).status_code == 200
    found = calls(client)
    assert [(one["customer_id"], one["severity"]) for one in found] == [("grave", 5), ("dear", 4), ("cheap", 4)]
    assert found[1]["value"] == 90_000 and found[1]["action_id"] == "staff_call" and not found[1]["quiet_now"]
    assert found[1]["cases"][0]["case_id"] == "r-dear" and found[1]["cases"][0]["asked"] == 2
    assert found[1]["reasons"][0]["code"] == "service_due" and found[1]["text_fi"]
    assert len(calls(client, limit=1)) == 1


def test_a_call_made_takes_her_off_until_she_has_to_ask_again(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=chased("aino", 2))
    assert [one["customer_id"] for one in calls(client)] == ["aino"]
    made = event("call", "contact", "aino", NOON, action_id="staff_call", status="sent") | {"channel": "phone"}
    assert client.post("/v1/events", json=made).status_code == 200
    assert calls(client) == []
    clock.pass_days(1)
    client.post("/v1/events", json=case("again", "aino", "r-aino", clock.now, status="customer_asked"))
    assert [one["customer_id"] for one in calls(client)] == ["aino"]


def test_at_night_she_stays_on_the_list_marked(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=chased("aino", 2))
    clock.pass_days(0.5)  # midnight UTC is three in the morning in Helsinki
    (one,) = calls(client)
    assert one["customer_id"] == "aino" and one["quiet_now"]
