"""A decision on record is explained and taken again; rows changed by hand are gated like all."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from features.home import Home
from serving.api import create_app
from serving.api.customer_models import WhyResponse
from serving.api.decision_records import ReplayAnswer
from serving.settings import ServingSettings
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, case, event, purchase

ROW = {"customer_id": "aino", "action_id": "popular_items", "channel": "web", "placement": "product_page"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    settings = ServingSettings(decision_deadline_ms=20_000)
    client = start(create_app(home, clock=clock, settings=settings), **key("admin"))
    client.post("/v1/events", json=purchase("p", "aino", NOON - timedelta(days=40)))
    return client


def decide(client: Client, **more: Any) -> str:
    body = {"customer_id": "aino", "channel": "web", "placement": "front_page"} | more
    return str(client.post("/v1/decisions", json=body).json()["decision_id"])


def test_it_is_explained_as_it_was_whatever_came_after(client: Client, clock: Clock) -> None:
    decision_id = decide(client)
    clock.pass_days(1)
    client.post("/v1/events", json=case("c", "aino", "r-1", clock.now))
    answer = client.get(f"/v1/decisions/{decision_id}")
    found = WhyResponse.model_validate_json(answer.content)
    assert found.source == "record" and found.decision_id == decision_id and found.holds == []
    assert {c.action_id for c in found.candidates} >= {"popular_items", "no_action"}


def test_it_is_taken_again_exactly(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=case("c", "aino", "r-1", NOON))
    decision_id = decide(client)
    clock.pass_days(3)
    client.post("/v1/events", json=case("d", "aino", "r-1", clock.now, status="closed"))
    found = ReplayAnswer.model_validate_json(client.get(f"/v1/decisions/{decision_id}/replay").content)
    assert found.exact and found.differences == [] and found.decision["decision_id"] == decision_id
    assert [hold["kind"] for hold in found.decision["holds"]] == ["open_case"]


@pytest.mark.parametrize("path", ["/v1/decisions/d-none", "/v1/decisions/d-none/replay"])
def test_one_that_is_not_there_is_said_so(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404 and "d-none" in answer.json()["detail"]


def test_rows_are_rechecked_beside_decisions(client: Client) -> None:
    decision_id = decide(client)
    blocked = ROW | {"customer_id": "bertta"}
    client.post("/v1/events", json=[event("f", "feedback", "bertta", NOON, kind="rating", score=1)])
    strange = [ROW | {"action_id": "free_beer"}, ROW | {"placement": "roof"}]
    answer = client.post("/v1/recheck", json={"decision_ids": [decision_id], "rows": [ROW, blocked, *strange]})
    assert answer.status_code == 200, answer.text
    first, *rows = answer.json()["results"]
    assert first["decision_id"] == decision_id and first["row"] is None
    assert [one["row"] for one in rows] == [0, 1, 2, 3]
    assert not rows[1]["allowed"] and "hold" in [why["code"] for why in rows[1]["reasons"]]
    assert rows[1]["holds"][0]["kind"] == "bad_rating"
    assert not rows[2]["allowed"] and not rows[3]["allowed"]
    assert "hold" not in [why["code"] for why in rows[0]["reasons"]]


def test_a_recheck_of_nothing_is_refused(client: Client) -> None:
    assert client.post("/v1/recheck", json={}).status_code == 422
    assert client.post("/v1/recheck", json={"rows": [ROW] * 600, "decision_ids": ["d"] * 600}).status_code == 422
