"""A line between a service and its store's server, which a test makes slow, or puts nonsense on."""

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

PIECE = 65_536


class BadLine:
    """Hands on what comes at `listening` to a new connection of `server` and back; close it at the end.

    Each piece of an answer waits `delay_seconds`; where `nonsense` is set, others come instead of it.
    """

    def __init__(self, listening: socket.socket, server: Callable[[], socket.socket]) -> None:
        self.delay_seconds, self.nonsense = 0.0, False
        self._listening, self._server = listening, server
        self._open: list[socket.socket] = []
        self._start(self._accept)

    def close(self) -> None:
        """Cut the line."""
        for one in (self._listening, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _start(self, work: Callable[..., None], *told: object) -> None:
        threading.Thread(target=work, args=told, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._open.append(client)
                server = self._server()
                self._open.append(server)
                self._start(self._hand_on, client, server, lambda piece: piece)
                self._start(self._hand_on, server, client, self._spoilt)

    def _hand_on(self, source: socket.socket, to: socket.socket, spoilt: Callable[[bytes], bytes]) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                to.sendall(spoilt(piece))
        for one in (source, to):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _spoilt(self, piece: bytes) -> bytes:
        time.sleep(self.delay_seconds)
        return random.Random(len(piece)).randbytes(len(piece) + 7) if self.nonsense else piece


def unix_line(path: str, server_path: str) -> BadLine:
    """A line from one Unix socket to another."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(64)

    def server() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(server_path)
        return made

    return BadLine(listening, server)
