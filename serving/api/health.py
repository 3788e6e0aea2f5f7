"""Liveness, readiness with what is degraded, and the counts for Prometheus.

What looks whether a service is up often asks by HEAD.
"""

import json
from datetime import datetime

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field
from starlette.responses import Response

from features.home import Home
from serving.api.body import json_response
from serving.api.wiring import Wiring, wired
from serving.service import Health

router = APIRouter(tags=["health"])


class Live(BaseModel):
    """The process runs."""

    status: str = Field(default="alive", description="Always `alive`.", examples=["alive"])


class Ready(BaseModel):
    """Whether decisions can be made, and what is degraded."""

    status: str = Field(description="`ready`, `degraded` (answers, but less well) or `not ready`.", examples=["ready"])
    degraded: list[str] = Field(description="What is degraded, in words.", examples=[["no model bundle is promoted"]])
    watchdogs: list[str] = Field(
        default=[], description="What goes wrong without stopping anything, in words.", examples=[["12 holds are late"]]
    )
    versions: dict[str, str] = Field(description="Hashes and ids in force.", examples=[{"bundle": "20260301-8f2c"}])


@router.head("/v1/health/live", include_in_schema=False)
@router.get("/v1/health/live", response_model=Live)
async def live() -> Response:
    """200 as long as the process runs; touches nothing else."""
    return json_response(Live())


@router.head("/v1/health/ready", include_in_schema=False)
@router.get("/v1/health/ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(request: Request) -> Response:
    """200 where decisions can be made, even with something degraded; 503 where they cannot."""
    app = wired(request)
    health = await _health(app)
    status = "not ready" if not health.ready else "degraded" if health.degraded else "ready"
    body = Ready(
        status=status,
        degraded=health.degraded,
        watchdogs=[one.text for one in app.rounds.findings],
        versions=health.versions,
    )
    return json_response(body, 200 if health.ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Counts in Prometheus' text format."""
    app = wired(request)
    health = await _health(app)
    bundle = health.versions.get("bundle")
    app.metrics.stand(
        ready=health.ready,
        degraded=len(health.degraded),
        bundle=bundle,
        bundle_age_seconds=_bundle_age(app.home, bundle, app.clock()),
    )
    if app.rounds.latest is not None:
        app.metrics.looked(app.rounds.latest)
    app.metrics.looks.set(app.desk.looks)
    under_way = {one.name: one.under_way for one in (app.decisions, app.events)}
    under_way |= {one.name: one.under_way for one in (app.reads, app.writes, app.staff)}
    app.metrics.queues(under_way)
    return Response(app.metrics.text(), media_type=CONTENT_TYPE_LATEST)


async def _health(app: Wiring) -> Health:
    health = await app.reads.run(app.service.health, app.clock())
    if isinstance(health, str):
        return Health(ready=False, degraded=[f"the state of the service cannot be told ({health})"])
    return health


def _bundle_age(home: Home, bundle: str | None, now: datetime) -> float | None:
    if not bundle:
        return None
    try:
        manifest = json.loads((home.bundles / bundle / "manifest.json").read_bytes())
        return (now - datetime.fromisoformat(manifest["created_at"])).total_seconds()
    except (OSError, ValueError, KeyError, TypeError):
        return None
