"""A real server in its own process: what it acknowledged survives its death."""

import asyncio
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import HomeError
from features.home import Home
from features.log.event_log import EventLog
from pipelines.serve import serve
from serving.api import create_app
from serving.security import KeyStore
from serving.service import DecisionService
from serving.settings import ServingSettings

SCRIPT = """
import sys
from features.home import Home
from pipelines.serve import serve
serve(Home.open(sys.argv[1]), port=0, announce=lambda address, link: print(address, link, flush=True))
"""


@contextmanager
def running(home: Home) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The process, its address, and the link to its console."""
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(home.root)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address, link = process.stdout.readline().split()
            yield process, address, link
        finally:
            process.kill()


def case(number: int) -> dict[str, Any]:
    occurred_at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    payload = {"case_id": f"rma-{number}", "kind": "exchange", "status": "opened"}
    return {
        "event_id": f"e-{number}", "type": "case", "customer_id": f"c-{number}", "occurred_at": occurred_at,
        "payload": payload,
    }  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    home.config.mkdir()
    (home.config / "serving.yaml").write_text("decision_deadline_ms: 20000\n", encoding="utf-8")
    return home


@pytest.fixture
def headers(home: Home) -> dict[str, str]:
    _, token = KeyStore(home).create("test", ["admin"], now=datetime.now(UTC))
    return {"authorization": f"Bearer {token}"}


def test_what_was_acknowledged_survives_kill_9(home: Home, headers: dict[str, str]) -> None:
    body = {"channel": "web", "placement": "front_page"}
    acknowledged: list[str] = []
    with running(home) as (process, address, _), httpx.Client(base_url=address, headers=headers) as http:
        for number in range(20):
            assert http.post("/v1/events", json=case(number)).status_code == 200
            acknowledged.append(f"c-{number}")
        seen = http.post("/v1/decisions", json=body | {"customer_id": "c-0"}).json()
        assert [hold["kind"] for hold in seen["holds"]] == ["open_case"]
        loaded = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
        assert "lightgbm" not in loaded and "pandas" not in loaded and "sklearn" not in loaded
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    log = EventLog(home)
    assert all(len(log.facts_of(customer)) == 1 for customer in acknowledged)
    log.close()
    with running(home) as (_, address, _), httpx.Client(base_url=address, headers=headers) as http:
        again = http.post("/v1/events", json=case(0) | {"occurred_at": datetime.now(UTC).isoformat()})
        assert again.json()["results"][0]["status"] == "rejected"  # known, with another content
        for customer in acknowledged:
            decision = http.post("/v1/decisions", json=body | {"customer_id": customer}).json()
            assert [hold["kind"] for hold in decision["holds"]] == ["open_case"], decision
        outcome = {"decision_id": seen["decision_id"], "outcome": "impression", "occurred_at": seen["decided_at"]}
        assert http.post("/v1/outcomes", json=outcome).json()["status"] == "recorded"


def test_it_stops_gracefully_and_names_no_software(home: Home, headers: dict[str, str]) -> None:
    with running(home) as (process, address, link), httpx.Client(base_url=address, headers=headers) as http:
        answer = http.get("/v1/health/live")
        assert answer.status_code == 200 and "server" not in answer.headers
        form = http.get(link)
        assert form.status_code == 200 and "code" in form.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)


def test_it_starts_and_answers_while_nothing_can_be_written(home: Home, headers: dict[str, str]) -> None:
    with closing(DecisionService(home)) as service:
        service.in_force(datetime.now(UTC))  # its tables are there: it ran before
    with closing(sqlite3.connect(home.live_db)) as other:
        other.execute("begin immediate")
        with running(home) as (_, address, link), httpx.Client(base_url=address, headers=headers, timeout=30) as http:
            body = {"channel": "web", "placement": "front_page", "customer_id": "c-1"}
            answer = http.post("/v1/decisions", json=body).json()
            assert (answer["decision_id"], answer["state_status"]) == (None, "unknown:unrecorded")
            assert link == "None"


def test_of_two_started_at_once_on_an_address_one_says_that_it_is_taken(home: Home) -> None:
    with socket.socket() as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", 0))
        second = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pipelines.cli",
                "--home",
                home.root,
                "serve",
                "--port",
                str(first.getsockname()[1]),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        with second:
            while second.poll() is None and not any(home.live_db.parent.glob("live.db*")):
                time.sleep(0.01)  # it has bound the address, as the first has
            first.listen()
            assert second.stderr is not None
            told = second.stderr.read()
        assert second.returncode == 2 and "was taken by another service" in told


def test_a_start_that_fails_halfway_leaves_nothing_running(home: Home) -> None:
    """A process that neither serves nor ends would be started again by nobody."""

    async def fails() -> None:
        app = create_app(home, settings=ServingSettings(watch_minutes=1))
        with suppress(RuntimeError):
            async with app.router.lifespan_context(app):
                raise RuntimeError("what starts beside it did not")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(fails())


def test_a_taken_port_is_said_with_the_remedy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sys, threading):
        monkeypatch.setattr(module, "excepthook", module.excepthook)  # the service sets its own
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(HomeError, match="--port"):
        serve(home, port=taken.getsockname()[1])
