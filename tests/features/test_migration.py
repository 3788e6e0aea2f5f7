"""A live store of version 1 is brought up to date in place, and holds then what it would hold had it been new."""

import sqlite3

import pytest
from log_contents import NOW, contents, event, link, new_home, purchase, rating, table

from features.customer.concern import FOREVER
from features.customer.state import STATE_VERSION
from features.errors import HomeError
from features.log.doubts import customers_in_doubt
from features.log.event_log import EventLog
from features.log.store import SCHEMA_VERSION, connect

VERSION_1 = """
create table state (customer_id text primary key, position integer not null, body blob not null) without rowid;
create table quarantine (
    id text primary key, received_at integer not null, source text not null, reason text not null,
    detail text not null, event_id text, raw text not null, times integer not null default 1, replayed_at integer
) without rowid;
"""
"""The tables that version 2 changed, as they were."""
VERSION_2 = """create table state (
    customer_id text primary key, position integer not null, body blob not null, concern_until integer
) without rowid"""
"""The table of versions 2 and 3 that version 4 changed."""


def shop(home):
    with EventLog(home) as log:
        log.append_history(
            [table([purchase("p1", "aino", 1), rating("r1", "bea", 2, 9), link("l1", "v1", "bea", 3)])],
            source="file",
            now=NOW,
        )
        case = event("c1", "case", "~v1", 4, case_id="C1", kind="exchange", status="opened")
        log.append_live([case, rating("r2", "~v1", 5, 9)], source="api", now=NOW)


def make_old(home):
    """Turn the store into what version 1 would have left: fewer columns, states of its own format."""
    with sqlite3.connect(home.live_db) as run:
        for name, columns in (
            ("state", "customer_id, position, cast(x'01' || body as blob)"),
            ("quarantine", "id, received_at, source, reason, detail, event_id, raw, times, replayed_at"),
        ):
            run.execute(f"create temp table old as select {columns} from {name}")
            run.execute(f"drop table {name}")
            run.execute(next(s for s in VERSION_1.split(";") if f"table {name} " in s))
            run.execute(f"insert into {name} select * from old")
            run.execute("drop table old")
        run.execute("update meta set value = '1' where key = 'schema_version'")
    run.close()


def rows(home, query):
    connection = connect(home)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_store_of_version_1_holds_all_it_would_hold_had_it_been_new(tmp_path):
    old, new = new_home(tmp_path / "old"), new_home(tmp_path / "new")
    for home in (old, new):
        shop(home)
    make_old(old)
    everything = (
        "select * from state order by 1",
        "select * from quarantine",
        "select * from meta",
        "select * from facts",
    )
    tables = "select type, name from sqlite_master order by 1, 2"
    for query in (*everything, tables):
        assert rows(old, query) == rows(new, query), query
    assert contents(old) == contents(new)
    assert customers_in_doubt(connect(old)) == ["bea"]
    assert rows(old, "select customer_id, concern_until from state") == [("aino", None), ("bea", FOREVER)]


@pytest.mark.parametrize("version", [2, 3])
def test_a_store_of_versions_2_and_3_too(tmp_path, version):
    """Their states lay in the tree of their keys; of version 2, a state's score knew no threshold of its own."""
    old, new = new_home(tmp_path / "old"), new_home(tmp_path / "new")
    told = event("s1", "score", "aino", 5, model="dissatisfaction", version="1", value=0.8)
    for home in (old, new):
        shop(home)
        with EventLog(home) as log:
            log.append_live([told], source="api", now=NOW)
    with sqlite3.connect(old.live_db) as run:
        run.execute("create temp table old as select * from state")
        run.execute("drop table state")
        run.execute(VERSION_2)
        run.execute("insert into state select * from old")
        run.execute("update state set body = cast(x'02' || substr(body, 2) as blob) where ? = 2", (version,))
        run.execute("update meta set value = ? where key = 'schema_version'", (str(version),))
    run.close()
    for query in (
        "select * from state order by 1",
        "select * from meta",
        "select type, name from sqlite_master order by 1, 2",
    ):
        assert rows(old, query) == rows(new, query), query
    assert contents(old) == contents(new)


def test_ended_midway_it_stays_as_it_was(tmp_path):
    home = new_home(tmp_path)
    shop(home)
    make_old(home)
    with sqlite3.connect(home.live_db) as run:  # the last step fails, as if the power had gone then
        run.execute("create trigger cut before insert on meta begin select raise(abort, 'power cut'); end")
    run.close()
    with pytest.raises(HomeError, match="power cut"):
        connect(home)
    with sqlite3.connect(home.live_db) as run:
        assert run.execute("select value from meta where key = 'schema_version'").fetchone() == ("1",)
        assert [c[1] for c in run.execute("pragma table_info(state)")] == ["customer_id", "position", "body"]
        run.execute("drop trigger cut")
    run.close()
    assert rows(home, "select value from meta where key = 'schema_version'") == [(str(SCHEMA_VERSION),)]


def test_one_whose_facts_cannot_be_read_stops_nobody_else_and_is_not_taken_for_whole(tmp_path):
    home = new_home(tmp_path)
    shop(home)
    make_old(home)
    with sqlite3.connect(home.live_db) as run:
        run.execute("update facts set body = x'ff' where event_id = 'p1'")
    run.close()
    found = {
        who: (body[0], concern)
        for who, body, concern in rows(home, "select customer_id, body, concern_until from state")
    }
    assert found == {"aino": (1, FOREVER), "bea": (STATE_VERSION, FOREVER)}


def test_who_may_only_read_is_told_what_to_do(tmp_path):
    home = new_home(tmp_path)
    shop(home)
    make_old(home)
    with pytest.raises(HomeError, match="tahdikas status"):
        connect(home, read_only=True)
