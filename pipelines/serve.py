"""Serving the API and the console: one worker on loopback, stopped gracefully."""

import gc
import logging
import socket
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder

import pyarrow as pa
import uvicorn

from features.errors import HomeError
from features.home import Home
from serving.api import create_app
from serving.api.app import utc_now
from serving.api.wiring import Clock
from serving.logs import to_lines
from serving.security import KeyStore
from serving.settings import load_settings


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
    app = create_app(home, clock=clock, settings=settings)
    config = uvicorn.Config(
        app,
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
        address = f"http://{_shown(bound)}"
        code = KeyStore(home).create_console_code(now=clock())
        announce(address, f"{address}/console/login?code={code}")

    with bound:
        _Server(config, started).run(sockets=[bound])


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
