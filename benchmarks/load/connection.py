"""One keep-alive HTTP/1.1 connection with at most one request under way: as little work as can be done in Python.

It reads answers that state their length, as the services measured here all do.
"""

import asyncio
import re
from collections.abc import Callable

Done = Callable[[int, bytes], None]
LOST = 0
"""The status of a request whose connection ended, or could not be made, before an answer came."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """Sends one request at a time; `free` is called when the next may be sent, `ended` when none can be any more."""

    def __init__(self, free: Callable[["Connection"], None], ended: Callable[["Connection"], None]) -> None:
        self._free, self._ended = free, ended
        self._transport: asyncio.Transport | None = None
        self._done: Done | None = None
        self._read = bytearray()

    def send(self, request: bytes, done: Done) -> None:
        """Send the bytes of a whole request; `done` gets the answer's status and body, or `LOST`."""
        assert self._transport is not None and self._done is None
        self._done = done
        self._transport.write(request)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._free(self)

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._read += data
        answer = whole_answer(self._read)
        if answer is None:
            return
        done, self._done = self._done, None
        self._read.clear()
        if done is not None:
            done(*answer)
        self._free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, or `close`, ended it."""
        self._ended(self)
        done, self._done = self._done, None
        if done is not None:
            done(LOST, b"")


def whole_answer(read: bytes | bytearray) -> tuple[int, bytes] | None:
    """Status and body of the bytes of one answer; None while some are missing. Raises `ValueError` without a length.

    >>> whole_answer(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    (200, b'{}')
    >>> whole_answer(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{")
    """
    head = read.find(b"\r\n\r\n")
    if head < 0:
        return None
    found = _LENGTH.search(read, 0, head + 2)
    if found is None:
        raise ValueError(f"An answer states no length: {bytes(read[:head])!r}. Measure a service that does.")
    start, length = head + 4, int(found[1])
    return None if len(read) < start + length else (int(read[9:12]), bytes(read[start : start + length]))


def request_bytes(path: str, body: bytes, key: str) -> bytes:
    """A POST of JSON with a bearer key."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
