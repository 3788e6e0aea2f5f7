"""The app factory: the one place where the parts of the API are wired together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from features.errors import TahdikasError
from features.home import Home
from features.log.event_log import EventResult
from features.log.live_intake import AT_ONCE as EVENTS_AT_ONCE
from serving.api import (
    call_list,
    customers,
    decision_records,
    decisions,
    demand,
    docs,
    events,
    health,
    incidents,
    items,
    journeys,
    openapi,
    outcomes,
    problems,
    recheck,
    silence,
    staff_holds,
    touchpoints,
    watch_list,
    work_list,
)
from serving.api.batches import Batches
from serving.api.execution import Deadline
from serving.api.limits import Limits
from serving.api.plain import PlainRoute
from serving.api.request_log import RequestLog
from serving.api.rounds import Rounds
from serving.api.surround import Straight, Surround
from serving.api.wiring import Wiring
from serving.campaigns.life import Campaigns
from serving.clocks import Clock, utc_now
from serving.console import console
from serving.console.pages import problem_page
from serving.console.people import People
from serving.console.session import Sessions
from serving.decider import Decider
from serving.desk.desk import Desk
from serving.experience.experience import Experience
from serving.lookout.lists import KeptLists
from serving.lookout.told import Own, Told
from serving.metrics import Metrics
from serving.rate_limit import RateLimit
from serving.security import KeyStore
from serving.service import DecisionService
from serving.settings import ServingSettings, load_settings
from serving.silence_share import SilenceShare
from serving.traces import Traces
from serving.watchdogs import Watchdogs, counted

DECISIONS_AT_ONCE = 64
PARTS = (
    events,
    decisions,
    recheck,
    outcomes,
    items,
    decision_records,
    customers,
    staff_holds,
    watch_list,
    call_list,
    work_list,
    incidents,
    silence,
    touchpoints,
    demand,
    journeys,
    health,
)
"""The routes, in the order of the page."""

LOOK_MINUTES = 1 / 12
"""Between two readings of what the lookout saw."""

LOGINS_WAITING = 20
"""Passwords being checked or waiting for it; each takes a processor for a while, so they have a thread of their own."""

_TELEMETRY_OFF = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}


def create_app(
    home: Home,
    *,
    clock: Clock = utc_now,
    settings: ServingSettings | None = None,
    service: DecisionService | None = None,
    wake: Callable[[], None] = lambda: None,
    lookout: bool = False,
    beside: bool = False,
) -> FastAPI:
    """The API and the console over one data folder.

    `clock` gives aware UTC instants. `settings` default to `config/serving.yaml`. `wake` is called when the console has
    work that takes long. `lookout`: a process beside this one looks at everybody, so that this one need not. `beside`:
    one will decide, over lines that `wiring.decider` is told of.
    """
    settings = settings or load_settings(home)
    patience = settings.decision_deadline_ms / 1000 / 3  # a third to wait in the queue, a third to decide
    traces = Traces(settings.traces_endpoint) if settings.traces_endpoint else None
    service = service or DecisionService(home, patience_seconds=patience, beside=True)
    wiring = _wire(home, clock, settings, service, wake, lookout, beside)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # what the first decision would otherwise wait for: models, policy, catalogue, imports
        with suppress(TahdikasError):
            await wiring.writes.run(wiring.service.customer, "", clock())
        wiring.rounds.start()
        try:
            wiring.service.tidy_beside()
            yield
        finally:  # whatever else fails to start beside it: a process that cannot serve has to end
            await wiring.rounds.stop()
            await asyncio.to_thread(wiring.service.end_tidying)
            ended = await _all_closed(wiring, settings.shutdown_seconds)
            if traces is not None:
                traces.close()
            if ended:
                wiring.service.close()

    app = FastAPI(
        title="Tahdikas",
        version=_version(),
        description="The next best action for a customer, from a recommender that knows when not to sell.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would send keys on to an address without TLS: the proxy's is not known here
        telemetry=_telemetry(traces),  # type: ignore[arg-type]
    )
    app.state.wiring = wiring
    if traces is not None:
        wiring.service.steps.watch(traces.took)
    problems.install(app, _problem)
    openapi.install(app)
    app.router.routes += [route for part in PARTS for route in part.router.routes]  # included they are searched twice
    app.include_router(docs.router)
    for part in console.PARTS:
        app.include_router(part)
    app.add_middleware(
        Surround,
        limits=Limits(settings.max_body_bytes, settings.max_bodies_bytes, settings.body_seconds),
        log=_request_log(settings),
        straight=Straight(app, [route for route in app.routes if isinstance(route, PlainRoute)]),
    )
    return app


def _request_log(settings: ServingSettings) -> RequestLog | None:
    if settings.log_requests == "none":
        return None
    return RequestLog(settings.slow_request_ms, settings.log_requests == "all")


async def _all_closed(wiring: Wiring, seconds: float) -> bool:
    """Stop all pools; whether their threads ended in time. A connection is never closed under one that uses it."""
    pools = (wiring.decisions, wiring.events, wiring.reads, wiring.writes, wiring.staff, wiring.logins)
    for pool in pools:
        pool.close()
    waits = [asyncio.to_thread(pool.join) for pool in pools]
    try:
        await asyncio.wait_for(asyncio.gather(*waits), seconds)
    except TimeoutError:
        return False
    return True


def _telemetry(traces: Traces | None) -> dict[str, Any]:
    """What FastAPI is to tell of requests: spans where they are wanted, nothing else ever."""
    return _TELEMETRY_OFF if traces is None else _TELEMETRY_OFF | {"tracing": True, "tracer_provider": traces.provider}


def _wire(
    home: Home,
    clock: Clock,
    settings: ServingSettings,
    service: DecisionService,
    wake: Callable[[], None],
    lookout: bool,
    beside: bool,
) -> Wiring:
    waiting = settings.waiting_requests
    decider = Decider(service)
    does = decider if beside else service

    def ingest(posts: Sequence[list[Any]]) -> list[list[EventResult]]:
        results = iter(does.ingest([one for post in posts for one in post], clock()))
        return [list(islice(results, len(post))) for post in posts]

    desk, share = Desk(service, KeptLists(home) if lookout else None), SilenceShare()
    metrics, people = Metrics(), People(home)
    staff = Deadline(settings.write_deadline_ms / 1000, 1, waiting, "staff")  # long looks at many, one at a time
    minutes = settings.watch_minutes
    look = (
        Told(home, share, minutes).look
        if lookout
        else Own(Watchdogs(service, partial(counted, desk), settings.quiet_source_hours), share).look
    )
    chores = (service.judge_unheard, service.forget_lapsed)
    service.steps.watch(metrics.took)
    decided = Batches(
        does.decide_many,
        seconds=settings.decision_deadline_ms / 1000,
        threads=settings.decision_threads,
        waiting=waiting,
        largest=DECISIONS_AT_ONCE,
        name="decide",
        key=lambda request: request.customer_id or request.anonymous_id,
        undo=partial(decisions.give_back, service),
    )
    service.before_writing(decided.let_next)
    decider.before_writing = decided.let_next
    return Wiring(
        home=home,
        clock=clock,
        settings=settings,
        service=service,
        desk=desk,
        experience=Experience(service),
        keys=KeyStore(home, patience_seconds=settings.decision_deadline_ms / 1000 / 3),
        rate=RateLimit(settings.requests_per_second),
        strangers=RateLimit(settings.refused_per_second),
        people=people,
        sessions=Sessions(people, settings.console_hours),
        campaigns=Campaigns(home),
        wake=wake,
        metrics=metrics,
        silence=share,
        rounds=Rounds(look, chores, staff, clock, minutes, LOOK_MINUTES if lookout else minutes),
        decider=decider,
        decisions=decided,
        events=Batches(
            ingest,
            seconds=settings.write_deadline_ms / 1000,
            threads=1,
            waiting=waiting,
            largest=EVENTS_AT_ONCE,
            name="events",
            weight=len,
        ),
        reads=Deadline(settings.read_deadline_ms / 1000, 2, waiting, "read"),
        writes=Deadline(settings.write_deadline_ms / 1000, 1, waiting, "write"),
        staff=staff,
        logins=Deadline(settings.read_deadline_ms / 1000, 1, LOGINS_WAITING, "login"),
    )


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
