"""The log of writes is taken into the live store's file beside the writers, and does not grow without end."""

import threading
from contextlib import closing

import pytest

from features.home import Home
from features.log import sqlite_store
from features.log.store import connect, one_moment, transaction

PAGE = "x" * 3_500  # about a page of the file
LONG = 200


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_store, "_LONG_LOG", LONG)
    home = Home.open(tmp_path / "home")
    with closing(connect(home)) as run:
        run.make(["create table told (number integer primary key, body text)"])
        run.tidy()
    return home


def write(run, numbers):
    for number in numbers:
        with transaction(run):
            run.execute("insert into told values (?, ?)", (number, PAGE))


def log_pages(home):
    """The pages of the log's file: the most that it ever held at once."""
    return home.live_db.with_name("live.db-wal").stat().st_size // 4_096


def taken_in(home):
    """How many rows stand in the file itself, as it would be without its log."""
    copy = home.root / "copy.db"
    copy.write_bytes(home.live_db.read_bytes())
    with closing(sqlite_store.sqlite3.connect(copy)) as run:
        return run.execute("select count(*) from told").fetchone()[0]


def test_who_leaves_it_to_another_takes_nothing_in_at_a_commit(home):
    with closing(connect(home, durable=False)) as run, closing(connect(home)) as other:
        run.leave_tidying()
        write(run, range(1_200))
        assert taken_in(home) == 0
        other.tidy_beside()
        assert taken_in(home) == 1_200


def test_the_log_begins_anew_while_others_write(home):
    ended = threading.Event()

    def tidy():
        with closing(connect(home)) as beside:
            while not ended.wait(0.01):
                beside.tidy_beside()

    beside = threading.Thread(target=tidy)
    with closing(connect(home, durable=False)) as run:
        run.leave_tidying()
        beside.start()
        try:
            for start in range(0, 6_000, 500):
                write(run, range(start, start + 500))
                ended.wait(0.05)
        finally:
            ended.set()
            beside.join()
        assert run.execute("select count(*) from told").fetchone() == (6_000,)
        assert log_pages(home) < 6_000


def test_one_who_reads_for_long_holds_up_neither_the_tidying_nor_writers(home):
    with (
        closing(connect(home, durable=False)) as run,
        closing(connect(home)) as reader,
        closing(connect(home)) as other,
    ):
        run.leave_tidying()
        write(run, range(LONG))
        with one_moment(reader):
            assert reader.execute("select count(*) from told").fetchone() == (LONG,)
            write(run, range(LONG, 3 * LONG))
            other.tidy_beside()
            write(run, range(3 * LONG, 4 * LONG))
            assert reader.execute("select count(*) from told").fetchone() == (LONG,)
        other.tidy_beside()
        assert taken_in(home) == 4 * LONG
        before = log_pages(home)
        write(run, range(4 * LONG, 5 * LONG))
        assert log_pages(home) == before  # it began anew, over what it held
