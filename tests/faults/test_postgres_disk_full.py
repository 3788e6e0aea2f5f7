"""No room left on the server's disk, and the server gone for that: no sale unrecorded, nothing acknowledged is lost.

The disk is a small one of its own, which only an administrator may mount; without that right this is skipped.
"""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from regular_customer import Shop, sells

from features.errors import HomeError
from features.home import Home
from features.log.connection import PostgresError
from serving.service import DecisionService
from tests.postgres_server import Server, name_postgres, upgrade

LEFT_BYTES = 1 << 20
PROMPT = {"connect_timeout_ms": 200, "retry_after_ms": 300, "statement_timeout_ms": 1_000}

pytestmark = pytest.mark.slow


@pytest.fixture
def disk():
    """A folder on a disk of 200 MB."""
    folder = Path(tempfile.mkdtemp(prefix="tahdikas-disk-", dir="/tmp"))
    mounted = None
    with suppress(FileNotFoundError):
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "tmpfs", str(folder)], capture_output=True
        )
    if mounted is None or mounted.returncode:
        folder.rmdir()
        pytest.skip("only an administrator may mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(disk):
    server = Server(disk)
    yield server
    server.close()


def fill(file):
    """Take the room there is, but for a little."""
    with suppress(OSError), file.open("wb", buffering=0) as ballast:
        while ballast.write(b"\0" * (1 << 16)):
            pass
    os.truncate(file, file.stat().st_size - LEFT_BYTES)


def told(shop, n):
    """An event about somebody; whether it was acknowledged."""
    event = {
        "event_id": f"f{n}", "type": "friction", "customer_id": f"c{n % 9}", "occurred_at": shop.now.isoformat(),
        "payload": {"kind": "payment_error", "item_id": "x" * 200},
    }  # fmt: skip
    try:
        (result,) = shop.service.ingest([event], shop.now)
    except (PostgresError, HomeError):
        return False
    return result.status == "accepted"


def is_up(server):
    return psutil.pid_exists(server.pid) and psutil.Process(server.pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("ends", [False, True], ids=["the server stays", "the server ends"])
def test_a_full_disk_costs_sales_and_nothing_that_was_acknowledged(disk, server, tmp_path, ends):
    home = name_postgres(Home.open(tmp_path / "home"), server, **PROMPT)
    upgrade(home)
    shop = Shop(home)
    shop.service.close()
    shop.service = DecisionService(home, patience_seconds=0.2)
    try:
        assert sells(shop.ask())
        fill(disk / "ballast")
        known, recorded, refused, silent = [], [], 0, 0
        for n in range(2_000):
            if told(shop, n):
                known.append(f"f{n}")
            else:
                refused += 1
            answer = shop.ask()
            if sells(answer):
                recorded.append(answer)
            else:
                assert answer.state_status.startswith("unknown:"), answer
                silent += 1
            if refused >= 5 and silent >= 5:
                break
        else:
            raise AssertionError("the disk never filled")
        assert known and recorded
        if ends:
            with suppress(psycopg.Error), psycopg.connect(server.url, autocommit=True) as run:
                for _ in range(8):  # the next file of its log finds no room: it ends all it does
                    run.execute("select pg_logical_emit_message(true, 'test', repeat('x', 1000000))")
                    run.execute("select pg_switch_wal()")
            for n in range(5):
                assert not sells(shop.ask()) and not told(shop, 10_000 + n)
        (disk / "ballast").unlink()
        until = time.monotonic() + 30
        while not sells(shop.ask(now=shop.now + timedelta(hours=1))):
            assert time.monotonic() < until
            if not is_up(server):
                server.start_again()
            time.sleep(0.2)
        run = shop.service.records.connection()
        assert {one for (one,) in run.execute("select event_id from facts")} >= set(known)
        assert [shop.service.decision(one.decision_id) for one in recorded] == recorded
        shop.happens("case", case_id="c1", kind="exchange", status="opened")
        assert not sells(shop.ask())
    finally:
        shop.service.close()
