"""Open-loop load: every question leaves at its planned moment, whether or not the ones before were answered.

Latency is counted from the planned moment to the last byte of the answer, so that what waits, here or there, is in it.
Questions come like independent people do: the times between them are exponential. `python -m benchmarks.load.open_loop`
reads a `Plan` as JSON from its input and writes what happened as JSON.
"""

import asyncio
import gc
import selectors
import sys
import time
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from itertools import count, cycle

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.load.connection import Connection, request_bytes
from benchmarks.load.questions import DECISIONS, EVENTS, Cast, EventWriter, decisions, fault

Floats = NDArray[np.float64]
LEAD_SECONDS, GRACE_SECONDS = 0.5, 10.0
MOST_AT_START, MOST_OPEN = 32, 900  # connections; above the most, questions wait here, and their latency counts
NO_ANSWER = "no answer"


class Plan(msgspec.Struct, frozen=True):
    """Decisions and events a second, for so long, to the workers of a service; `clock` is the service's time now.

    `tellers` are the customers whose events are told.
    """

    ports: list[int]
    key: str
    seconds: float
    decisions: float
    events: float
    clock: datetime
    customers: list[str]
    tellers: list[str]
    items: list[str]
    seed: int = 1


class Stream(msgspec.Struct, frozen=True):
    """What became of the questions of one kind: how many, what was wrong with how many, milliseconds of the rest."""

    planned: int
    answered: int
    errors: dict[str, int]
    p50: float | None
    p90: float | None
    p99: float | None
    most: float | None

    @property
    def failed(self) -> int:
        """Questions without a good answer."""
        return self.planned - self.answered


class Outcome(msgspec.Struct, frozen=True):
    """One run: its streams by path, how late (ms) questions left, and the processor seconds spent here."""

    streams: dict[str, Stream]
    seconds: float
    late_p99: float
    cpu_seconds: float


def arrivals(rate: float, seconds: float, draw: np.random.Generator) -> Floats:
    """Seconds from the start at which questions come, ascending: independent of each other, `rate` a second.

    >>> len(arrivals(0.0, 10.0, np.random.default_rng(1)))
    0
    """
    return np.sort(draw.uniform(0.0, seconds, draw.poisson(rate * seconds)))


def summary(planned: int, seconds: Floats, errors: dict[str, int]) -> Stream:
    """Of the latencies of good answers; an answer that failed has none, and fails the run by being counted."""
    if not len(seconds):
        return Stream(planned, 0, errors, None, None, None, None)
    p50, p90, p99, most = (float(v) * 1e3 for v in np.percentile(seconds, [50, 90, 99, 100]))
    return Stream(planned, len(seconds), errors, p50, p90, p99, most)


def _connections(plan: Plan) -> int:
    """So many to begin with that none idles for the seconds after which a server hangs up."""
    return int(min(MOST_AT_START, max(2 * len(plan.ports), (plan.decisions + plan.events) / 4)))


async def drive(plan: Plan) -> Outcome:
    """Carry out a plan."""
    draw = np.random.default_rng(plan.seed)
    kinds = {DECISIONS: arrivals(plan.decisions, plan.seconds, draw), EVENTS: arrivals(plan.events, plan.seconds, draw)}
    at = np.concatenate(list(kinds.values()))
    path_of = [path for path, times in kinds.items() for _ in times]
    run = _Run(plan, len(at))
    await run.connect(_connections(plan))
    gc.collect()
    gc.disable()  # a collection here would be counted as the service's slowness
    loop, cpu = asyncio.get_running_loop(), time.process_time()
    start = loop.time() + LEAD_SECONDS
    order = np.argsort(at, kind="stable")
    for place in order.tolist():
        planned = start + float(at[place])
        if (wait := planned - loop.time()) > 0:
            await asyncio.sleep(wait)
        run.fire(place, path_of[place], planned)
    await run.finish(start + plan.seconds + GRACE_SECONDS)
    cpu = time.process_time() - cpu
    streams = {path: run.stream(path, path_of) for path, times in kinds.items() if len(times)}
    return Outcome(streams, plan.seconds, float(np.percentile(run.late, 99) * 1e3) if len(at) else 0.0, cpu)


class _Run:
    """Questions under way. One whose connection is not there yet waits for it, its clock running."""

    def __init__(self, plan: Plan, questions: int) -> None:
        self._plan = plan
        self._free: deque[Connection] = deque()  # the one longest idle first: workers get equal shares
        self._open = 0
        self._waiting: deque[tuple[int, str, bytes, float]] = deque()
        self._latency = np.full(questions, np.nan)
        self._fault: dict[int, str] = {}
        self._left = questions
        self._asked = decisions(Cast(plan.customers, plan.items), plan.seed)
        cast = Cast(plan.tellers or plan.customers, plan.items)
        self._told = EventWriter(cast, plan.seed, f"load-{time.time_ns():x}")
        self._ahead = plan.clock - datetime.now(UTC)
        self._fired = count()
        self._ports = cycle(plan.ports)
        self._making: set[asyncio.Task[None]] = set()
        self.late = np.zeros(questions)

    async def connect(self, connections: int) -> None:
        """Open some connections."""
        await asyncio.gather(*(self._connect() for _ in range(connections)))

    def fire(self, place: int, path: str, planned: float) -> None:
        """Ask the question of a place now."""
        self.late[next(self._fired)] = asyncio.get_running_loop().time() - planned
        body = next(self._asked) if path == DECISIONS else self._told.bodies(self._now(), 1)
        request = request_bytes(path, body, self._plan.key)
        if self._free:
            self._send(self._free.popleft(), place, path, request, planned)
            return
        self._waiting.append((place, path, request, planned))
        if self._open < MOST_OPEN:
            task = asyncio.ensure_future(self._connect())
            self._making.add(task)
            task.add_done_callback(self._making.discard)

    async def finish(self, until: float) -> None:
        """Wait for the last answers, but not beyond a moment."""
        loop = asyncio.get_running_loop()
        while self._left and loop.time() < until:
            await asyncio.sleep(0.01)
        for connection in list(self._free):
            connection.close()

    def stream(self, path: str, path_of: list[str]) -> Stream:
        """What became of the questions of a path."""
        places = [place for place, one in enumerate(path_of) if one == path]
        faults = Counter(
            self._fault.get(place, NO_ANSWER)
            for place in places
            if place in self._fault or np.isnan(self._latency[place])
        )
        good = [p for p in places if p not in self._fault and not np.isnan(self._latency[p])]
        return summary(len(places), self._latency[good], dict(faults))

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._ahead - timedelta(milliseconds=5)

    def _send(self, connection: Connection, place: int, path: str, request: bytes, planned: float) -> None:
        def done(status: int, body: bytes) -> None:
            self._latency[place] = asyncio.get_running_loop().time() - planned
            self._left -= 1
            wrong = fault(path, status, body)
            if wrong is not None:
                self._fault[place] = wrong

        connection.send(request, done)

    async def _connect(self) -> None:
        self._open += 1
        port = next(self._ports)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._freed, self._ended), "127.0.0.1", port
            )
        except OSError:
            self._open -= 1

    def _freed(self, connection: Connection) -> None:
        if self._waiting:
            self._send(connection, *self._waiting.popleft())
        else:
            self._free.append(connection)

    def _ended(self, connection: Connection) -> None:
        self._open -= 1
        if connection in self._free:
            self._free.remove(connection)


def precise_loop() -> asyncio.AbstractEventLoop:
    """An event loop that wakes to the microsecond: epoll's waits are rounded up to whole milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def main() -> None:
    """Read a plan, carry it out, tell."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        outcome = runner.run(drive(plan))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
