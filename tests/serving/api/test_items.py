"""POST /v1/items/stock: at once, once, and each word answered for itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from serving.api import create_app
from serving.core.policy import DEFAULT_POLICY
from serving.settings import ServingSettings
from tests.conftest import Client

from .shop import Clock

PATIENT = ServingSettings(decision_deadline_ms=20_000)  # what is tested here is not speed


@pytest.fixture
def stocked(home: Home) -> Home:
    """A shop with two things, both in stock."""
    rows = [dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": i, "price": 900, "in_stock": True} for i in ("lamp", "rug")]
    merge_items(home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
    home.config.mkdir(exist_ok=True)
    (home.config / "policy.yaml").write_text(DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0"))
    return home


@pytest.fixture
def tell(stocked: Home, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Callable[..., Any]:
    client = start(create_app(stocked, clock=Clock(), settings=PATIENT), **key("items"))

    def send(body: Any, status: int = 200) -> Any:
        answer = client.post("/v1/items/stock", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


def shown(client: Client) -> set[str]:
    asked = {"anonymous_id": "v1", "channel": "web", "placement": "front_page"}
    answer = client.post("/v1/decisions", json=asked).json()
    return {item["item_id"] for action in answer["actions"] for item in action["items"]}


def test_what_one_service_is_told_acts_in_the_next_decision_of_another(
    stocked: Home, tell: Callable[..., Any], start: Callable[..., Client], key: Callable[..., dict[str, str]]
) -> None:
    other = start(create_app(stocked, clock=Clock(), settings=PATIENT), **key("decide"))
    assert shown(other) == {"lamp", "rug"}
    answer = tell({"item_id": "lamp", "in_stock": False})
    assert answer == {
        "taken": 1,
        "rejected": 0,
        "results": [{"item_id": "lamp", "status": "recorded", "in_stock": False, "detail": None}],
    }
    assert shown(other) == {"rug"}
    tell([{"item_id": "lamp", "in_stock": True, "occurred_at": (Clock().now + timedelta(minutes=1)).isoformat()}])
    assert shown(other) == {"lamp", "rug"}


def test_each_word_is_answered_for_itself(tell: Callable[..., Any]) -> None:
    sent = [
        {"item_id": "lamp", "in_stock": False, "occurred_at": "2026-09-01T11:00:00Z"},
        {"item_id": "lamp", "in_stock": False, "occurred_at": "2026-09-01T13:00:00+02:00"},
        {"item_id": "lamp", "in_stock": True, "occurred_at": "2026-09-01T10:00:00Z"},
        {"item_id": "lampp", "in_stock": False},
        {"item_id": "rug", "in_stock": "maybe"},
        {"item_id": "rug", "in_stock": True, "occurred_at": "yesterday"},
        7,
    ]
    answer = tell(sent, 207)
    assert (answer["taken"], answer["rejected"]) == (3, 4)
    assert [one["status"] for one in answer["results"]] == ["recorded", "known", "older", *["rejected"] * 4]
    assert "tahdikas catalogue import" in answer["results"][3]["detail"]
    assert "in_stock 'maybe'" in answer["results"][4]["detail"] and "Change it" in answer["results"][4]["detail"]
    assert "occurred_at 'yesterday'" in answer["results"][5]["detail"]
    assert answer["results"][6]["item_id"] is None


def test_where_none_is_taken_the_answer_says_so_with_all_results(tell: Callable[..., Any]) -> None:
    answer = tell({"item_id": "lampp", "in_stock": False}, 422)
    assert answer["type"].endswith("invalid-request") and "lampp" in answer["detail"]
    assert answer["results"][0]["status"] == "rejected"
    assert tell([])["results"] == []


def test_too_many_at_once_are_refused(tell: Callable[..., Any]) -> None:
    assert "Send them in several requests" in tell([{"item_id": "lamp", "in_stock": True}] * 1001, 413)["detail"]


def test_a_key_of_another_scope_may_not(
    stocked: Home, start: Callable[..., Client], key: Callable[..., dict[str, str]]
) -> None:
    client = start(create_app(stocked, clock=Clock()), **key("decide", "events"))
    answer = client.post("/v1/items/stock", json={"item_id": "lamp", "in_stock": False})
    assert answer.status_code == 403 and "`items`" in answer.json()["detail"]
