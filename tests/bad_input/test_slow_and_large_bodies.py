"""A real server, and requests that trickle in, never end, weigh too much or lie about their length: others go on."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from features.home import Home
from serving.security import KeyStore
from tests.pipelines.test_serve import running

BODY_SECONDS = 1.0
AT_ONCE, FED = 300, 100  # slow senders; those of them that send a byte now and then
ASK = {"customer_id": "c-1", "channel": "web", "placement": "front_page"}


@dataclass(frozen=True)
class Served:
    """A served shop; `pid` is its process."""

    address: str
    token: str
    pid: int

    def open(self) -> socket.socket:
        """A connection of which a test says every byte."""
        host, port = self.address.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=20)

    def head(self, *headers: str, method: str = "POST", path: str = "/v1/decisions") -> bytes:
        """The first bytes of a request, to the empty line."""
        lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {self.token}", *headers]
        return "\r\n".join([*lines, "", ""]).encode()

    def resident_mb(self) -> float:
        """Memory of the process that is really used."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return float(next(one for one in status.splitlines() if one.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def serving(folder: Path, settings: str) -> Iterator[Served]:
    """A served shop of its own, with `settings` beside those that keep a test calm."""
    home = Home.open(folder / "home")
    home.config.mkdir()
    text = f"decision_deadline_ms: 5000\nwatch_minutes: 0\n{settings}\n"
    (home.config / "serving.yaml").write_text(text, encoding="utf-8")
    _, token = KeyStore(home).create("test", ["admin"], now=datetime.now(UTC))
    with running(home) as (process, address, _):
        yield Served(address, token, process.pid)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shop"), f"body_seconds: {BODY_SECONDS}") as shop:
        yield shop


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {served.token}"}
    with httpx.Client(base_url=served.address, headers=headers, timeout=30) as client:
        client.post("/v1/decisions", json=ASK)
        yield client


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side ends."""
    got = b""
    try:
        while piece := connection.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_body_that_trickles_in_is_given_up(served: Served) -> None:
    with closing(served.open()) as connection:
        began = time.monotonic()
        connection.sendall(served.head("content-length: 1000") + b"{")
        answer = all_of(connection)
        assert BODY_SECONDS * 0.9 < time.monotonic() - began < BODY_SECONDS + 6
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 408 and b"application/problem+json" in head
    assert json.loads(body)["type"] == "urn:tahdikas:problem:too-slow" and "1 seconds" in json.loads(body)["detail"]


def test_many_slow_senders_do_not_hold_up_the_others(served: Served, http: httpx.Client) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(served.open())) for _ in range(AT_ONCE)]
        for one in slow:
            one.sendall(served.head("content-length: 100000") + b'{"customer_id": "')
        took = []
        for _ in range(20):
            for one in slow[:FED]:
                with suppress(ConnectionResetError, BrokenPipeError):  # given up already
                    one.send(b"a")
            began = time.monotonic()
            answer = http.post("/v1/decisions", json=ASK)
            took.append(time.monotonic() - began)
            assert answer.status_code == 200 and answer.json()["state_status"] != "unknown:overloaded"
        assert max(took) < 5.5
        assert {status_of(all_of(one)) for one in slow[FED:]} == {408}
    assert http.get("/v1/health/live").status_code == 200


def test_a_request_that_never_gets_to_its_body_is_cut_off(served: Served) -> None:
    begun = (b"", b"P", b"POST /v1/decisions HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ")
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(served.open())) for _ in begun]
        kept = stack.enter_context(closing(served.open()))
        kept.sendall(served.head(method="GET", path="/v1/health/live"))
        answered = b""
        while b"alive" not in answered:
            answered += kept.recv(65536)
        began = time.monotonic()
        for connection, sent in zip(slow, begun, strict=True):
            connection.sendall(sent)
        kept.sendall(b"GET /v1/health/live HTTP/1.1\r\nx: ")  # a second request has no more time than a first
        assert [all_of(one).removeprefix(b'"}') for one in (*slow, kept)] == [b""] * 4
        assert time.monotonic() - began < BODY_SECONDS + 2 + 6


def test_100_mb_are_refused_and_not_kept(served: Served, http: httpx.Client) -> None:
    before = served.resident_mb()
    declared = http.post("/v1/events", content=b" " * 100_000_000)
    assert declared.status_code == 413 and declared.json()["type"] == "urn:tahdikas:problem:too-large"

    with closing(served.open()) as connection:
        connection.sendall(served.head("transfer-encoding: chunked", path="/v1/events"))
        piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        began = time.monotonic()
        with suppress(ConnectionResetError, BrokenPipeError):  # thrown away while it comes, and cut off in the end
            for _ in range(10_000):
                connection.sendall(piece)
        assert time.monotonic() - began < BODY_SECONDS + 2 + 6
    assert served.resident_mb() < before + 60


LIES = {
    "no number of bytes": (("content-length: many",), b"{}"),
    "fewer than none": (("content-length: -5",), b"{}"),
    "more than fit a number": ((f"content-length: {'9' * 40}",), b"{}"),
    "two lengths": (("content-length: 2", "content-length: 40"), b"{}"),
    "length and chunks": (("content-length: 2", "transfer-encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\n"),
    "no chunk": (("transfer-encoding: chunked",), b"{}\r\n"),
    "a chunk shorter than said": (("transfer-encoding: chunked",), b"ff\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than said": (("transfer-encoding: chunked",), b"1\r\n{}\r\n0\r\n\r\n"),
    "a chunk below nothing": (("transfer-encoding: chunked",), b"-1\r\n{}\r\n0\r\n\r\n"),
    "chunks in chunks": (("transfer-encoding: chunked, chunked",), b"2\r\n{}\r\n0\r\n\r\n"),
    "another coding": (("transfer-encoding: gzip",), b"{}"),
    "packed": (("content-encoding: gzip", "content-length: 2"), b"{}"),
    "a line break in a header": (("x-a: b\nset-cookie: a=b", "content-length: 2"), b"{}"),
    "a null in a header": (("x-a: b\0c", "content-length: 2"), b"{}"),
    "no header": (("so it is", "content-length: 2"), b"{}"),
    "a long header": ((f"x-a: {'b' * 200_000}", "content-length: 2"), b"{}"),
    "many headers": (tuple(f"x-{n}: b" for n in range(5_000)), b"{}"),
    "another protocol": (("connection: upgrade", "upgrade: h2c", "content-length: 2"), b"{}"),
    "a socket": (("connection: upgrade", "upgrade: websocket", "content-length: 2"), b"{}"),
    "waits to be told": (("expect: 100-continue", "content-length: 2"), b"{}"),
}


def test_requests_that_lie_about_themselves_are_refused_or_cut_off(served: Served, http: httpx.Client) -> None:
    with ExitStack() as stack:
        told = {}
        for lie, (headers, body) in LIES.items():
            told[lie] = stack.enter_context(closing(served.open()))
            with suppress(ConnectionResetError, BrokenPipeError):  # refused before the end
                told[lie].sendall(served.head(*headers) + body)
        began = time.monotonic()
        for lie, connection in told.items():
            answer = all_of(connection)
            for one in answer.split(b"HTTP/1.1 ")[1:]:
                assert int(one[:3]) == 100 or 400 <= int(one[:3]) < 500, (lie, answer)
            assert b"set-cookie" not in answer.lower(), lie
        assert time.monotonic() - began < BODY_SECONDS + 12  # one that was answered is kept for 5 s
    assert http.post("/v1/decisions", json=ASK).status_code == 200
