"""A real server, and many bodies at once, each of a size that is allowed: together they take no more than is said."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import httpx
import pytest

from tests.bad_input.test_slow_and_large_bodies import ASK, Served, serving, status_of

SENDERS, EACH, TOGETHER = 40, 3_900_000, 8_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = f"body_seconds: 20\nmax_bodies_bytes: {TOGETHER}"
    with serving(tmp_path_factory.mktemp("shop"), settings) as shop:
        yield shop


@pytest.mark.parametrize("declared", [True, False])
def test_bodies_that_come_together_take_no_more_than_is_said(served: Served, declared: bool) -> None:
    headers = {"authorization": f"Bearer {served.token}"}
    with httpx.Client(base_url=served.address, headers=headers, timeout=30) as http, ExitStack() as stack:
        http.post("/v1/decisions", json=ASK)
        before = served.resident_mb()
        slow = [stack.enter_context(closing(served.open())) for _ in range(SENDERS)]
        for one in slow:  # each all but its last byte
            with suppress(ConnectionResetError, BrokenPipeError):  # refused before the end
                if declared:
                    one.sendall(served.head(f"content-length: {EACH + 1}", path="/v1/events") + b" " * EACH)
                else:
                    chunk = f"{EACH:x}\r\n".encode() + b" " * EACH + b"\r\n"
                    one.sendall(served.head("transfer-encoding: chunked", path="/v1/events") + chunk)
        assert http.post("/v1/decisions", json=ASK).status_code == 200, "who asks little is answered"
        assert served.resident_mb() < before + 60
        refusals = [answer for one in slow if (answer := answered(one))]
        assert len(refusals) >= SENDERS - TOGETHER // EACH - 1
        for answer in refusals:
            assert status_of(answer) == 503 and b"retry-after: 5" in answer
            assert b"urn:tahdikas:problem:unavailable" in answer and str(TOGETHER).encode() in answer
        stack.close()
        until = time.monotonic() + 10
        while http.post("/v1/events", content=b" " * EACH).status_code == 503:
            assert time.monotonic() < until, "who ended makes room again"
            time.sleep(0.1)
        assert http.post("/v1/events", content=b" " * EACH).status_code == 400, "it is read, and is no JSON"


def answered(one: socket.socket) -> bytes:
    """What a sender is told before the end of its body; nothing where it is still listened to."""
    one.settimeout(0.5)
    got = b""
    with suppress(TimeoutError):
        while not got.endswith(b"}"):
            got += one.recv(65536)
    return got
