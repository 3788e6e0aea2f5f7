"""A service that does nothing: it says the same to everything, so that what the load's own process costs can be seen.

`python -m benchmarks.load.echo PORT`.
"""

import asyncio
import sys

from benchmarks.load.connection import whole_answer

_BODY = b'{"decision_id":"d-1","decided_at":"2025-01-01T00:00:00+00:00","accepted":1,"results":[{}]}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)


class Echo(asyncio.Protocol):
    """Answers each whole request."""

    def __init__(self) -> None:
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A request is as long as it says, as an answer is."""
        self._read += data
        if self._transport is not None and _is_whole(self._read):
            self._read.clear()
            self._transport.write(_ANSWER)


def _is_whole(read: bytearray) -> bool:
    return b"\r\n\r\n" in read and whole_answer(b"HTTP/1.1 200 " + bytes(read)) is not None


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
