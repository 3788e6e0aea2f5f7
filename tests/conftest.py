"""What tests of several parts need: a client that speaks HTTP with an app in this process.

Laws are tried on the same examples at each run, so that a change is judged by what it changed; `make test-all` draws
new ones.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio.from_thread
import httpx
import prometheus_client  # noqa: F401  (decides how to count when imported: before Feast, see `_one_process`)
import pytest
from fastapi import FastAPI
from hypothesis import settings

from tests.engines import FILE_ONLY, engines, on_postgres

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


class Client:
    """Requests to an app, each answered before the call returns; the app's start and stop included."""

    def __init__(self, app: FastAPI, stack: ExitStack, *, base_url: str = "http://127.0.0.1", **headers: str) -> None:
        self._portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
        stack.enter_context(self._portal.wrap_async_context_manager(app.router.lifespan_context(app)))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request."""

        async def send() -> httpx.Response:
            return await self._http.request(method, path, **arguments)

        return self._portal.call(send)

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        """One GET."""
        return self.request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        """One POST."""
        return self.request("POST", path, **arguments)


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Run an app: `start(create_app(home))`."""
    with ExitStack() as stack:
        yield lambda app, **headers: Client(app, stack, **headers)


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing Feast tells Prometheus to count for many processes; the serving process never imports it."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Suites of both engines: each test once on each (see `tests/engines.py`)."""
    wanted = engines(metafunc.definition.path, Path(__file__).parent)
    if metafunc.definition.get_closest_marker(FILE_ONLY):
        wanted = [one for one in wanted if one == "sqlite"]
    if wanted:
        metafunc.parametrize("store_engine", wanted, indirect=True)


@pytest.fixture(autouse=True)
def store_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine that keeps the live store of every data folder of this test."""
    engine: str = getattr(request, "param", "sqlite")
    if engine == "postgresql":
        on_postgres(monkeypatch)
    return engine


def pytest_sessionfinish() -> None:
    """Stop what was started: the server that this process's tests shared, if they did."""
    server = sys.modules.get("tests.postgres_server")
    if server is not None:
        server.stop_shared()
