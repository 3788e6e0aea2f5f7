"""A person holds a customer, and lets her go: who and why are kept, a retry counts once, mistakes name the remedy."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from features.home import Home
from features.log.event_log import EventLog
from serving.api import create_app
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, case, purchase

IN_A_WEEK = (NOON + timedelta(days=7)).isoformat()
WISH = {"review_at": IN_A_WEEK, "person": "maija", "reason": "promised her a quiet week"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    client = start(create_app(home, clock=clock), **key("admin"))
    client.post("/v1/events", json=[purchase("p-1", "c-1", NOON - timedelta(days=20))])
    return client


def hold(client: Client, customer: str = "c-1", key: str | None = None, **more: Any) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    return client.post(f"/v1/customers/{customer}/holds", json=WISH | more, headers=headers)


def release(client: Client, hold_id: str, customer: str = "c-1", key: str | None = None, **more: Any) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    body = {"person": "maija", "reason": "called her"} | more
    return client.request("DELETE", f"/v1/customers/{customer}/holds/{hold_id}", json=body, headers=headers)


def held(client: Client, customer: str = "c-1") -> list[str]:
    return [one["hold_id"] for one in client.get(f"/v1/customers/{customer}").json()["holds"]]


def test_a_hold_by_hand_is_in_force_until_a_person_releases_it(client: Client, clock: Clock) -> None:
    answer = hold(client, channels=["email"], categories=["sales", "care"])
    assert answer.status_code == 201 and answer.json()["status"] == "added"
    mine = answer.json()["hold"]
    assert mine["covers"] == {"categories": ["sales", "care"], "channels": ["email"], "groups": []}
    assert mine["detail"] == "promised her a quiet week" and mine["ends_at"] is None
    assert held(client) == [mine["hold_id"]]
    clock.pass_days(90)
    assert held(client) == [mine["hold_id"]], "past its review date it stays"
    assert release(client, mine["hold_id"]).json() | {"customer_id": ""} == {
        "customer_id": "", "hold_id": mine["hold_id"], "status": "released", "holds": [],
    }  # fmt: skip
    assert held(client) == []


def test_the_same_key_is_the_same_hold_and_the_same_release(client: Client, clock: Clock, home: Home) -> None:
    first = hold(client, key="monday-1").json()
    clock.pass_days(0.01)
    again = hold(client, key="monday-1")
    assert (
        again.status_code == 201 and again.json()["status"] == "known" and again.json()["hold_id"] == first["hold_id"]
    )
    assert len(held(client)) == 1
    assert hold(client, key="monday-2").json()["hold_id"] != first["hold_id"] and len(held(client)) == 2
    assert [release(client, first["hold_id"], key="r").json()["status"] for _ in range(2)] == ["released", "known"]
    after = hold(client, key="monday-1").json()
    assert after["status"] == "known" and after["hold"] is None, "a late retry does not bring it back"
    with EventLog(home) as log:
        assert log.counts()["hold"] == 3


def test_a_key_of_another_request_is_refused(client: Client) -> None:
    hold(client, key="k")
    answer = hold(client, key="k", reason="something else")
    assert answer.status_code == 409 and "own key" in answer.json()["detail"]
    assert len(held(client)) == 1


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("review_at", (NOON - timedelta(seconds=1)).isoformat(), "not in the future"),
        ("review_at", NOON.isoformat(), "not in the future"),
        ("review_at", (NOON + timedelta(days=101)).isoformat(), "100 days"),
        ("person", "  ", "says nothing"),
        ("reason", "x" * 501, "501 characters"),
        ("categories", ["regulation"], "cannot be held"),
        ("channels", ["pigeon"], "cannot be held"),
    ],
)
def test_what_cannot_be_asked_for_names_field_value_and_remedy(
    client: Client, home: Home, field: str, value: Any, problem: str
) -> None:
    answer = hold(client, **{field: value})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field and problem in error["problem"] and error["remedy"] and error["value"]
    assert held(client) == []
    with EventLog(home) as log:
        assert "hold" not in log.counts()


def test_a_review_date_is_not_to_be_left_out(client: Client) -> None:
    body = {name: value for name, value in WISH.items() if name != "review_at"}
    answer = client.post("/v1/customers/c-1/holds", json=body)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "review_at"


def test_a_mistyped_customer_is_not_held(client: Client) -> None:
    answer = hold(client, "c-l")
    assert answer.status_code == 404 and "c-l" in answer.json()["detail"]


def test_any_hold_can_be_released_until_its_cause_grows_worse(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=case("e-1", "c-1", "rma/7"))
    (hold_id,) = held(client)
    clock.pass_days(1)
    assert release(client, hold_id).status_code == 200 and held(client) == []
    clock.pass_days(1)
    client.post("/v1/events", json=case("e-2", "c-1", "rma/7", clock.now, status="customer_asked"))
    assert held(client) == [hold_id]


def test_what_is_not_there_or_over_is_said_with_what_is_in_force(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=case("e-1", "c-1", "rma-7"))
    mine = hold(client).json()["hold_id"]
    unknown = release(client, "staff:nothing")
    assert unknown.status_code == 404 and {h["hold_id"] for h in unknown.json()["holds"]} == {mine, "open_case:rma-7"}
    clock.pass_days(1)
    release(client, mine)
    over = release(client, mine)
    assert over.status_code == 409 and [h["hold_id"] for h in over.json()["holds"]] == ["open_case:rma-7"]
    assert "open_case:rma-7" in over.json()["detail"]


def test_a_visitor_can_be_held_under_the_id_she_has(client: Client) -> None:
    client.post("/v1/events", json=case("e-1", "anonymous:v-1", "rma-8"))
    hold_id = hold(client, "anonymous:v-1").json()["hold_id"]
    link = {"event_id": "l-1", "type": "identity", "customer_id": "c-1", "anonymous_id": "v-1",
            "occurred_at": NOON.isoformat(), "payload": {"action": "link"}}  # fmt: skip
    assert client.post("/v1/events", json=link).status_code == 200
    assert set(held(client)) == {hold_id, "open_case:rma-8"}
    assert release(client, hold_id, "anonymous:v-1").json()["customer_id"] == "c-1"
    assert held(client) == ["open_case:rma-8"]


def test_only_a_key_of_scope_care_may(home: Home, start: Callable[..., Client], key: Callable[..., Any]) -> None:
    others = start(create_app(home, clock=lambda: NOON), **key("read", "decide", "events", "console"))
    assert hold(others).status_code == 403 and release(others, "x").status_code == 403
    assert hold(start(create_app(home, clock=lambda: NOON), **key("care"))).status_code == 404
