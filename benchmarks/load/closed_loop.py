"""Closed-loop load: some connections, each asking again as soon as it is answered; what a service can do at most.

Latency here says little, since a slow answer delays the next question. `python -m benchmarks.load.closed_loop` reads an
`Errand` as JSON from its input and writes a `Pace`.
"""

import asyncio
import sys
from collections import Counter
from datetime import UTC, datetime

import msgspec

from benchmarks.load.connection import Connection, request_bytes
from benchmarks.load.open_loop import precise_loop
from benchmarks.load.questions import DECISIONS, Cast, EventWriter, decisions, fault


class Errand(msgspec.Struct, frozen=True):
    """Questions of one path over so many connections for so long; `batch` events a request where it is events."""

    ports: list[int]
    key: str
    path: str
    connections: int
    seconds: float
    batch: int
    clock: datetime
    customers: list[str]
    items: list[str]
    seed: int = 1


class Pace(msgspec.Struct, frozen=True):
    """Good answers, what was wrong with others, and the seconds from the first question to the last answer."""

    answered: int
    errors: dict[str, int]
    seconds: float

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return self.answered / self.seconds


class _Asking:
    def __init__(self, errand: Errand, until: float) -> None:
        cast = Cast(errand.customers, errand.items)
        self._errand, self._until = errand, until
        self._asked = decisions(cast, errand.seed)
        self._told = EventWriter(cast, errand.seed, f"batch-{datetime.now(UTC).timestamp():.6f}")
        self._ahead = errand.clock - datetime.now(UTC)
        self._open = errand.connections
        self.faults: Counter[str] = Counter()
        self.answered = 0
        self.ended = asyncio.Event()

    def next(self, connection: Connection) -> None:
        if asyncio.get_running_loop().time() >= self._until:
            connection.close()
            return
        errand = self._errand
        if errand.path == DECISIONS:
            body = next(self._asked)
        else:
            body = self._told.bodies(datetime.now(UTC) + self._ahead, errand.batch)
        connection.send(request_bytes(errand.path, body, errand.key), self._done)

    def lost(self, _: Connection) -> None:
        self._open -= 1
        if not self._open:
            self.ended.set()

    def _done(self, status: int, body: bytes) -> None:
        wrong = fault(self._errand.path, status, body)
        if wrong is None:
            self.answered += 1
        else:
            self.faults[wrong] += 1


async def carry_out(errand: Errand) -> Pace:
    """Ask and count."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    asking = _Asking(errand, began + errand.seconds)
    for number in range(errand.connections):
        port = errand.ports[number % len(errand.ports)]
        await loop.create_connection(lambda: Connection(asking.next, asking.lost), "127.0.0.1", port)
    await asking.ended.wait()
    return Pace(asking.answered, dict(asking.faults), loop.time() - began)


def main() -> None:
    """Read an errand, carry it out, tell."""
    errand = msgspec.json.decode(sys.stdin.buffer.read(), type=Errand)
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        pace = runner.run(carry_out(errand))
    sys.stdout.buffer.write(msgspec.json.encode(pace))


if __name__ == "__main__":
    main()
