"""Touchpoints, demand and one customer's curve over HTTP: what is answered, and what is refused with the remedy."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from features.home import Home
from serving.api import create_app
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, event


@pytest.fixture
def client(home: Home, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    return start(create_app(home, clock=Clock()), **key("care", "events"))


def rating(number: int, score: int) -> dict[str, Any]:
    at = NOON - timedelta(days=1)
    return event(f"f{number}", "feedback", f"c{number}", at, kind="rating", score=score) | {"touchpoint": "support"}


def found(client: Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_touchpoint_with_its_figures_curve_and_stories(client: Client) -> None:
    client.post("/v1/events", json=[rating(n, 1 + n % 2 * 4) for n in range(8)])
    told = found(client, "/v1/touchpoints")
    (support,) = told["touchpoints"]
    assert (told["days"], support["touchpoint"], support["events"], support["answered"]) == (90, "support", 8, 8)
    assert support["satisfaction"]["value"] == support["good"]["value"] == support["bad"]["value"] == 0.5
    assert support["satisfaction_trend"] == {"direction": "no_history", "change": None, "low": None, "high": None}
    assert len(support["weeks"]) == 13 and support["weeks"][-1]["events"] == 8 and len(support["stories"]) == 3
    (one,) = found(client, "/v1/touchpoints/support", days=7)["touchpoints"]
    assert len(one["weeks"]) == 1 and len(one["stories"]) == 4
    assert found(client, "/v1/touchpoints", stories=0)["touchpoints"][0]["stories"] == []


def test_what_people_typed_and_wrote_is_json_whatever_it_is(client: Client) -> None:
    nasty = '\u202e"},<script>\x1b[2J\n' + "å" * 2_000
    told = [rating(1, 1)]
    told[0]["payload"]["text"] = nasty
    for who in ("aino", "elli"):
        search = {"action": "search", "session_id": "s", "query": nasty, "result_count": 0}
        told.append(event(f"b-{who}", "browse", who, NOON, **search))
    assert client.post("/v1/events", json=told).status_code == 200
    (story,) = found(client, "/v1/touchpoints/support")["touchpoints"][0]["stories"]
    assert story["text"].startswith('\u202e"},<script>\x1b[2J å') and len(story["text"]) == 280
    (term,) = found(client, "/v1/demand")["terms"]
    assert term["term"].startswith('"},<script>[2j å') and len(term["term"]) == 80 and term["people"] == 2


def test_one_customers_curve(client: Client) -> None:
    client.post("/v1/events", json=[rating(1, 5)])
    told = found(client, "/v1/customers/c1/experience", days=30)
    (moment,) = told["moments"]
    assert (moment["kind"], moment["value"], moment["touchpoint"]) == ("feedback", 1.0, "support")
    assert 0.5 < told["estimate"] < 1


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/v1/touchpoints?days=0", 422, "days"),
        ("/v1/touchpoints?days=367", 422, "days"),
        ("/v1/touchpoints?stories=many", 422, "stories"),
        ("/v1/touchpoints/Not%20one", 422, "touchpoint"),
        ("/v1/touchpoints/moon", 404, "'moon'"),
        ("/v1/demand?min_people=0", 422, "min_people"),
        ("/v1/demand?limit=1001", 422, "limit"),
        ("/v1/customers/nobody/experience", 404, "nobody"),
        ("/v1/customers/nobody/experience?days=-1", 422, "days"),
    ],
)
def test_bad_requests_are_problems_that_name_what_is_wrong(client: Client, path: str, status: int, said: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert said in answer.text


def test_it_is_for_those_who_care(home: Home, client: Client, key: Callable[..., dict[str, str]]) -> None:
    for path in ("/v1/touchpoints", "/v1/touchpoints/support", "/v1/demand", "/v1/customers/c1/experience"):
        assert client.get(path, headers=key("decide", "read")).status_code == 403
