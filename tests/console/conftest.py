"""Browsers without a window and with one, people to log in as, a small shop, and a hand-written campaign list."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from features.home import Home
from serving.api import create_app
from serving.campaign_lists import KEPT_OFF_SCHEMA, LIST_SCHEMA
from serving.console.people import People
from serving.console.session import COOKIE, Sessions
from serving.security import KeyStore
from tests.conftest import Client

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"


class Sitting(Client):
    """A browser without a window over an app: keeps cookies, follows no redirect by itself."""

    def __init__(self, home: Home, app: FastAPI, stack: ExitStack, clock: Callable[[], datetime]) -> None:
        self.home, self.app, self._clock = home, app, clock
        super().__init__(app, stack, base_url="http://127.0.0.1:8080", accept="text/html")

    def becomes(self, name: str, *roles: str) -> None:
        """From now on somebody of these roles sits here, who may have been here before."""
        people = People(self.home, QUICK)
        if people.find(name) is None:
            people.add(name, PASSWORD, roles, by="test", now=self._clock())
        self._http.cookies.set(COOKIE, Sessions(people, 12).start(self._clock(), name=name), path="/console")

    def send(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form of ours, with the word that shows that it is."""
        session = self.app.state.wiring.sessions.find(self._http.cookies.get(COOKIE) or "", self._clock())
        return self.post(path, data={"csrf": session.csrf if session else "", **fields})


class Browser(Sitting):
    """The same over an app of its own. `now` may be moved."""

    def __init__(self, home: Home, stack: ExitStack) -> None:
        self.now = NOON
        super().__init__(home, create_app(home, clock=lambda: self.now), stack, lambda: self.now)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def browser(home: Home) -> Iterator[Browser]:
    with ExitStack() as stack:
        yield Browser(home, stack)


@pytest.fixture
def open_browser(browser: Browser, home: Home) -> Browser:
    """A browser in which someone has logged in with a one-time link, who may look."""
    code = KeyStore(home).create_console_code(now=NOON)
    assert browser.post("/console/login", data={"code": code}).status_code == 303
    return browser


def listed(customer: str, gain: float, titles: list[str], action: str = "next_offer") -> dict[str, Any]:
    return {
        "customer_id": customer, "action_id": action, "treatment_id": "email", "category": "sales",
        "items": [title.lower() for title in titles], "item_titles": titles, "response_probability": 0.125,
        "expected_gain": gain, "reasons": ["It brings the most"], "reasons_fi": ["Se tuottaa eniten"],
        "decision_id": f"d-{customer}", "valid_until": NOON + timedelta(days=2),
    }  # fmt: skip


def kept(customer: str, reason: str, kind: str | None = None, until: datetime | None = None) -> dict[str, Any]:
    return {
        "customer_id": customer, "reason": reason,
        "reason_text": f"{reason} in words", "reason_text_fi": f"{reason} sanoin",
        "hold_kind": kind, "until": until, "review_at": None, "release_when": "case_resolved" if kind else None,
        "would_be_action": "next_offer", "would_be_gain": 250.0, "instead": "case_status" if kind else None,
        "decision_id": f"d-{customer}",
    }  # fmt: skip


@pytest.fixture
def campaign(home: Home) -> Callable[..., str]:
    """Write a list by hand; gives its id."""

    def write(on: list[dict[str, Any]], off: list[dict[str, Any]], name: str = "Autumn & co", n: int = 1) -> str:
        campaign_id = f"autumn-20260901-12000{n}"
        folder = home.campaigns / campaign_id
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(on, schema=LIST_SCHEMA), folder / "list.parquet")
        pq.write_table(pa.Table.from_pylist(off, schema=KEPT_OFF_SCHEMA), folder / "kept_off.parquet")
        codes = [f"{row['reason']}:{row['hold_kind']}" if row["hold_kind"] else row["reason"] for row in off]
        actions = [row["action_id"] for row in on]
        funnel = [
            {"step": "listed", "code": code, "text": code, "text_fi": "", "customers": actions.count(code), "gain": 1.0}
            for code in dict.fromkeys(actions)
        ]
        funnel += [
            {"step": "kept_off", "code": code, "text": f"Because {code}", "text_fi": f"Syynä {code}",
             "customers": codes.count(code), "gain": 1.0}
            for code in dict.fromkeys(codes)
        ]  # fmt: skip
        summary = {
            "id": campaign_id, "name": name, "channel": "email", "placement": "email",
            "built_at": (NOON + timedelta(seconds=n)).isoformat(),
            "valid_until": (NOON + timedelta(days=2)).isoformat(),
            "customers": len(on) + len(off), "known": len(on) + len(off), "outside": 0, "gain_spread": 0.0,
            "listed": len(on), "kept_off": len(off), "service_instead": 0,
            "expected_gain": sum(row["expected_gain"] for row in on), "withheld_gain": 1.0,
            "funnel": funnel, "versions": {}, "currency": "EUR",
            "names": {"next_offer": {"en": "An offer for her", "fi": "Tarjous hänelle"}},
        }  # fmt: skip
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        return campaign_id

    return write
