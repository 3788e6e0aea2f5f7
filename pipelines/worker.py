"""One worker: the app, the server around it, and what it does beside the requests."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.abc import MetaPathFinder
from typing import Any

import pyarrow as pa
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from features.home import Home
from pipelines.campaign_work import Worker
from serving.api import create_app
from serving.clocks import Clock
from serving.settings import ServingSettings

_TO_BE_TOLD_SECONDS = 2.0  # that a slow sender gets to read why it is given up
_SWITCH_SECONDS = 0.0005
"""How long a thread that looks at many may compute before a decision gets its turn: Python's own 5 ms, a dozen times a
decision, would add up."""


def worker_app(home: Home, clock: Clock, settings: ServingSettings) -> FastAPI:
    """The app of a process that serves and does nothing else; it starts what works for the console."""
    _without_pandas()
    sys.setswitchinterval(_SWITCH_SECONDS)
    beside = Worker(home, clock)
    app = create_app(home, clock=clock, settings=settings, wake=beside.wake, lookout=bool(settings.watch_minutes))
    api: Callable[[FastAPI], Any] = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with api(app):
            # What lives now lives to the end: later collections need not walk over it.
            gc.collect()
            gc.freeze()
            beside.start()
            try:
                yield
            finally:
                await asyncio.to_thread(beside.stop)

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


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("serving does without pandas", name=fullname)


def _without_pandas() -> None:
    """pyarrow imports pandas at its first conversion if it can; serving has no use for its seconds and megabytes."""
    if "pandas" not in sys.modules:
        finder = _NoPandas()
        sys.meta_path.insert(0, finder)
        pa.array([0])
        sys.meta_path.remove(finder)
