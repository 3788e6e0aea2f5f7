"""A shop that grows takes its whole store along: events, states, decisions, keys, in their order; or nothing."""

import json
from contextlib import closing

import pytest
from log_contents import NOW, contents, event, link, purchase, rating, table

from features.errors import HomeError
from features.home import Home
from features.log import sqlite_store
from features.log.event_log import EventLog
from features.log.postgres.moving import TABLES, move
from features.log.postgres.upgrade import upgrade
from features.log.store import connect
from serving.core.question import Request
from serving.security import KeyStore
from serving.service import DecisionService
from tests.postgres_server import name_postgres, shared


def asked(key):
    return Request(customer_id="bea", channel="web", placement="front_page", now=NOW, idempotency_key=key)


@pytest.fixture
def grown(tmp_path):
    """A shop on SQLite, what it held, and its settings that name a server from now on."""
    home = Home.open(tmp_path / "home")
    with EventLog(home) as log:
        history = [purchase("p1", "aino", 1), rating("r1", "bea", 2, 9), link("l1", "v1", "bea", 3)]
        log.append_history([table(history)], source="file", now=NOW)
        case = event("c1", "case", "~v1", 4, case_id="C1", kind="exchange", status="opened")
        log.append_live([case, {"event_id": "x", "type": "case", "customer_id": "elli"}], source="api", now=NOW)
    with closing(DecisionService(home)) as service:
        decision = service.decide(asked("k"))
    key = KeyStore(home).create("shop", ["decide"], now=NOW)
    told = contents(home, live=True)
    name_postgres(home, shared())
    return home, told, decision, key


def test_all_is_there_and_life_goes_on(grown):
    home, told, decision, (key, token) = grown
    upgrade(home)
    moved = move(home)
    assert moved["facts"] == len(told["facts"]) and moved["decisions"] == moved["idempotency"] == moved["api_keys"] == 1
    assert contents(home, live=True) == told
    with closing(DecisionService(home)) as service:
        assert service.decision(decision.decision_id) == decision
        assert service.decide(asked("k")).decision_id == decision.decision_id
        assert [hold.kind for hold in service.decide(asked("k2")).holds] == [hold.kind for hold in decision.holds]
        assert service.ingest([purchase("p9", "aino", 9)], NOW)[0].status == "accepted"
        assert service.ingest([purchase("p1", "aino", 1)], NOW)[0].status == "duplicate"
    assert KeyStore(home).check(token) == key
    with closing(connect(home)) as run:
        assert run.execute("select event_id from facts order by position desc limit 1").fetchone() == ("p9",)


def test_into_a_store_with_anything_in_it_nothing_is_moved(grown):
    home, *_ = grown
    upgrade(home)
    with EventLog(home) as log:
        log.append_live([purchase("other", "elli", 1)], source="api", now=NOW)
        before = contents(home, live=True)
        with pytest.raises(HomeError, match="not empty"):
            move(home)
    assert contents(home, live=True) == before


def test_every_table_is_moved(grown):
    home, *_ = grown
    with closing(sqlite_store.connect(home, read_only=True, durable=True)) as run:
        names = {name for (name,) in run.execute("select name from sqlite_master where type = 'table'")}
    assert {name for name in names if not name.startswith("sqlite_")} <= set(TABLES)


def test_without_a_file_or_a_server_it_says_so(tmp_path):
    home = Home.open(tmp_path / "home")
    with pytest.raises(HomeError, match="engine: postgresql"):
        move(home)
    name_postgres(home, shared())
    with pytest.raises(HomeError, match=r"live\.db"):
        move(home)
    assert json.loads((home.config / "store.yaml").read_text())["engine"] == "postgresql"
