"""Threads of one process take turns at writing: none meets the lock of another in SQLite, and none waits too long."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from features.home import Home
from features.log.store import connect, transaction

WRITERS, EACH = 4, 25


@pytest.fixture
def home(tmp_path):
    home = Home.open(tmp_path / "home")
    with closing(connect(home)) as run:
        run.make(["create table told (writer integer, number integer)"])
    return home


def write(home, writer):
    """By a connection that never waits for a lock in the file."""
    with closing(connect(home)) as run:
        run.execute("pragma busy_timeout = 0")
        for number in range(EACH):
            with transaction(run):
                run.execute("insert into told values (?, ?)", (writer, number))


def test_no_writer_meets_another_in_the_file(home):
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda writer: write(home, writer), range(WRITERS)))
    with closing(connect(home)) as run:
        assert run.execute("select count(*) from told").fetchone() == (WRITERS * EACH,)


def test_who_waits_longer_than_it_may_is_told_and_gets_in_later(home):
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with closing(connect(home)) as run, transaction(run):
            inside.set()
            assert leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    with closing(connect(home)) as run:
        assert inside.wait(30)
        run.wait_at_most(0.05)
        began = time.monotonic()
        try:
            with pytest.raises(sqlite3.OperationalError, match="somebody else writes"), transaction(run):
                pass
            assert 0.05 <= time.monotonic() - began < 10
        finally:
            leave.set()
            holder.join()
        with transaction(run):
            run.execute("insert into told values (0, 0)")


def test_a_transaction_that_fails_ends_its_turn(home):
    with closing(connect(home)) as one, closing(connect(home)) as other:
        other.wait_at_most(0.05)
        with pytest.raises(ZeroDivisionError), transaction(one):
            one.execute("insert into told values (1, 1)")
            raise ZeroDivisionError
        with transaction(other):
            assert other.execute("select count(*) from told").fetchone() == (0,)


def test_writers_of_different_stores_do_not_wait_for_each_other(home, tmp_path):
    with closing(connect(home)) as one, closing(connect(Home.open(tmp_path / "other"))) as other:
        other.wait_at_most(0.05)
        with transaction(one), transaction(other):
            pass
