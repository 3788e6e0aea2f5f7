"""A file keeps the online features and fails: answers leave in time by what the live store knows, and holds stand."""

import random
import sqlite3
from contextlib import closing, contextmanager

import pytest
from online_features import decided_without, recorded, until_used
from served import SLACK_SECONDS, Asker, exchange, regulars, served, shop_to_serve

from tests.features.online_stores import home_with

DEADLINE_SECONDS = 1.0


def parts(home):
    """The file and its log; not the index of the log, which is memory that SQLite's processes share."""
    return [path for path in (home.online_db, home.online_db.with_name(f"{home.online_db.name}-wal")) if path.exists()]


def removed(home):
    for path in home.online_db.parent.glob(f"{home.online_db.name}*"):
        path.unlink()


@contextmanager
def gone(home):
    removed(home)
    yield


@contextmanager
def cut_to_nothing(home):
    for path in parts(home):
        path.write_bytes(b"")
    yield
    removed(home)


@contextmanager
def no_database_in_its_place(home):
    draft = home.online_db.with_name("draft")
    draft.write_bytes(random.Random(3).randbytes(9_000))
    draft.replace(home.online_db)
    yield
    removed(home)


@contextmanager
def a_folder_in_its_place(home):
    removed(home)
    home.online_db.mkdir()
    yield
    home.online_db.rmdir()


@contextmanager
def garbage_records(home):
    pick = random.Random(7)
    with closing(sqlite3.connect(home.online_db)) as other, other:
        who = [one for (one,) in other.execute("select customer_id from records")]
        assert len(who) == 2
        other.executemany("update records set record = ? where customer_id = ?", [(pick.randbytes(90), w) for w in who])
    yield


@contextmanager
def emptied(home):
    with closing(sqlite3.connect(home.online_db)) as other, other:
        other.execute("delete from records")
    yield


FAULTS = (gone, cut_to_nothing, no_database_in_its_place, a_folder_in_its_place, garbage_records, emptied)


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A shop whose features a file keeps, served."""
    root = tmp_path_factory.mktemp("file") / "home"
    home = shop_to_serve(root, decision_deadline_ms=DEADLINE_SECONDS * 1000)
    home_with(root, store="sqlite", read_deadline_ms=100)
    recorded(home)
    with served(home) as service, closing(Asker(service)) as asker:
        asker.tell([*regulars(["bertta"]), exchange("bertta")])
        yield home, asker


@pytest.mark.parametrize("fault", FAULTS)
def test_answers_leave_in_time_and_holds_stand_whatever_becomes_of_the_features(everything, fault):
    home, asker = everything
    until_used(asker)
    with fault(home):
        decided_without(asker)
        assert asker.slowest < DEADLINE_SECONDS + SLACK_SECONDS
    recorded(home)
    until_used(asker)
