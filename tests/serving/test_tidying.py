"""A service keeps its live store tidy by itself, and goes on where it cannot."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager

from features.home import Home
from features.log.store import connect, transaction
from serving.service import DecisionService

SECONDS = 30


@contextmanager
def tidied(home):
    with closing(DecisionService(home, durable=False)) as service:
        service.tidy_beside()
        yield service


def in_the_file(home, path):
    """What the notes in the file itself are, as it would be without its log."""
    path.write_bytes(home.live_db.read_bytes())
    with closing(sqlite3.connect(path)) as run:
        made = run.execute("select 1 from sqlite_master where name = 'meta'").fetchone()
        return {key for (key,) in run.execute("select key from meta")} if made else set()


def wait_for(found):
    until = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_is_written_comes_into_the_file_without_a_commit_of_its_own(tmp_path):
    home = Home.open(tmp_path / "home")
    with tidied(home) as service:
        with transaction(service.records.connection()) as run:
            run.execute("insert into meta values ('a note', '1')")
        wait_for(lambda: "a note" in in_the_file(home, tmp_path / "copy.db"))


def test_a_store_that_cannot_be_tidied_is_told_of_once_and_tried_again(tmp_path, caplog, monkeypatch):
    home = Home.open(tmp_path / "home")
    with closing(connect(home)):
        pass
    tried = []

    def refuse(self):
        tried.append(self)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("features.log.sqlite_store.SqliteConnection.tidy_beside", refuse)
    monkeypatch.setattr("serving.tidying.EVERY_SECONDS", 0.01)
    with tidied(home):
        wait_for(lambda: len(tried) > 2)
        monkeypatch.undo()
    assert [r.getMessage() for r in caplog.records if r.name == "tahdikas.store"] == [
        "the live store could not be tidied; it is tried again every second"
    ]


def test_it_ends_with_the_service(tmp_path):
    before = set(threading.enumerate())
    with tidied(Home.open(tmp_path / "home")):
        (thread,) = set(threading.enumerate()) - before
        assert thread.name == "tidying"
    assert not thread.is_alive()
