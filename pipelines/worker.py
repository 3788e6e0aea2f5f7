"""One worker: the app, the server around it, and what it does beside the requests."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from features.home import Home
from pipelines.campaign_work import Worker
from pipelines.decider import SWITCH_SECONDS, DeciderProcess
from pipelines.processors import processors
from pipelines.without_pandas import without_pandas
from serving.api import create_app
from serving.clocks import Clock
from serving.settings import ServingSettings

_TO_BE_TOLD_SECONDS = 2.0  # that a slow sender gets to read why it is given up


def worker_app(home: Home, clock: Clock, settings: ServingSettings, *, alone: bool = False) -> FastAPI:
    """The app of a process that serves and does nothing else; it starts what works for the console.

    Where it serves `alone`, and has more than one processor, it starts one that decides as well.
    """
    without_pandas()
    sys.setswitchinterval(SWITCH_SECONDS)
    beside = Worker(home, clock)
    splits = alone and settings.decide_beside and processors() > 1
    lookout = bool(settings.watch_minutes)
    app = create_app(home, clock=clock, settings=settings, wake=beside.wake, lookout=lookout, beside=splits)
    decider = DeciderProcess(home, clock, settings, app.state.wiring.decider) if splits else None
    api: Callable[[FastAPI], Any] = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with api(app):
                # What lives now lives to the end: later collections need not walk over it.
                gc.collect()
                gc.freeze()
                beside.start()
                if decider is not None:
                    decider.start()
                try:
                    yield
                finally:
                    await asyncio.to_thread(beside.stop)
        finally:
            if decider is not None:
                await asyncio.to_thread(decider.stop)

    app.router.lifespan_context = lifespan
    return app


def server_settings(settings: ServingSettings) -> dict[str, Any]:
    """What the server around an app is told."""
    return {
        "http": _patient(settings.body_seconds + _TO_BE_TOLD_SECONDS),
        "log_config": None,
        "log_level": logging.WARNING,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
    }


def _patient(seconds: float) -> type[asyncio.Protocol]:
    """Connections that are closed where a request has begun, or nothing came yet, and is not whole after `seconds`.

    What else arrives after an answer was given (a body too large, a key refused) is thrown away until then. What is
    posted is answered in one piece.
    """

    class Patient(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        _giving_up: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            self._wait()
            super().data_received(data)
            cycle: Any = self.cycle
            if cycle is not None and not cycle.more_body and not cycle.response_complete:
                self._wait_no_more()

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            if cycle.scope["method"] == "POST" and not cycle.waiting_for_100_continue:
                cycle.transport = _HeadWithBody(cycle.transport)
            super()._start_asgi_task(cycle, app)

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self._giving_up is None:
                self._giving_up = self.loop.call_later(seconds, self.transport.abort)

        def _wait_no_more(self) -> None:
            if self._giving_up is not None:
                self._giving_up.cancel()
                self._giving_up = None

    return Patient


class _HeadWithBody:
    """What one answer is written to: its head leaves with the first of its body, in one call of the system."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is None:
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def close(self) -> None:
        if self._head:
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()
