"""The app factory: the one place where the parts of the API are wired together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from features.errors import TahdikasError
from features.home import Home
from serving.api import customers, decisions, events, health, limits, openapi, outcomes, problems, recheck
from serving.api.execution import Deadline
from serving.api.wiring import Clock, Wiring
from serving.console import console
from serving.console.pages import problem_page
from serving.console.session import Sessions
from serving.metrics import Metrics
from serving.security import KeyStore
from serving.service import DecisionService
from serving.settings import ServingSettings, load_settings

_TELEMETRY_OFF = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}


def utc_now() -> datetime:
    """The clock of a running service; tests pass their own."""
    return datetime.now(UTC)


def create_app(
    home: Home,
    *,
    clock: Clock = utc_now,
    settings: ServingSettings | None = None,
    service: DecisionService | None = None,
) -> FastAPI:
    """The API and the console over one data folder.

    `clock` gives aware UTC instants. `settings` default to `config/serving.yaml`.
    """
    settings = settings or load_settings(home)
    wiring = Wiring(
        home=home,
        clock=clock,
        settings=settings,
        service=service or DecisionService(home),
        keys=KeyStore(home),
        sessions=Sessions(settings.console_hours),
        metrics=Metrics(),
        decisions=Deadline(
            settings.decision_deadline_ms / 1000, settings.decision_threads, settings.waiting_decisions, "decide"
        ),
        reads=Deadline(settings.read_deadline_ms / 1000, 2, settings.waiting_decisions, "read"),
        writes=Deadline(settings.write_deadline_ms / 1000, 1, settings.waiting_decisions, "write"),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # what the first decision would otherwise wait for: models, policy, catalogue, imports
        with suppress(TahdikasError):
            await wiring.writes.run(wiring.service.customer, "", clock())
        yield
        for pool in (wiring.decisions, wiring.reads, wiring.writes):
            pool.close()
        wiring.service.close()

    app = FastAPI(
        title="Tahdikas",
        version=_version(),
        description="The next best action for a customer, from a recommender that knows when not to sell.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=_TELEMETRY_OFF,  # type: ignore[arg-type]
    )
    app.state.wiring = wiring
    problems.install(app, _problem)
    openapi.install(app)
    for part in (events, decisions, recheck, outcomes, customers, health):
        app.include_router(part.router)
    app.include_router(console.router)
    app.add_middleware(limits.Limits, max_body_bytes=settings.max_body_bytes)
    return app


def _problem(request: Request, error: problems.ProblemError) -> Response:
    """A page for a person in the console, a problem document for everybody else."""
    if request.url.path.startswith("/console") and "text/html" in request.headers.get("accept", ""):
        return problem_page(request, error)
    return problems.problem_response(error, request.url.path)


def _version() -> str:
    try:
        return version("tahdikas")
    except PackageNotFoundError:
        return "0"
