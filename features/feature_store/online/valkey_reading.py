"""Asking a Valkey server on connections kept open, without what the client's pool does around each command.

The pool asks the system before each command whether its connection is still good, which costs as much as the command.
Here a command is sent at once; only where the server had closed a connection kept from before is it asked once more,
on a new one. A wait that has ended by the deadline is not tried again, and ends the asking for a while (`Pause`):
a server that hangs costs one decision its wait, and not every one.
"""

import os
from collections import deque
from typing import Any

from valkey import ConnectionPool
from valkey.exceptions import ConnectionError as Lost
from valkey.exceptions import TimeoutError as TooLate

from features.pause import Pause


class ReadConnections:
    """Idle connections to one server, each used by one thread at a time; safe to share between threads and forks."""

    def __init__(self, pool: ConnectionPool, pause: Pause) -> None:
        self._pool, self._pause = pool, pause
        self._made_by, self._idle = os.getpid(), deque[Any]()

    def ask(self, *command: str | bytes) -> Any:
        """A command's answer; raises a `ValkeyError` or `OSError` if there is none in time, or was none just now."""
        if self._pause.lasts():
            raise TooLate("it did not answer a moment ago and is not asked again yet")
        try:
            return self._answer(command)
        except (TooLate, TimeoutError):
            self._pause.begin()
            raise

    def close(self) -> None:
        """Close the idle connections; what is asked later opens new ones."""
        while self._idle:
            self._idle.pop().disconnect()

    def _answer(self, command: tuple[str | bytes, ...]) -> Any:
        if os.getpid() != self._made_by:  # a fork's connections are its parent's
            self._made_by, self._idle = os.getpid(), deque()
        idle = self._idle
        try:
            kept = idle.pop()
        except IndexError:
            return self._asked_anew(command)
        try:
            answer = _asked(kept, command)
        except Lost:
            return self._asked_anew(command)
        idle.append(kept)
        return answer

    def _asked_anew(self, command: tuple[str | bytes, ...]) -> Any:
        connection = self._pool.connection_class(**self._pool.connection_kwargs)
        answer = _asked(connection, command)
        self._idle.append(connection)
        return answer


def _asked(connection: Any, command: tuple[str | bytes, ...]) -> Any:
    """It disconnects itself at every failure, so that no late answer is taken for the next command's."""
    connection.send_command(*command)
    return connection.read_response(disable_decoding=True)
