"""The API over PostgreSQL, hung and killed: every call is answered within its deadline, and none with a sale."""

import time

import pytest
from regular_customer import NOON, Shop
from test_postgres_server import PROMPT, stopped

from features.home import Home
from serving.api import create_app
from serving.security import KeyStore
from serving.settings import ServingSettings
from tests.postgres_server import Server, name_postgres, upgrade

DEADLINE = 0.9
SLACK = 1.5
SETTINGS = ServingSettings(decision_deadline_ms=round(DEADLINE * 1000), write_deadline_ms=2_000)
ASKED = {"customer_id": "aino", "placement": "front_page", "channel": "web"}
CASE = {"event_id": "late", "type": "case", "customer_id": "aino", "occurred_at": NOON.isoformat()}
CASE |= {"payload": {"case_id": "c", "kind": "exchange", "status": "opened"}}


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def http(server, tmp_path, start):
    home = name_postgres(Home.open(tmp_path / "home"), server, **PROMPT)
    upgrade(home)
    Shop(home).service.close()
    _, key = KeyStore(home).create("shop", ["admin"], now=NOON)
    client = start(create_app(home, clock=lambda: NOON, settings=SETTINGS), authorization=f"Bearer {key}")
    assert sells(decision(client))
    return client


def timed(call, *arguments, seconds, **more):
    began = time.monotonic()
    answer = call(*arguments, **more)
    assert time.monotonic() - began < seconds + SLACK
    return answer


def decision(client):
    answer = timed(client.post, "/v1/decisions", json=ASKED, seconds=DEADLINE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sells(answer):
    return any(action["category"] == "sales" for action in answer["actions"])


def answers_without_a_sale(client):
    for _ in range(3):
        assert not sells(decision(client))
    events = timed(client.post, "/v1/events", json=CASE, seconds=2.0)
    assert events.status_code in (500, 503) and events.headers["content-type"] == "application/problem+json"
    assert timed(client.get, "/v1/health/live", seconds=0.0).status_code == 200
    assert timed(client.get, "/v1/health/ready", seconds=5.0).json()["status"] != "ready"


def held_before_long(client):
    """What was not acknowledged is sent again, and the next decision knows it."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        if client.post("/v1/events", json=CASE).status_code == 200:
            return [hold["kind"] for hold in decision(client)["holds"]]
        time.sleep(0.2)
    return None


def test_a_hung_server(server, http):
    with stopped(server):
        answers_without_a_sale(http)
    assert held_before_long(http) == ["open_case"]


def test_a_killed_server(server, http):
    server.kill()
    answers_without_a_sale(http)
    server.start_again()
    assert held_before_long(http) == ["open_case"]
