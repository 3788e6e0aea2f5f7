"""What is served when a part is down, slow, stale, empty, wrong or lying: a row of docs/degrading.md each.

Each row breaks one part of a running service over HTTP and asks for Aino, who may be sold to, and for Bertta, whose
exchange drags on. Bertta is never sold to; every answer comes within its deadline.
"""

import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from regular_customer import NOON

from features.errors import HomeError
from features.log.event_log import EventLog
from features.log.validation import rows_from_json
from serving.api import create_app
from serving.security import KeyStore
from serving.settings import ServingSettings
from tests.serving.core.test_bundles import put_in_force, truncate_with_its_sum, write_bundle

PAGE = Path(__file__).parents[2] / "docs" / "degrading.md"
DEADLINE_MS = 900
SETTINGS = ServingSettings(decision_deadline_ms=DEADLINE_MS, watch_minutes=0, requests_per_second=0)


@dataclass
class World:
    """The running service, and what breaks it. `undo` is done at the end, last first."""

    shop: object
    client: object
    app: object
    undo: list[Callable[[], None]] = field(default_factory=list)
    offset: timedelta = timedelta(0)

    def ask(self, customer: str) -> dict:
        began = time.monotonic()
        asked = {"customer_id": customer, "channel": "web", "placement": "front_page"}
        answer = self.client.post("/v1/decisions", json=asked)
        assert time.monotonic() - began < DEADLINE_MS / 1000 + 0.7, "too late"
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ready(self) -> dict:
        return self.client.get("/v1/health/ready").json()

    def service(self):
        return self.app.state.wiring.service


@pytest.fixture
def world(shop, start) -> Iterator[World]:
    write_bundle(shop.home)
    case = {"case_id": "r-1", "kind": "exchange", "status": "opened"}
    event = {
        "event_id": "b1", "type": "case", "customer_id": "bertta", "occurred_at": NOON.isoformat(), "payload": case
    }  # fmt: skip
    consent = event | {"event_id": "b2", "type": "consent", "payload": {"purpose": "marketing", "status": "granted"}}
    assert all(r.status == "accepted" for r in shop.service.ingest([event, consent], NOON))
    _, token = KeyStore(shop.home).create("shop", ["admin"], now=NOON)
    made = World(shop, None, None)
    made.app = create_app(shop.home, clock=lambda: NOON + made.offset, settings=SETTINGS)
    made.client = start(made.app, authorization=f"Bearer {token}")
    assert sold(made.ask("aino")) and not sold(made.ask("bertta")), "before anything breaks"
    yield made
    for one in reversed(made.undo):
        one()


def sold(answer: dict) -> bool:
    return any(action["category"] == "sales" for action in answer["actions"])


# What breaks


def store_overwritten(world):
    for name in ("live.db", "live.db-wal", "live.db-shm"):
        path = world.shop.home.root / name
        if path.exists():
            path.write_bytes(b"\0" * 8192)


def store_locked(world):
    other = sqlite3.connect(world.shop.home.live_db, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    world.undo.append(other.close)


def store_gone(world):
    for name in ("live.db", "live.db-wal", "live.db-shm"):
        (world.shop.home.root / name).unlink(missing_ok=True)


def store_emptied(world):
    with sqlite3.connect(world.shop.home.live_db) as run:
        for table in ("facts", "state", "seen"):
            run.execute(f"delete from {table}")
    run.close()


def state_corrupt(world):
    with sqlite3.connect(world.shop.home.live_db) as run:
        run.execute("update state set body = x'00112233' where customer_id = 'aino'")
    run.close()


def state_behind(world):
    with sqlite3.connect(world.shop.home.live_db) as run:
        run.execute("update state set position = position - 1 where customer_id = 'aino'")
    run.close()


def features_gone(world):
    shutil.rmtree(world.shop.home.root / "features", ignore_errors=True)


def features_garbage(world):
    for path in (world.shop.home.root / "online.db", world.shop.home.root / "features" / "online.db"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"garbage" * 1000)


def models_none(world):
    (world.shop.home.bundles / "current.json").unlink()


def models_torn(world):
    other = write_bundle(world.shop.home, as_of="20260901")
    truncate_with_its_sum(world.shop.home.bundles / other)
    put_in_force(world.shop.home, other)


def models_raise(world):
    bundle = world.service().in_force(NOON).models
    for name in ("churn_model", "ranker"):
        object.__setattr__(bundle, name, None)


def models_nan(world):
    bundle = world.service().in_force(NOON).models

    class Lies:
        def probability(self, rows, names):
            return np.full(len(rows), np.nan)

        raw = probability

    for name in ("churn_model", "ranker"):
        object.__setattr__(bundle, name, Lies())


def policy_broken(world):
    path = world.shop.home.config / "policy.yaml"
    path.write_text(path.read_text("utf-8").replace("holds:", "hold s:", 1), "utf-8")


def policy_empty(world):
    (world.shop.home.config / "policy.yaml").write_text("", "utf-8")


def actions_broken(world):
    (world.shop.home.config / "actions.yaml").write_text("actions: [", "utf-8")


def catalogue_torn(world):
    for path in world.shop.home.root.glob("catalogue*"):
        for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def clock_back(world):
    world.offset = timedelta(hours=-48)


def clock_ahead(world):
    world.offset = timedelta(hours=48)


def decisions_slow(world):
    service = world.service()
    read = service._answering.read

    def slowly(*arguments):
        time.sleep(DEADLINE_MS / 1000 + 0.3)
        return read(*arguments)

    service._answering.read = slowly
    world.undo.append(lambda: setattr(service._answering, "read", read))


def overloaded(world):
    world.app.state.wiring.decisions._waiting = 0


def keys_unreadable(world):
    def broken():
        raise sqlite3.OperationalError("disk I/O error")

    world.app.state.wiring.keys._connection = broken


OFFER, SILENCE = "an offer", "silence"
ROWS = {
    "store: overwritten with zeros": (store_overwritten, SILENCE, "unknown:"),
    "store: locked by another": (store_locked, SILENCE, "unknown:unrecorded"),
    "store: gone": (store_gone, SILENCE, "unknown:"),
    "store: its rows deleted": (store_emptied, SILENCE, "unknown:unreadable"),
    "her state: corrupt": (state_corrupt, SILENCE, "unknown:corrupt"),
    "her state: behind the log": (state_behind, SILENCE, "unknown:behind"),
    "features: gone": (features_gone, OFFER, "ok"),
    "features: garbage": (features_garbage, OFFER, "ok"),
    "models: none": (models_none, OFFER, "ok"),
    "models: torn, their sum forged": (models_torn, OFFER, "ok"),
    "models: raise": (models_raise, OFFER, "ok"),
    "models: answer NaN": (models_nan, OFFER, "ok"),
    "policy: broken edit": (policy_broken, OFFER, "ok"),
    "policy: emptied": (policy_empty, OFFER, "ok"),
    "actions: torn": (actions_broken, OFFER, "ok"),
    "item catalogue: torn": (catalogue_torn, OFFER, "ok"),
    "clock: 48 h back": (clock_back, OFFER, "ok"),
    "clock: 48 h ahead": (clock_ahead, OFFER, "ok"),
    "decisions: too slow": (decisions_slow, SILENCE, "unknown:deadline"),
    "decisions: too many": (overloaded, SILENCE, "unknown:overloaded"),
    "keys: unreadable": (keys_unreadable, OFFER, "ok"),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_served(world, row):
    break_it, expected, status = ROWS[row]
    break_it(world)
    for _ in range(2):  # at once, and when it has settled
        held, free = world.ask("bertta"), world.ask("aino")
        assert not sold(held), "a covered sale"
        assert sold(free) == (expected == OFFER), free
        assert free["state_status"].startswith(status)
        if not sold(free):
            assert free["no_action_reason"] is not None or free["actions"]


def test_events_are_refused_once_the_store_is_gone_and_nothing_is_acknowledged_that_is_lost(world):
    store_gone(world)
    answer = world.client.post("/v1/events", json=[{
        "event_id": "late", "type": "consent", "customer_id": "aino", "occurred_at": NOON.isoformat(),
        "payload": {"purpose": "marketing", "status": "withdrawn"},
    }])  # fmt: skip
    assert answer.status_code == 503
    ready = world.client.get("/v1/health/ready")
    assert ready.status_code == 503 and "the live store does not answer" in ready.json()["degraded"][-1]


def test_a_store_whose_rows_were_deleted_takes_no_event_and_stays_silent(world):
    store_emptied(world)
    told = {
        "event_id": "new", "type": "browse", "customer_id": "cecilia", "occurred_at": NOON.isoformat(),
        "payload": {"action": "view", "session_id": "s"},
    }  # fmt: skip
    answer = world.client.post("/v1/events", json=[told])
    assert answer.status_code == 503 and "facts were removed" in answer.json()["detail"]
    events, _ = rows_from_json([told | {"type": "consent", "payload": {"purpose": "marketing", "status": "granted"}}],
                               source="old", received_at=NOON)  # fmt: skip
    with EventLog(world.shop.home) as log, pytest.raises(HomeError, match="facts were removed"):
        log.append_history([events], source="old", now=NOON)
    for customer in ("aino", "bertta", "cecilia"):
        assert world.ask(customer)["state_status"] == "unknown:unreadable"
    with closing(sqlite3.connect(world.shop.home.live_db)) as run:
        assert [run.execute(f"select count(*) from {table}").fetchone() for table in ("facts", "seen")] == [(0,), (0,)]


def test_the_page_has_every_row_and_no_other():
    told = re.findall(r"^\| ([a-z][^|]*: [^|]*?) \| ([^|]*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    here = {name: expected for name, (_, expected, _) in ROWS.items()}
    assert {name: what for name, what in told if name in here} == here
