"""Serving the API and the console: one worker on loopback, stopped gracefully."""

import asyncio
import gc
import logging
import socket
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from typing import Any

import pyarrow as pa
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from features.errors import HomeError
from features.home import Home
from pipelines.campaign_work import Worker
from pipelines.lookout import LookoutProcess
from serving.api import create_app
from serving.api.app import utc_now
from serving.api.wiring import Clock
from serving.logs import to_lines
from serving.security import KeyStore
from serving.settings import load_settings

_TO_BE_TOLD_SECONDS = 2.0  # that a slow sender gets to read why it is given up
_SWITCH_SECONDS = 0.0005
"""How long a thread that looks at everybody may compute before a decision gets its turn: Python's own 5 ms, a dozen
times a decision, would add up."""


def say(address: str, link: str) -> None:
    """What a person sees when the service has started."""
    sys.stdout.write(f"Tahdikas answers at {address}; its calls: {address}/docs\nThe console, once: {link}\n")
    sys.stdout.flush()


def serve(
    home: Home,
    *,
    host: str | None = None,
    port: int | None = None,
    clock: Clock = utc_now,
    announce: Callable[[str, str], None] = say,
) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); `host` and `port` override `config/serving.yaml`.

    `announce` is called once requests are taken, with the base address and with a link that opens the console once.
    Raises `HomeError` where the address cannot be listened on.
    """
    to_lines()
    settings = load_settings(home)
    bound = _listen(settings.host if host is None else host, settings.port if port is None else port)
    _without_pandas()
    sys.setswitchinterval(_SWITCH_SECONDS)
    worker = Worker(home, clock)
    lookout = LookoutProcess(home, clock) if settings.watch_minutes else None
    app = create_app(home, clock=clock, settings=settings, wake=worker.wake, lookout=lookout is not None)
    config = uvicorn.Config(
        app,
        http=_patient(settings.body_seconds + _TO_BE_TOLD_SECONDS),
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )

    def started() -> None:
        # What lives now lives to the end: later collections need not walk over it.
        gc.collect()
        gc.freeze()
        worker.start()
        if lookout is not None:
            lookout.start()
        address = f"http://{_shown(bound)}"
        code = KeyStore(home).create_console_code(now=clock())
        announce(address, f"{address}/console/login?code={code}")

    try:
        with bound:
            _Server(config, started).run(sockets=[bound])
    finally:
        if lookout is not None:
            lookout.stop()
        worker.stop()


class _Server(uvicorn.Server):
    """Uvicorn that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._when_started()


def _patient(seconds: float) -> type[asyncio.Protocol]:
    """Connections that are closed where a request has begun, or nothing came yet, and is not whole after `seconds`.

    What else arrives after an answer was given (a body too large, a key refused) is thrown away until then.
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


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise HomeError(f"{host}:{port} cannot be listened on ({error}). Name another port with --port.") from error
    return bound


def _shown(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
