"""Group commit: whatever a transaction told its caller is on disk by then, though many wait for the disk together."""

import errno
import os
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from features.home import Home
from features.log.group_sync import GroupSync
from features.log.log_frames import is_whole
from features.log.store import connect, transaction

WRITERS, EACH = 8, 12
SLOW_SECONDS = 0.005


@pytest.fixture
def home(tmp_path):
    home = Home.open(tmp_path / "home")
    with closing(connect(home)) as run, transaction(run):
        run.execute("create table told (number integer)")
    return home


class Disk:
    """What would be there after a power failure: the files as they were when the latest wait for them began."""

    def __init__(self, home: Home, folder: Path) -> None:
        self._home, self._folder = home, folder
        self._sync, self._lock = os.fdatasync, threading.Lock()
        self.waits, self.kept = 0, None

    def fdatasync(self, descriptor):
        with self._lock:  # of one file one at a time: so does the product
            self.waits += 1
            copy = self._folder / f"power-{self.waits}"
            copy.mkdir(parents=True)
            for part in ("", "-wal"):
                shutil.copy(f"{self._home.live_db}{part}", copy / f"live.db{part}")
            time.sleep(SLOW_SECONDS)
            self._sync(descriptor)
            self.kept = copy

    def after_power_failure(self, reader: str) -> set[int]:
        """What is told in the store that is left. Who reads works on a copy of her own: reading brings it in order."""
        mine = shutil.copytree(self.kept, self._folder / reader, dirs_exist_ok=True)
        with closing(sqlite3.connect(mine / "live.db")) as run:
            assert run.execute("pragma integrity_check").fetchone() == ("ok",)
            return {number for (number,) in run.execute("select number from told")}


def test_what_was_told_is_on_disk(home, tmp_path, monkeypatch):
    disk = Disk(home, tmp_path / "disk")
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    missing = []

    def write(writer: int) -> None:
        with closing(connect(home)) as run:
            for place in range(EACH):
                with transaction(run):
                    run.execute("insert into told values (?)", (writer * EACH + place,))
                if writer * EACH + place not in disk.after_power_failure(f"{writer}-{place}"):
                    missing.append((writer, place))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    assert not missing
    assert disk.after_power_failure("end") == set(range(WRITERS * EACH))
    assert disk.waits < WRITERS * EACH  # they waited together


def test_what_is_written_outside_a_transaction_waits_by_itself(home):
    with closing(connect(home)) as run:
        with transaction(run):
            assert run.execute("pragma synchronous").fetchone() == (1,)
        assert run.execute("pragma synchronous").fetchone() == (2,)
        with pytest.raises(ZeroDivisionError), transaction(run):
            raise ZeroDivisionError
        assert run.execute("pragma synchronous").fetchone() == (2,)


def test_who_need_not_be_durable_waits_for_no_disk(home, monkeypatch):
    monkeypatch.setattr(os, "fdatasync", lambda _: pytest.fail("waited"))
    with closing(connect(home, durable=False)) as run, transaction(run):
        run.execute("insert into told values (1)")


@pytest.fixture
def failing_once(monkeypatch):
    """The next wait for the disk fails."""
    sync, left = os.fdatasync, [1]

    def fails_once(descriptor):
        if left:
            left.pop()
            raise OSError(errno.EIO, "the disk failed")
        sync(descriptor)

    return lambda: monkeypatch.setattr(os, "fdatasync", fails_once)


def test_nothing_passes_for_written_while_the_disk_may_have_lost_some(home, failing_once):
    with closing(connect(home)) as run, closing(connect(home)) as other:
        failing_once()
        with pytest.raises(sqlite3.OperationalError, match="may not be on disk"), transaction(run):
            run.execute("insert into told values (1)")
        with pytest.raises(sqlite3.OperationalError, match="may not be on disk"):
            other.settle()  # she committed behind what was lost
        other.execute("begin")
        assert other.execute("select number from told").fetchall() == [(1,)]
        run.wait_at_most(0.05)
        with pytest.raises(sqlite3.OperationalError, match="others read it"), transaction(run):
            pass
        other.rollback()
        with transaction(run):
            run.execute("insert into told values (2)")
    left_behind = sqlite3.connect(home.live_db)
    assert left_behind.execute("select number from told").fetchall() == [(1,), (2,)]


def test_a_process_that_begins_after_a_failure_writes_nothing_behind_what_was_lost(home, failing_once):
    """The kernel does not tell it: whoever had the log open was told. It is another process in how it waits alone."""
    with closing(connect(home)) as run, closing(connect(home)) as later, closing(connect(home)) as reader:
        later.disk = GroupSync(home.live_db)
        failing_once()
        with pytest.raises(sqlite3.OperationalError, match="may not be on disk"), transaction(run):
            run.execute("insert into told values (1)")
        with pytest.raises(sqlite3.OperationalError, match="another process"):
            later.settle()  # it committed at that moment
        reader.execute("begin")
        assert reader.execute("select number from told").fetchall() == [(1,)]
        later.wait_at_most(0.05)
        with pytest.raises(sqlite3.OperationalError, match="others read it"), transaction(later):
            pass
        reader.rollback()
        for who, number in ((later, 2), (run, 3)):
            with transaction(who):
                who.execute("insert into told values (?)", (number,))
        assert not later.disk.failed and not run.disk.failed
    left_behind = sqlite3.connect(home.live_db)
    assert left_behind.execute("select number from told").fetchall() == [(1,), (2,), (3,)]


def test_what_the_disk_refused_and_memory_gave_up_is_not_brought_into_the_database(home, tmp_path, failing_once):
    """SQLite itself would: nothing of it was acknowledged, and what it would be put over was."""
    log = home.live_db.with_name("live.db-wal")
    with closing(connect(home)) as run:
        with transaction(run):
            run.execute("insert into told values (1)")
        assert is_whole(home.live_db)
        failing_once()
        with pytest.raises(sqlite3.OperationalError, match="may not be on disk"), transaction(run):
            run.executemany("insert into told values (?)", ((number,) for number in range(2, 30_000)))
        assert is_whole(home.live_db)
        with log.open("r+b") as file:
            file.seek(-50_000, os.SEEK_END)
            file.write(bytes(20_000))
        assert not is_whole(home.live_db)
        run.tidy_beside()
        with pytest.raises(sqlite3.OperationalError, match="kill -9"), transaction(run):
            pass
        for part in ("live.db", "live.db-wal"):
            shutil.copy(home.root / part, tmp_path / part)
    with closing(sqlite3.connect(tmp_path / "live.db")) as after_kill:
        assert after_kill.execute("pragma integrity_check").fetchone() == ("ok",)
        assert after_kill.execute("select number from told").fetchall() == [(1,)]


def test_a_log_is_whole_however_long_it_grows_and_begins_anew(home):
    with closing(connect(home)) as run:
        for number in range(40):
            with transaction(run):
                run.execute("update told set number = ?", (number,))
                run.execute("insert into told values (zeroblob(150000))")
            assert is_whole(home.live_db)
        run.tidy_beside()
        assert is_whole(home.live_db)


def test_a_log_made_anew_is_the_one_waited_for(home, monkeypatch):
    waited, sync = [], os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda number: (waited.append(os.fstat(number).st_ino), sync(number)))
    keeper = connect(home)
    with transaction(keeper):
        keeper.execute("insert into told values (1)")
    log = home.live_db.with_name("live.db-wal")
    with closing(keeper):
        first = log.stat().st_ino
        disk = keeper.disk
    assert not log.exists()
    (log.with_name("between")).touch()  # the number of the old log is not given to the new one
    with closing(connect(home)) as run:
        run.disk = disk
        with transaction(run):
            run.execute("insert into told values (2)")
        assert waited == [first, log.stat().st_ino]
