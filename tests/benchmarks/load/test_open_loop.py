"""A service that stalls must show in the latencies of everybody who came meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.load.closed_loop import Errand, carry_out
from benchmarks.load.echo import Echo
from benchmarks.load.open_loop import Outcome, Plan, arrivals, drive, precise_loop, summary
from benchmarks.load.questions import DECISIONS, EVENTS
from benchmarks.load.server import free_port

Serve = Callable[[int], Awaitable[asyncio.Server]]


def plan(port: int, decisions: float = 200.0, events: float = 50.0, seconds: float = 1.0) -> Plan:
    return Plan([port], "key", seconds, decisions, events, datetime.now(UTC), ["aino"], ["aino"], ["hat"])


def run(serve: Serve, asked: Plan) -> Outcome:
    async def both() -> Outcome:
        server = await serve(asked.ports[0])
        try:
            return await drive(asked)
        finally:
            server.close()

    with asyncio.Runner(loop_factory=precise_loop) as runner:
        return runner.run(both())


async def echo(port: int) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)


def test_everything_planned_is_asked_and_answered() -> None:
    outcome = run(echo, plan(free_port()))
    assert outcome.streams[DECISIONS].planned == outcome.streams[DECISIONS].answered > 150
    assert outcome.streams[EVENTS].planned == outcome.streams[EVENTS].answered > 25
    assert (outcome.streams[DECISIONS].p99 or 1e9) < 500


def test_who_came_while_the_service_stood_still_waited() -> None:
    class Stalling(Echo):
        stalled = False

        def data_received(self, data: bytes) -> None:
            if not Stalling.stalled:
                Stalling.stalled = True
                time.sleep(0.6)  # the whole loop stands still, the asking side too
            super().data_received(data)

    async def serve(port: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(Stalling, "127.0.0.1", port)

    outcome = run(serve, plan(free_port(), events=0.0))
    decided = outcome.streams[DECISIONS]
    assert decided.failed == 0
    assert (decided.p50 or 0) > 50  # about six tenths of all came in those six tenths of a second
    assert (decided.most or 0) > 500


def test_a_service_that_hangs_up_gives_errors() -> None:
    class HangingUp(Echo):
        def data_received(self, data: bytes) -> None:
            assert self._transport is not None
            self._transport.close()

    async def serve(port: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(HangingUp, "127.0.0.1", port)

    decided = run(serve, plan(free_port(), events=0.0)).streams[DECISIONS]
    assert (decided.answered, decided.p99) == (0, None)
    assert decided.errors["connection lost"] == decided.planned


def test_arrivals_are_those_of_independent_people() -> None:
    at = arrivals(1_000.0, 50.0, np.random.default_rng(7))
    gaps = np.diff(at)
    assert len(at) == pytest.approx(50_000, rel=0.02)
    assert gaps.min() >= 0 and at[-1] < 50
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)  # as of an exponential distribution


def test_an_answer_that_failed_has_no_latency_and_is_counted() -> None:
    told = summary(4, np.array([0.001, 0.002, 0.003]), {"status 503": 1})
    assert (told.answered, told.failed, told.p50) == (3, 1, pytest.approx(2.0))


def test_closed_loop_asks_again_as_soon_as_answered() -> None:
    async def both(port: int) -> tuple[int, float]:
        server = await echo(port)
        pace = await carry_out(Errand([port], "key", EVENTS, 3, 0.3, 2, datetime.now(UTC), ["aino"], ["hat"]))
        server.close()
        assert pace.errors == {}
        return pace.answered, pace.seconds

    with asyncio.Runner(loop_factory=precise_loop) as runner:
        answered, seconds = runner.run(both(free_port()))
    assert answered > 30
    assert 0.3 <= seconds < 3
