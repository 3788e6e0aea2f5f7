"""What is measured of a running service: start, memory, the long run, the highest rates. Each a process of its own."""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import msgspec

from benchmarks.load.closed_loop import Errand, Pace
from benchmarks.load.open_loop import Outcome, Plan
from benchmarks.load.progress import say
from benchmarks.load.questions import DECISIONS, EVENTS, Cast
from benchmarks.load.rates import highest_rate, sustained
from benchmarks.load.server import Service, errand, free_port, load, python, serving
from benchmarks.load.shop import Shop

CONNECTIONS, BATCH, BATCHES_AT_ONCE = 8, 100, 4
WARM_SECONDS, WARM_RATE = 3.0, 20.0
Command = Callable[[int], Sequence[str]]
"""What to start for a port."""


class Round(msgspec.Struct, frozen=True):
    """One round: `rate` is the highest that held, `most` what came of asking without a pause, both a second."""

    first_answer_seconds: float
    resident_mb: float
    rate: float
    most: float
    events: float | None


class Memory(msgspec.Struct, frozen=True):
    """Megabytes: of the process that serves after the start and at most, at most of the one that decides for it and of
    the lookout, and of all processes together under load, pages that several have counted once.
    """

    start_mb: float
    worker_mb: float
    decider_mb: float
    lookout_mb: float
    together_mb: float


class LongRun(msgspec.Struct, frozen=True):
    """The long run: what happened, and the milliseconds of processor a request."""

    outcome: Outcome
    cpu_ms: float


def product(shop: Shop, workers: int = 1) -> Callable[[], Command]:
    """How people start the product; each start comes after what any before was told."""

    def start() -> Command:
        where = ("--home", str(shop.home.root), "serve", "--clock-from", shop.next_start().isoformat())
        return lambda port: python("-m", "pipelines.cli", *where, "--port", str(port), "--workers", str(workers))

    return start


class Measured:
    """A service of some workers for a cast, started anew for each measurement. `name` tells who it is meanwhile."""

    def __init__(
        self,
        name: str,
        start: Callable[[], Command],
        cast: Cast,
        key: str,
        *,
        workers: int = 1,
        takes_events: bool = True,
    ) -> None:
        self._name, self._start, self._cast, self._key = name, start, cast, key
        self._workers, self._takes_events = workers, takes_events
        asked = {"customer_id": cast.customers[0], "channel": "web", "placement": "front_page"}
        self._question = json.dumps(asked).encode()

    def round(self, step_seconds: float, first_rate: float) -> Round:
        """Start, find the highest rate, ask without a pause, tell batches of events."""
        with self._running() as services:
            self._open(services, WARM_RATE, 0.0, WARM_SECONDS)
            resident = services[0].memory_mb()
            held = highest_rate(lambda rate: self._holds(services, rate, step_seconds), first_rate)
            most = self._closed(services, DECISIONS, CONNECTIONS, step_seconds)
            told = self._closed(services, EVENTS, BATCHES_AT_ONCE, step_seconds) if self._takes_events else None
            events = None if told is None else told.per_second * BATCH
            found = Round(services[0].first_answer_seconds, resident, held, most.per_second, events)
            say(f"{self._name}: {found}")
            return found

    def _holds(self, services: Sequence[Service], rate: float, seconds: float) -> bool:
        outcome = self._open(services, rate, 0.0, seconds)
        told = outcome.streams.get(DECISIONS)
        say(f"{self._name}: {rate:,.0f} decisions/s: {told}")
        return sustained(outcome)

    def memory(self, decisions: float, events: float, seconds: float) -> Memory:
        """What its processes have in memory when they have started, and under so much load."""
        say(f"{self._name}: memory under {decisions:,.0f} decisions/s and {events:,.0f} events/s for {seconds:,.0f} s")
        with self._running() as services:
            service = services[0]
            self._open(services, WARM_RATE, 0.0, WARM_SECONDS)  # until all its processes are what they will be
            start = service.memory_mb()
            self._open(services, decisions, events, seconds)
            most = {role: service.memory_mb("VmHWM", role) for role in service.processes()}
            return Memory(start, most["worker"], most["decider"], most["lookout"], service.share_mb())

    def long_run(self, decisions: float, events: float, seconds: float) -> LongRun:
        """So many decisions and events a second for so long."""
        say(f"{self._name}: {decisions:,.0f} decisions/s and {events:,.0f} events/s for {seconds:,.0f} s")
        with self._running() as services:
            self._open(services, WARM_RATE, 0.0, WARM_SECONDS)
            before = sum(one.cpu_seconds() for one in services)
            outcome = self._open(services, decisions, events, seconds)
            spent = sum(one.cpu_seconds() for one in services) - before
            asked = sum(one.planned for one in outcome.streams.values())
            found = LongRun(outcome, spent / asked * 1e3)
            say(f"{self._name}: {found}")
            return found

    @contextmanager
    def _running(self) -> Iterator[list[Service]]:
        with ExitStack() as stack:
            command = self._start()
            ports = [free_port() for _ in range(self._workers)]
            yield [stack.enter_context(serving(command(port), port, self._key, self._question)) for port in ports]

    def _open(self, services: Sequence[Service], decisions: float, events: float, seconds: float) -> Outcome:
        clock, ports = services[0].clock(self._question), [one.port for one in services]
        people, items = list(self._cast.customers), list(self._cast.items)
        return load(Plan(ports, self._key, seconds, decisions, events, clock, people, people, items))

    def _closed(self, services: Sequence[Service], path: str, connections: int, seconds: float) -> Pace:
        clock, ports = services[0].clock(self._question), [one.port for one in services]
        people, items = list(self._cast.customers), list(self._cast.items)
        return errand(Errand(ports, self._key, path, connections, seconds, BATCH, clock, people, items))


def median_of(rounds: Sequence[Round], name: str) -> float:
    """The median of a field over rounds."""
    return float(statistics.median(getattr(one, name) for one in rounds))
