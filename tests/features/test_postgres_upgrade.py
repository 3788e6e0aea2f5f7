"""The store in PostgreSQL is made and upgraded by Alembic, loses nothing, and has what the SQLite file has."""

import subprocess
import sys
from contextlib import closing

import pytest
from alembic.script import ScriptDirectory
from log_contents import NOW, contents, event, link, purchase, rating, table

from features.customer.state import STATE_VERSION
from features.errors import HomeError
from features.home import Home
from features.log.event_log import EventLog
from features.log.postgres import server
from features.log.postgres.upgrade import MIGRATIONS, upgrade
from features.log.store import connect
from serving.campaigns.life import Campaigns
from serving.console import notes
from serving.console.people import People
from serving.records import Records
from serving.security import KeyStore
from tests.postgres_server import home_on, name_postgres, shared

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
REVISIONS = [one.revision for one in SCRIPTS.walk_revisions()]
COLUMNS = """select table_name, column_name, is_nullable from information_schema.columns
    where table_schema = current_schema()"""


def fill(home):
    with EventLog(home) as log:
        history = [purchase("p1", "aino", 1), rating("r1", "bea", 2, 9), link("l1", "v1", "bea", 3)]
        log.append_history([table(history)], source="file", now=NOW)
        case = event("c1", "case", "~v1", 4, case_id="C1", kind="exchange", status="opened")
        log.append_live([case, rating("r2", "~v1", 5, 9), {"event_id": "x", "type": "case"}], source="api", now=NOW)


def test_the_program_knows_the_newest_revision():
    assert SCRIPTS.get_heads() == [server.REVISION]


@pytest.mark.parametrize("earlier", REVISIONS[1:])
def test_a_store_of_an_earlier_revision_loses_nothing(tmp_path, monkeypatch, earlier):
    home = name_postgres(Home.open(tmp_path / "home"), shared())
    assert upgrade(home, earlier) == (None, earlier)
    with monkeypatch.context() as before:
        before.setattr(server, "REVISION", earlier)
        fill(home)
        told = contents(home, live=True)
    with pytest.raises(HomeError, match=f"has revision {earlier}.*tahdikas store upgrade"):
        EventLog(home)
    assert upgrade(home) == (earlier, server.REVISION)
    assert contents(home, live=True) == told
    assert upgrade(home) == (server.REVISION, server.REVISION), "again, nothing changes"


def test_states_of_another_fold_are_folded_again(tmp_path):
    home = home_on("postgresql", tmp_path / "home")
    fill(home)
    told = contents(home, live=True)
    with closing(connect(home)) as run:
        run.execute("update state set body = ?", (bytes([STATE_VERSION + 1]) + b"of another program",))
    upgrade(home)
    assert contents(home, live=True) == told


def test_a_newer_store_is_refused(tmp_path):
    home = home_on("postgresql", tmp_path / "home")
    with closing(connect(home)) as run:
        run.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(HomeError, match=r"revision 9999.*the program that made it"):
        connect(home)


def test_the_same_events_leave_the_same_on_both_engines(tmp_path):
    homes = [home_on(engine, tmp_path / engine) for engine in ("sqlite", "postgresql")]
    for home in homes:
        fill(home)
    first, second = (contents(home, live=True) for home in homes)
    assert first == second


def test_both_engines_have_the_same_tables_columns_and_nulls(tmp_path):
    homes = [home_on(engine, tmp_path / engine) for engine in ("sqlite", "postgresql")]
    for home in homes:
        Records(home).connection().make(notes.TABLES)
        assert KeyStore(home).keys() == [] and People(home).everyone() == [] and Campaigns(home).all() == []
    with closing(connect(homes[0])) as run:
        names = [name for (name,) in run.execute("select name from sqlite_master where type = 'table'")]
        file = {
            (name, column, not (required or key))
            for name in names
            if not name.startswith("sqlite_")
            for _, column, _, required, _, key in run.execute(f"pragma table_info({name})")
        }
    with closing(connect(homes[1])) as run:
        found = {(name, column, nulls == "YES") for name, column, nulls in run.execute(COLUMNS)}
    ours = {("pending", "rowid", False), ("alembic_version", "version_num", False)}
    assert found - ours == file and ours <= found


def test_a_process_that_serves_loads_no_alembic(tmp_path):
    home = home_on("postgresql", tmp_path / "home")
    program = """
import sys
from features.home import Home
from serving.service import DecisionService
DecisionService(Home.open(sys.argv[1])).close()
print(sorted({name.split(".")[0] for name in sys.modules} & {"alembic", "sqlalchemy", "psycopg"}))
"""
    done = subprocess.run([sys.executable, "-c", program, str(home.root)], capture_output=True, text=True, check=True)
    assert done.stdout == "['psycopg']\n"


@pytest.mark.parametrize("url", ["postgresql://u:secret@h/d", "postgresql://u@h/d?password=secret", "mysql://u@h/d"])
def test_a_wrong_address_is_refused_and_not_shown(tmp_path, url):
    home = Home.open(tmp_path / "home")
    home.config.mkdir()
    (home.config / "store.yaml").write_text(f"engine: postgresql\nurl: {url}\n")
    with pytest.raises(Exception, match=r"store\.yaml:2: url") as refused:
        connect(home)
    assert "secret" not in str(refused.value) and "password_env" in str(refused.value)


def test_a_store_that_nobody_made_says_how(tmp_path):
    home = name_postgres(Home.open(tmp_path / "home"), shared())
    with pytest.raises(HomeError, match="tahdikas store upgrade"):
        connect(home)
