"""Serving the API and the console: on loopback, by one worker or several, stopped gracefully.

What every worker needs is imported by `pipelines.worker`, so that a process that only keeps workers going stays small.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable

import uvicorn

from features.errors import HomeError
from features.home import Home
from features.log.connection import STORE_ERRORS
from pipelines.lookout import LookoutProcess
from serving.clocks import Clock, utc_now
from serving.logs import to_lines
from serving.security import KeyStore
from serving.settings import load_settings
from serving.trials import begin_trial

log = logging.getLogger("tahdikas.serve")

_LINK_PATIENCE_SECONDS = 1.0


def say(address: str, link: str | None) -> None:
    """What a person sees when the service has started."""
    console = (
        f"The console, once: {link}" if link else "The console: no link could be made, the store takes no writing."
    )
    sys.stdout.write(f"Tahdikas answers at {address}; its calls: {address}/docs\n{console}\n")
    sys.stdout.flush()


def serve(
    home: Home,
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    clock: Clock = utc_now,
    announce: Callable[[str, str | None], None] = say,
) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); `host`, `port` and `workers` override `config/serving.yaml`.

    `announce` is called once requests are taken, with the base address and with a link that opens the console once;
    None for the link where the store takes no writing: answers, silent ones, do not wait for that to end.
    Raises `HomeError` where the address cannot be listened on, or no worker of several can start.
    """
    to_lines()
    settings = load_settings(home)
    bound = _listen(settings.host if host is None else host, settings.port if port is None else port)
    lookout = LookoutProcess(home, clock) if settings.watch_minutes else None

    address = f"http://{_shown(bound)}"

    def started() -> None:
        if not _listens(bound):
            raise HomeError(f"{address} was taken by another service that started too. Name another port with --port.")
        if lookout is not None:
            lookout.start()
        announce(address, _link(home, address, clock))

    try:
        with bound:
            if (settings.workers if workers is None else workers) > 1:
                from pipelines.workers import serve_by

                serve_by(workers or settings.workers, home, clock, bound, started)
            else:
                begin_trial(home)  # before all the rest is imported: both take a second
                from pipelines.worker import server_settings, worker_app

                config = uvicorn.Config(worker_app(home, clock, settings, alone=True), **server_settings(settings))
                _Server(config, started).run(sockets=[bound])
    finally:
        if lookout is not None:
            lookout.stop()


class _Server(uvicorn.Server):
    """Uvicorn that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            await asyncio.to_thread(self._when_started)


def _link(home: Home, address: str, clock: Clock) -> str | None:
    try:
        code = KeyStore(home, patience_seconds=_LINK_PATIENCE_SECONDS).create_console_code(now=clock())
    except (*STORE_ERRORS, HomeError):
        log.warning("no link to the console: the store takes no writing", exc_info=True)
        return None
    return f"{address}/console/login?code={code}"


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


def _listens(bound: socket.socket) -> bool:
    """Of two who bound an address before either listened, the later one does not; the event loop does not say so."""
    try:
        return bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False


def _shown(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
