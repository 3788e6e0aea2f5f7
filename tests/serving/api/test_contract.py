"""The API's manners (keys, limits, problems, deadlines), with a stand-in for the decision service."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from features.errors import DataError
from features.home import Home
from serving.api import create_app
from serving.core.decision import ChosenAction, Decision, Fared, Item, Reason, Withheld
from serving.core.evidence import Evidence
from serving.core.question import Request
from serving.service import DecisionService, Health, Outcome
from serving.settings import ServingSettings
from tests.conftest import Client

from .conftest import NOON

Start = Callable[..., Client]
Key = Callable[..., dict[str, str]]


@dataclass
class Result:
    event_id: str
    status: str
    reason: str | None = None
    detail: str | None = None
    customer_id: str | None = None


class Stand(DecisionService):
    """Answers at once, remembers what it was asked, and misbehaves when told to."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.asked: list[Request] = []
        self.wait = threading.Event()
        self.wait.set()
        self.fault: Exception | None = None
        self.gone: list[str] = []

    def decide_many(self, requests: Sequence[Request]) -> list[Decision]:
        return [self._decide_one(request) for request in requests]

    def _decide_one(self, request: Request) -> Decision:
        self.asked.append(request)
        self.wait.wait(5)
        if self.fault:
            raise self.fault
        action = ChosenAction(
            action_id="next_offer", treatment_id="web", category="sales", rank=1, response_probability=0.1,
            expected_gain=120.0, logging_propensity=1.0,
            items=[Item("a", "Ä <b>", 0.1)], reasons=[Reason("best_gain", "Best")],
        )  # fmt: skip
        withheld = Withheld(action_id="care", category="care", expected_gain=3.0, gates=("hold", "contact_cap"))
        return Decision(
            decision_id="d-1", customer_key=request.customer_id or "", decided_at=request.now, mode=request.mode,
            channel=request.channel, placement=request.placement, arm="treated", state_status="ok", actions=[action],
            holds=[], no_action_reason=None, withheld=withheld, fared=Fared((), (), b"", b"", b"", b"", b"", ()),
            evidence=Evidence(), versions={"policy": "p1"},
        )  # fmt: skip

    def ingest(self, objects: list[Any], now: datetime, source: str = "api") -> list[Result]:
        return [
            Result(str(one.get("event_id")), one.get("status", "accepted"), one.get("reason"), "why so", "c")
            for one in objects
        ]

    def record_outcome(self, outcome: Outcome, now: datetime) -> bool:
        if outcome.decision_id == "nobody":
            raise DataError("There is no decision 'nobody'. Send the decision_id of an answer.")
        new = outcome.decision_id not in self.gone
        self.gone.append(outcome.decision_id)
        return new

    def customer(self, customer_id: str, now: datetime) -> dict[str, Any] | None:
        return {"customer_id": customer_id, "at": now} if customer_id == "c-1" else None

    def why(self, customer_id: str, now: datetime, action: str | None = None, **more: Any) -> dict[str, Any]:
        return {"customer_id": customer_id, "action": action, **more}

    def health(self, now: datetime) -> Health:
        return Health(ready=not self.gone, degraded=["no bundle"], versions={"bundle": "b1"})


ASK = {"customer_id": "c-1", "channel": "web", "placement": "front_page"}


@pytest.fixture
def service(home: Home) -> Stand:
    return Stand(home)


@pytest.fixture
def client(home: Home, service: Stand, start: Start, key: Key) -> Client:
    settings = ServingSettings(decision_deadline_ms=20_000, max_body_bytes=5_000, max_events=3)
    return start(create_app(home, clock=lambda: NOON, settings=settings, service=service), **key("admin"))


@pytest.fixture
def hasty(home: Home, service: Stand, start: Start, key: Key) -> Client:
    """Of a service that decides within 0.6 s or not at all, two at a time."""
    settings = ServingSettings(decision_deadline_ms=600, waiting_requests=2)
    return start(create_app(home, clock=lambda: NOON, settings=settings, service=service), **key("admin"))


def test_a_decision_is_answered_as_documented(client: Client, service: Stand) -> None:
    answer = client.post("/v1/decisions", json=ASK | {"context": {"cart": ["a"]}}, headers={"idempotency-key": "k1"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["decision_id"] == "d-1" and body["decided_at"] == "2026-09-01T12:00:00Z"
    assert body["actions"][0]["items"] == [
        {
            "item_id": "a",
            "title": "Ä <b>",
            "probability": 0.1,
            "logging_propensity": 1.0,
            "quantity": None,
            "runs_out": None,
            "knowledge_url": None,
        }
    ]
    asked = service.asked[0]
    assert (asked.context, asked.now, asked.idempotency_key, asked.n) == ({"cart": ["a"]}, NOON, "k1", 1)
    assert answer.headers["cache-control"] == "no-store" and "server" not in answer.headers


def test_without_a_key_401_with_another_scope_403(home: Home, service: Stand, start: Start, key: Key) -> None:
    client = start(create_app(home, clock=lambda: NOON, service=service))
    for headers in ({}, {"authorization": "Bearer tdk_0_0"}, {"authorization": "Basic x"}):
        answer = client.post("/v1/decisions", json=ASK, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
    answer = client.post("/v1/decisions", json=ASK, headers=key("events", "read"))
    assert answer.status_code == 403 and "`decide` is needed" in answer.json()["detail"]
    assert client.post("/v1/decisions", json=ASK, headers=key("decide")).status_code == 200
    assert client.post("/v1/events", json=[], headers=key("decide")).status_code == 403
    assert client.get("/v1/customers/c-1", headers=key("decide")).status_code == 403
    assert client.get("/v1/health/live").status_code == 200


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"channel": "fax"}, "channel", "Send one of 'web'"),
        ({"placement": "Front page!"}, "placement", "front_page"),
        ({"n": 0}, "n", "Positions of the slot"),
        ({"colour": "red"}, "colour", "known fields are customer_id"),
        ({"customer_id": None}, "body", ""),
        ({"context": {"cart": "a"}}, "context.cart", ""),
        ({"customer_id": "x" * 300}, "customer_id", "The shop's own id"),
    ],
)
def test_a_wrong_field_is_named_with_value_and_remedy(client: Client, change: Any, field: str, said: str) -> None:
    answer = client.post("/v1/decisions", json=ASK | change)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == "urn:tahdikas:problem:invalid-request" and body["instance"] == "/v1/decisions"
    error = body["errors"][0]
    assert error["field"] == field and error["problem"] and said in error["remedy"]
    assert len(str(error["value"])) <= 250


def test_a_missing_field_says_what_to_add(client: Client) -> None:
    error = client.post("/v1/decisions", json={"customer_id": "c"}).json()["errors"][0]
    assert error["field"] == "channel" and error["value"] is None
    assert error["remedy"] == "The channel the answer is for. Add it, e.g. 'web'."


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/events", "/v1/outcomes"])
@pytest.mark.parametrize("body", [b'{"a": 1,\n "b" 2}', b"", b"\xff", b"[" * 3000, b'{"a": 1,}'])
def test_broken_json_is_400_with_the_position(client: Client, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert "line" in answer.json()["detail"] and "column" in answer.json()["detail"]


def test_not_a_number_is_no_json(client: Client) -> None:
    answer = client.post("/v1/events", content=b'{"event_id": "e", "payload": {"score": NaN}}')
    assert answer.status_code == 400 and "column 40" in answer.json()["detail"]
    sent = {"decision_id": "d-1", "outcome": "click", "occurred_at": "2026-09-01T12:00:01Z"}
    answer = client.post("/v1/outcomes", content=json.dumps(sent | {"value": float("inf")}).encode())
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "value"


def test_other_media_types_and_large_bodies_are_refused(client: Client) -> None:
    answer = client.post("/v1/decisions", content=b"a=1", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["title"]) == (415, "The body must be JSON")
    large = json.dumps(ASK | {"x": "y" * 5_000}).encode()
    declared = client.post("/v1/decisions", content=large)

    async def pieces() -> Any:
        for i in range(0, len(large), 1_000):
            yield large[i : i + 1_000]

    for answer in (declared, client.post("/v1/decisions", content=pieces())):
        assert (answer.status_code, answer.json()["status"]) == (413, 413)
        assert "5000 bytes" in answer.json()["detail"]
    assert client.post("/v1/events", json=[{}] * 4).status_code == 413


def test_a_slow_decision_is_answered_in_time_without_a_sale(hasty: Client, service: Stand) -> None:
    service.wait.clear()
    began = time.perf_counter()
    body = hasty.post("/v1/decisions", json=ASK).json()
    assert time.perf_counter() - began < 4
    service.wait.set()
    assert body["actions"] == [] and body["decision_id"] is None
    assert body["no_action_reason"]["code"] == "deadline" and body["state_status"] == "unknown:deadline"
    assert hasty.post("/v1/decisions", json=ASK).json()["decision_id"] == "d-1"
    assert 'reason="deadline"' in hasty.get("/metrics").text


def test_more_waiting_requests_than_allowed_are_answered_at_once(hasty: Client, service: Stand) -> None:
    service.wait.clear()
    answers = [hasty.post("/v1/decisions", json=ASK | {"customer_id": f"c-{n}"}) for n in range(3)]
    codes = [answer.json()["no_action_reason"]["code"] for answer in answers]
    service.wait.set()
    assert codes == ["deadline", "deadline", "overloaded"]


def test_a_failing_decision_is_silence_and_no_stack_trace(client: Client, service: Stand) -> None:
    service.fault = RuntimeError("secret place")
    answer = client.post("/v1/decisions", json=ASK)
    assert answer.status_code == 200 and answer.json()["no_action_reason"]["code"] == "failure"
    assert "secret" not in answer.text
    service.fault = DataError("There is no placement 'front_page'. Use one of home.")
    answer = client.post("/v1/decisions", json=ASK)
    assert answer.status_code == 422 and "no placement" in answer.json()["detail"]


def test_events_tell_what_became_of_each_in_order(client: Client) -> None:
    answer = client.post("/v1/events", json={"event_id": "e1"})
    assert answer.status_code == 200 and answer.json()["results"][0]["event_id"] == "e1"
    mixed = [{"event_id": "e2", "status": "duplicate"}, {"event_id": "e3", "status": "rejected", "reason": "bad_id"}]
    answer = client.post("/v1/events", json=mixed)
    assert answer.status_code == 207
    assert [one["status"] for one in answer.json()["results"]] == ["duplicate", "rejected"]
    answer = client.post("/v1/events", json=mixed[1])
    assert answer.status_code == 422 and answer.json()["type"] == "urn:tahdikas:problem:no-event-accepted"
    assert answer.json()["results"][0]["reason"] == "bad_id" and answer.json()["rejected"] == 1
    assert client.post("/v1/events", json=[]).json()["results"] == []
    text = client.get("/metrics").text
    assert 'tahdikas_events_total{result="rejected"} 2.0' in text
    assert 'tahdikas_events_total{result="accepted"} 1.0' in text


def test_an_outcome_counts_once(client: Client) -> None:
    sent = {"decision_id": "d-1", "outcome": "click", "occurred_at": "2026-09-01T12:00:01Z"}
    assert client.post("/v1/outcomes", json=sent).json()["status"] == "recorded"
    assert client.post("/v1/outcomes", json=sent).json()["status"] == "known"
    answer = client.post("/v1/outcomes", json=sent | {"decision_id": "nobody"})
    assert answer.status_code == 422 and "'nobody'" in answer.json()["detail"]
    answer = client.post("/v1/outcomes", json=sent | {"occurred_at": "2026-09-01T12:00:01"})
    assert answer.json()["errors"][0]["field"] == "occurred_at"


def test_customers_and_why(client: Client) -> None:
    assert client.get("/v1/customers/c-1").json()["customer_id"] == "c-1"
    answer = client.get("/v1/customers/c-2")
    assert answer.status_code == 404 and "'c-2'" in answer.json()["detail"]
    answer = client.get("/v1/customers/c-1/why", params={"at": "2026-08-01T00:00:00Z", "action": "next_offer"})
    assert answer.json()["action"] == "next_offer"
    answer = client.get("/v1/customers/c-1/why", params={"at": "yesterday"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "at"


def test_health_says_what_is_degraded(client: Client, service: Stand) -> None:
    assert client.get("/v1/health/ready").json() == {
        "status": "degraded",
        "degraded": ["no bundle"],
        "watchdogs": [],
        "versions": {"bundle": "b1"},
    }
    service.gone.append("now not ready")
    assert client.get("/v1/health/ready").status_code == 503
    assert client.get("/v1/health/live").json() == {"status": "alive"}
    by_head = [client.request("HEAD", f"/v1/health/{one}") for one in ("live", "ready")]
    assert [one.status_code for one in by_head] == [200, 503], "what looks whether a service is up often asks by HEAD"
    assert 'tahdikas_bundle_info{bundle="b1"} 1.0' in client.get("/metrics").text


def test_metrics_count_decisions_and_what_was_not_shown(client: Client) -> None:
    client.post("/v1/decisions", json=ASK)
    text = client.get("/metrics").text
    assert 'tahdikas_decisions_total{mode="serve",outcome="sales",reason=""} 1.0' in text
    assert 'tahdikas_blocked_offers_total{category="care",gate="hold"} 1.0' in text
    assert 'tahdikas_decision_seconds_bucket{le="5.0"} 1.0' in text


def test_unknown_addresses_and_methods_are_problems_too(client: Client) -> None:
    told = (
        (client.get("/v2"), 404),
        (client.get("/v1/events"), 405),
        (client.post("/v1/decisions/", json=ASK), 404),  # sent on, its key would travel without TLS behind a proxy
    )
    for answer, status in told:
        assert answer.status_code == status == answer.json()["status"]
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["", "x" * 201, "a\tb"])
def test_an_idempotency_key_is_short_and_printable(client: Client, header: str) -> None:
    answer = client.post("/v1/decisions", json=ASK, headers={"idempotency-key": header})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_serving_loads_no_heavy_library() -> None:
    script = (
        "import sys, serving.api, serving.service\n"
        "print([m for m in ('feast', 'mlflow', 'pandas', 'dvc', 'sklearn', 'ibis', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
