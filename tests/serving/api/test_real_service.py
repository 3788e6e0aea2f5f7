"""The API over the real log, engine and records: what is acknowledged is seen, and nothing unsafe comes out."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from features.log.event_log import EventLog
from serving.api import create_app
from serving.api.customer_models import CustomerResponse, WhyResponse
from serving.api.decisions import DecisionResponse
from serving.core.decision import Decision
from serving.core.question import Request
from serving.service import DecisionService
from serving.settings import ServingSettings
from tests.conftest import Client
from tests.eager import eager_actions

from .conftest import NOON


@pytest.fixture
def stocked(home: Home) -> Home:
    """A shop with two things to sell."""
    rows = [
        dict.fromkeys(ITEM_SCHEMA.names)
        | {"item_id": f"item-{n}", "title": f"Thing {n}", "category": "things", "price": 2_000 + n, "margin": 900}
        | {"in_stock": True, "consumable": True, "valid_from": datetime(2025, 1, 1, tzinfo=NOON.tzinfo)}
        for n in range(3)
    ]
    merge_items(home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
    home.config.mkdir(exist_ok=True)
    (home.config / "actions.yaml").write_text(eager_actions(), encoding="utf-8")
    return home


@pytest.fixture
def client(stocked: Home, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    settings = ServingSettings(decision_deadline_ms=20_000)  # what is tested here is not speed
    return start(create_app(stocked, clock=lambda: NOON, settings=settings), **key("admin"))


def event(event_id: str, kind: str, /, customer: str = "c-1", hours_ago: float = 1, **payload: Any) -> dict[str, Any]:
    at = (NOON - timedelta(hours=hours_ago)).isoformat()
    return {
        "event_id": event_id, "type": kind, "customer_id": customer, "occurred_at": at, "channel": "web",
        "payload": payload,
    }  # fmt: skip


def purchase(event_id: str, customer: str = "c-1", hours_ago: float = 500) -> dict[str, Any]:
    line = {"item_id": "item-1", "quantity": 1, "unit_price": 2001, "discount": 0}
    return event(event_id, "purchase", customer, hours_ago, order_id=event_id, currency="EUR", lines=[line])


def decide(client: Client, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    body = {"customer_id": "c-1", "channel": "web", "placement": "front_page"} | more
    answer = client.post("/v1/decisions", json=body, headers=headers or {})
    assert answer.status_code == 200, answer.text
    decision: dict[str, Any] = answer.json()
    return decision


def test_an_acknowledged_event_is_seen_by_the_next_decision(client: Client) -> None:
    client.post("/v1/events", json=[purchase("p1"), purchase("p2", hours_ago=900)])
    assert {hold["kind"] for hold in decide(client)["holds"]} == set()
    opened = event("case-1", "case", case_id="rma-7", kind="exchange", status="opened")
    assert client.post("/v1/events", json=opened).json()["results"][0]["customer_id"] == "c-1"
    decision = decide(client)
    assert [hold["kind"] for hold in decision["holds"]] == ["open_case"]
    assert "sales" not in {action["category"] for action in decision["actions"]}
    assert decision["holds"][0]["release_text"] and "web" in decision["holds"][0]["covers"]["channels"]


def test_an_answer_is_exactly_what_the_document_says(client: Client) -> None:
    """It is written without the document's model: no field more, none less, all in the form that the model gives."""
    opened = event("case-1", "case", case_id="rma-7", kind="exchange", status="opened")
    client.post("/v1/events", json=[purchase("p1"), purchase("p2", "c-2"), purchase("p3", "c-2", 900), opened])
    held, free = decide(client), decide(client, customer_id="c-2", n=3)
    assert held["holds"] and free["actions"] and any(action["items"] for action in free["actions"])
    for told in (held, free):
        assert DecisionResponse.model_validate(told).model_dump(mode="json") == told


def test_an_unknown_person_gets_a_safe_answer(client: Client) -> None:
    for who in ({"customer_id": "nobody"}, {"customer_id": None, "anonymous_id": "v-1"}):
        decision = decide(client, **who)
        assert decision["decision_id"] and decision["holds"] == []
        assert decision["actions"] or decision["no_action_reason"]


def test_an_unknown_placement_is_named_with_the_known_ones(client: Client) -> None:
    body = {"customer_id": "c-1", "channel": "web", "placement": "roof"}
    answer = client.post("/v1/decisions", json=body)
    assert answer.status_code == 422 and "roof" in answer.json()["detail"] and "front_page" in answer.json()["detail"]


def test_the_same_idempotency_key_gives_the_same_decision(client: Client) -> None:
    client.post("/v1/events", json=purchase("p1"))
    first = decide(client, {"idempotency-key": "page-1"})
    again = decide(client, {"idempotency-key": "page-1"})
    assert first["decision_id"] == again["decision_id"] != decide(client)["decision_id"]


def test_simulating_leaves_no_record(client: Client) -> None:
    decision = decide(client, mode="simulate")
    sent = {"decision_id": decision["decision_id"], "outcome": "click", "occurred_at": NOON.isoformat()}
    assert client.post("/v1/outcomes", json=sent).status_code == 422


def test_an_outcome_of_a_real_decision_counts_once(client: Client) -> None:
    client.post("/v1/events", json=purchase("p1"))
    decision = decide(client)
    sent = {"decision_id": decision["decision_id"], "outcome": "impression", "occurred_at": NOON.isoformat()}
    assert [client.post("/v1/outcomes", json=sent).json().get("status") for _ in range(2)] == ["recorded", "known"]


def test_rejected_duplicate_and_accepted_events_in_order(client: Client) -> None:
    sent = [
        purchase("p1"),
        event("f1", "feedback", kind="rating", score=9, scale_min=1, scale_max=5),
        purchase("p1"),
        7,
    ]
    answer = client.post("/v1/events", json=sent)
    assert answer.status_code == 207
    assert [one["status"] for one in answer.json()["results"]] == ["accepted", "rejected", "duplicate", "rejected"]
    assert answer.json()["results"][1]["reason"] == "score_outside_scale"


def test_a_customer_and_why(client: Client) -> None:
    client.post(
        "/v1/events", json=[purchase("p1"), event("c1", "case", case_id="x", kind="complaint", status="opened")]
    )
    customer = client.get("/v1/customers/c-1")
    assert customer.status_code == 200 and "open_complaint" in customer.text
    assert client.get("/v1/customers/nobody").status_code == 404
    answer = client.get("/v1/customers/c-1/why", params={"placement": "front_page", "channel": "web"})
    assert answer.status_code == 200 and "open_complaint" in answer.text
    # what is answered is exactly what is documented
    CustomerResponse.model_validate_json(customer.content)
    WhyResponse.model_validate_json(answer.content)


def test_a_full_customer_is_answered_as_documented(client: Client) -> None:
    told = [
        purchase("p1"),
        event("d1", "delivery", hours_ago=400, order_id="p1", status="promised", promised_at=NOON.isoformat()),
        event("k1", "consent", purpose="marketing", status="granted"),
        event("s1", "contact", action_id="welcome", status="sent"),
        event("x1", "case", case_id="x", kind="return", status="opened"),
        event("f1", "profile", facts='{"language": "fi"}'),
    ]
    assert client.post("/v1/events", json=told).status_code == 200
    decide(client, channel="email", placement="email")
    answer = CustomerResponse.model_validate_json(client.get("/v1/customers/c-1").content)
    assert answer.orders and answer.deliveries and answer.consents and answer.contacts and answer.open_cases
    assert answer.profile == {"language": "fi"} and answer.holds[0].kind == "open_return"
    for at in ({}, {"at": NOON.isoformat()}):
        why = client.get("/v1/customers/c-1/why", params={"channel": "email", "placement": "email"} | at)
        assert WhyResponse.model_validate_json(why.content).source == ("record" if at else "live")
    assert client.get("/v1/customers/c-1/why", params={"action": "fly"}).status_code == 422


def test_the_sender_who_asks_again_is_told_no(client: Client) -> None:
    told = [purchase(f"p{n}", hours_ago=400 + 500 * n) for n in range(3)]
    client.post("/v1/events", json=[*told, event("k1", "consent", purpose="marketing", status="granted")])
    decision = decide(client, channel="email", placement="email")
    assert "sales" in {action["category"] for action in decision["actions"]}
    ids = {"decision_ids": [decision["decision_id"], "nobody"]}
    results = client.post("/v1/recheck", json=ids).json()["results"]
    assert [one["allowed"] for one in results] == [True, False]
    client.post("/v1/events", json=event("x1", "case", case_id="x", kind="exchange", status="opened"))
    result = client.post("/v1/recheck", json=ids).json()["results"][0]
    assert not result["allowed"] and result["reasons"][0]["code"] == "hold"
    assert [hold["kind"] for hold in result["holds"]] == ["open_case"]


def test_a_decision_that_comes_too_late_gives_its_contact_back(
    stocked: Home, start: Callable[..., Client], key: Callable[..., dict[str, str]]
) -> None:
    class Slow(DecisionService):
        go_on = threading.Event()

        def decide_many(self, requests: Sequence[Request]) -> list[Decision]:
            self.go_on.wait(30)
            return super().decide_many(requests)

    service = Slow(stocked)
    service.go_on.set()
    settings = ServingSettings(decision_deadline_ms=3_000)
    client = start(create_app(stocked, clock=lambda: NOON, settings=settings, service=service), **key("admin"))
    told = [purchase(f"p{n}", hours_ago=400 + 500 * n) for n in range(3)]
    client.post("/v1/events", json=[*told, event("k1", "consent", purpose="marketing", status="granted")])
    assert decide(client, channel="email", placement="email")["actions"]
    assert len(client.get("/v1/customers/c-1").json()["reserved"]) == 1
    service.go_on.clear()
    late = decide(client, channel="email", placement="email")
    # by the policy in force: while its file is being edited, a late contact is given back all the same
    (stocked.config / "policy.yaml").write_text("holds: [", "utf-8")
    service.go_on.set()
    assert late["no_action_reason"]["code"] == "deadline" and late["actions"] == []
    log = EventLog(stocked)
    for _ in range(400):
        told_back = [fact.payload["status"] for fact in log.facts_of("c-1") if fact.type == "contact"]
        if told_back:
            break
        time.sleep(0.05)
    log.close()
    assert told_back == ["released"]
    for _ in range(100):  # the place is given back a moment after the event is told
        reserved = client.get("/v1/customers/c-1").json()["reserved"]
        if len(reserved) == 1:
            break
        time.sleep(0.05)
    assert len(reserved) == 1


def test_ready_without_a_model_says_so(client: Client) -> None:
    body = client.get("/v1/health/ready").json()
    assert body["status"] == "degraded" and any("bundle" in one for one in body["degraded"])


@pytest.mark.sqlite_only
def test_a_destroyed_store_still_answers_without_a_sale(client: Client, stocked: Home) -> None:
    client.post("/v1/events", json=[purchase("p1"), purchase("p2", hours_ago=900)])
    decide(client)
    for path in stocked.root.glob("live.db*"):
        path.write_bytes(b"\x00garbage" * 20_000)
    decision = decide(client)
    assert "sales" not in {action["category"] for action in decision["actions"]}
    assert client.get("/v1/health/live").status_code == 200
    assert client.get("/v1/health/ready").json()["status"] != "ready"
    assert client.post("/v1/events", json=purchase("p3")).status_code in (500, 503)
