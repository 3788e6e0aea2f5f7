"""A copy taken while events come in serves on its own, with everything that was acknowledged before."""

import signal
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from features.errors import HomeError
from features.home import Home
from features.log.event_log import EventLog
from pipelines.backup import backup
from tests.pipelines.test_serve import case, headers, home, running  # noqa: F401  (fixtures)
from tests.training.shops import events, rhythmic

ASK = {"channel": "web", "placement": "front_page"}


def test_a_copy_taken_under_load_serves_with_the_same_holds(home: Home, headers: dict[str, str]) -> None:  # noqa: F811
    with EventLog(home) as log:
        log.append_history([events(rhythmic(20))], source="test", now=datetime.now(UTC))
    copy = home.root.parent / "copies" / "monday"
    with running(home) as (process, address, _), httpx.Client(base_url=address, headers=headers) as http:
        told, stop = [], threading.Event()

        def go_on() -> None:
            while not stop.is_set():
                assert http.post("/v1/events", json=case(len(told))).status_code == 200
                told.append(f"c-{len(told)}")

        shop = threading.Thread(target=go_on)
        shop.start()
        while len(told) < 20:
            stop.wait(0.01)
        before = len(told)
        done = backup(home, copy)
        stop.set()
        shop.join(20)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert home.derived.exists() and not (copy / home.derived.name).exists(), "what can be made anew is no part of it"
    assert done.folder == str(copy) and done.live_store == "sqlite"
    assert done.bytes == sum(path.stat().st_size for path in copy.rglob("*") if path.is_file())
    with running(Home.open(copy)) as (_, address, _), httpx.Client(base_url=address, headers=headers) as http:
        for customer in told[:before]:
            answer = http.post("/v1/decisions", json=ASK | {"customer_id": customer}).json()
            assert [hold["kind"] for hold in answer["holds"]] == ["open_case"], answer
    with EventLog(Home.open(copy)) as restored:
        assert restored.damaged() == [] and sum(restored.counts().values()) >= 20 + before


def test_a_copy_goes_nowhere_it_would_do_harm(home: Home, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(HomeError, match="nothing to copy yet"):
        backup(home, tmp_path / "copy")
    EventLog(home).close()
    backup(home, tmp_path / "copy")
    with pytest.raises(HomeError, match="is there already"):
        backup(home, tmp_path / "copy")
    with pytest.raises(HomeError, match=r"data folder .* itself"):
        backup(home, home.root / "copy")
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="could not be copied"):
        backup(home, tmp_path / "file" / "copy")


def test_a_damaged_folder_gives_no_copy(home: Home, tmp_path: Path) -> None:  # noqa: F811
    with EventLog(home) as log:
        log.append_history([events(rhythmic(20))], source="test", now=datetime.now(UTC))
        path = log.files()[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + b"x" + whole[-8:])
    with pytest.raises(HomeError, match=path.name):
        backup(home, tmp_path / "copy")
    path.write_bytes(whole)
    with sqlite3.connect(home.live_db) as run:
        run.execute("pragma wal_checkpoint(truncate)")
    run.close()
    size = home.live_db.stat().st_size
    with home.live_db.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(HomeError):
        backup(home, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))
