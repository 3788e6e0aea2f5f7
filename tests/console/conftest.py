"""Browsers without a window and with one, people to log in as, a small shop, and a hand-written campaign list."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.home import Home
from serving.api import create_app
from serving.campaign_lists import KEPT_OFF_SCHEMA, LIST_SCHEMA
from serving.security import KeyStore
from tests.scenarios.conftest import Shop

from .room import REGULARS, Room
from .sitting import PASSWORD, QUICK, Sitting

__all__ = ["EVIL", "NOON", "PASSWORD", "QUICK", "Browser", "kept", "listed"]

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


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


@pytest.fixture
def room(tmp_path: Path, start: Callable[..., Any]) -> Iterator[Room]:
    shop = Shop(tmp_path / "home", start)
    shop.writes_eagerly()
    for one in REGULARS:
        shop.regular(one)
    with ExitStack() as stack:
        yield Room(shop, stack)
