"""The server around the app: answers to what is posted leave in one piece, byte for byte as uvicorn writes them."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from pipelines.worker import server_settings
from serving.settings import ServingSettings

LARGE = 3_000_000
LENGTH = (b"content-length", b"5")


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that does what its path says."""
    path = scope["path"]
    message: Message
    body, message = b"", {"more_body": True}
    while message.get("more_body") and path != "/unread":
        message = await receive()
        body += message.get("body", b"")
    status = 204 if path == "/nothing" else 200
    headers = [LENGTH] if path in ("/whole", "/unread", "/halfway", "/long") else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if path == "/halfway":
        raise RuntimeError("after the head")
    if path == "/unended":
        return
    pieces = {"/nothing": [b""], "/pieces": [b"", b"a", b"", b"bc"], "/large": [b"x" * LARGE], "/long": [b"too long"]}
    told = pieces.get(path, [body[:5].ljust(5, b".")])
    for number, piece in enumerate(told, 1):
        await send({"type": "http.response.body", "body": piece, "more_body": number < len(told)})


@contextmanager
def serving(settings: dict[str, Any]) -> Iterator[int]:
    """The app above behind a real server; gives its port."""
    server = uvicorn.Server(uvicorn.Config(answering, lifespan="off", **settings))
    with closing(socket.create_server(("127.0.0.1", 0))) as bound:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield bound.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Of the server as we set it up, and as it is of itself."""
    ours = server_settings(ServingSettings())
    with ExitStack() as stack:
        yield stack.enter_context(serving(ours)), stack.enter_context(serving(ours | {"http": "auto"}))


def request(path: str, method: str = "POST", body: bytes = b"hello", *headers: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "host: x", f"content-length: {len(body)}", *headers)
    return "\r\n".join([*lines, "", ""]).encode() + body


def asked(port: int, *sent: bytes) -> bytes:
    """All that comes back, but for the date; the last request asks for the end."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        for piece in sent:
            connection.sendall(piece)
            time.sleep(0.01)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    return re.sub(rb"date: [^\r]*", b"date", got)


CLOSE = "connection: close"
LAST = request("/whole", "POST", b"ended", CLOSE)
SENT = {
    **{path: [request(path), LAST] for path in ("/whole", "/nothing", "/pieces", "/large", "/other")},
    **{f"{path}, the last": [request(path, "POST", b"hello", CLOSE)] for path in ("/whole", "/nothing", "/pieces")},
    "fails after the head": [request("/halfway")],
    "ends after the head": [request("/unended")],
    "longer than said": [request("/long")],
    "HEAD": [request("/whole", "HEAD", b""), LAST],
    "GET": [request("/whole", "GET", b""), LAST],
    "two at once": [request("/whole") + request("/pieces") + LAST],
    "in pieces": [request("/whole")[:20], request("/whole")[20:-2], request("/whole")[-2:], LAST],
    "asks whether to go on": [request("/whole", "POST", b"hello", "expect: 100-continue")[:-5], b"hello", LAST],
    "unread": [request("/unread", "POST", b"y" * 100_000), LAST],
    "no HTTP": [b"nonsense\r\n\r\n"],
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT.keys())
def test_the_bytes_are_those_that_the_server_writes_of_itself(ports: tuple[int, int], sent: list[bytes]) -> None:
    ours, plain = (asked(port, *sent) for port in ports)
    assert ours == plain != b""


def test_an_answer_to_what_is_posted_comes_in_one_piece(ports: tuple[int, int]) -> None:
    with closing(socket.create_connection(("127.0.0.1", ports[0]), timeout=20)) as connection:
        for _ in range(200):
            connection.sendall(request("/whole"))
            assert connection.recv(65536).endswith(b"\r\n\r\nhello")
