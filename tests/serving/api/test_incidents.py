"""One cause, many customers (T8): tried out, declared with one request, closed by hand or over by itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from features.home import Home
from serving.api import create_app
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, event, purchase

RULE = {"carrier": "posti"}
BODY = {"rule": RULE, "person": "maija", "reason": "strike", "incident_id": "strike"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    client = start(create_app(home, clock=clock), **key("admin"))
    shipped = [
        event(
            f"d-{n}", "delivery", f"c-{n}", NOON - timedelta(days=3), order_id=f"o-{n}", status="shipped", carrier=who
        )
        for n, who in enumerate(["posti", "posti", "dhl"])
    ]
    client.post("/v1/events", json=[*shipped, purchase("p", "c-9")])
    return client


def held(client: Client) -> set[str]:
    return {one["customer_id"] for one in client.get("/v1/holds", params={"kind": "incident"}).json()["entries"]}


def test_a_rule_is_tried_out_and_nothing_is_written(client: Client) -> None:
    answer = client.post("/v1/incidents/reach", json={"rule": RULE})
    assert answer.json() == {"affected": 2, "customers": 4, "examples": ["c-0", "c-1"]}
    assert client.get("/v1/incidents").json() == {"incidents": []} and held(client) == set()


def test_declared_it_holds_whom_it_affects_until_it_is_closed(client: Client, clock: Clock) -> None:
    answer = client.post("/v1/incidents", json=BODY)
    assert answer.status_code == 201 and answer.json()["status"] == "open" and answer.json()["rule"] == RULE
    assert held(client) == {"c-0", "c-1"}
    clock.pass_days(1)
    closed = client.post("/v1/incidents/strike/close", json={"person": "maija", "reason": "over"})
    assert closed.status_code == 200 and closed.json()["status"] == "closed" and held(client) == set()
    again = client.post("/v1/incidents/strike/close", json={"person": "maija", "reason": "over"})
    assert again.status_code == 409 and "closed" in again.json()["detail"]


def test_it_ends_by_itself(client: Client, clock: Clock) -> None:
    client.post("/v1/incidents", json=BODY)
    clock.pass_days(13.9)
    assert held(client) == {"c-0", "c-1"}
    clock.pass_days(0.2)
    assert held(client) == set() and client.get("/v1/incidents").json()["incidents"][0]["status"] == "over"


def test_a_retry_is_the_same_incident_and_an_open_id_is_refused(client: Client, clock: Clock) -> None:
    first = client.post("/v1/incidents", json=BODY, headers={"idempotency-key": "k"})
    clock.pass_days(0.01)
    again = client.post("/v1/incidents", json=BODY, headers={"idempotency-key": "k"})
    assert first.json() == again.json() and len(client.get("/v1/incidents").json()["incidents"]) == 1
    assert client.post("/v1/incidents", json=BODY).status_code == 409
    other = client.post("/v1/incidents", json=BODY | {"rule": {"carrier": "dhl"}}, headers={"idempotency-key": "k"})
    assert other.status_code == 409 and "own key" in other.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"rule": {"carier": "posti"}}, "rule", "carier"),
        ({"rule": {}}, "rule", "says nothing"),
        ({"person": " "}, "person", "says nothing"),
        ({"reason": ""}, "reason", "says nothing"),
        ({"review_at": NOON.isoformat()}, "review_at", "not in the future"),
        ({"incident_id": "x" * 300}, "incident_id", "too long"),
    ],
)
def test_what_cannot_be_declared_names_field_and_remedy(
    client: Client, change: dict[str, Any], field: str, words: str
) -> None:
    answer = client.post("/v1/incidents", json=BODY | change)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field and words in error["problem"] and error["remedy"]
    assert client.get("/v1/incidents").json() == {"incidents": []}


def test_one_never_declared_cannot_be_closed(client: Client) -> None:
    client.post("/v1/incidents", json=BODY)
    answer = client.post("/v1/incidents/flood/close", json={"person": "maija", "reason": "over"})
    assert answer.status_code == 404 and "strike" in answer.json()["detail"]


def test_alarms_tell_where_unhappy_customers_jumped(client: Client, clock: Clock) -> None:
    """One failed check-out a day for five weeks, then twenty in a day."""
    quiet = [
        event(f"q-{n}", "friction", f"q-{n}", NOON - timedelta(days=n + 2), kind="payment_error") for n in range(40)
    ]
    jump = [event(f"j-{n}", "friction", f"j-{n}", NOON - timedelta(hours=1), kind="payment_error") for n in range(20)]
    for one in (*quiet, *jump):
        one["touchpoint"] = "checkout"
    assert client.get("/v1/incidents/alarms").json() == {"alarms": []}
    assert client.post("/v1/events", json=quiet + jump).status_code == 200
    (alarm,) = client.get("/v1/incidents/alarms").json()["alarms"]
    assert alarm["touchpoint"] == "checkout" and alarm["customers"] == 20 and alarm["p_value"] < 1e-3
    declared = client.post("/v1/incidents", json=BODY | {"rule": alarm["rule"]})
    assert declared.status_code == 201 and "j-0" in held(client)
    assert client.get("/v1/incidents/alarms").json()["alarms"][0]["declared"] == "strike"
