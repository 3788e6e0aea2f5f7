"""The OpenAPI page: FastAPI's, with the bodies that are read as raw bytes and the events' own schemas added."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.api.decisions import DecisionRequest
from serving.api.event_schema import event_schemas
from serving.api.incidents import CloseRequest, IncidentRequest, ReachRequest
from serving.api.items import StockRequest
from serving.api.outcomes import OutcomeRequest
from serving.api.problems import Problem
from serving.api.recheck import RecheckRequest
from serving.api.staff_holds import HoldRequest, ReleaseRequest

_MODELS: tuple[type[BaseModel], ...] = (
    DecisionRequest,
    OutcomeRequest,
    RecheckRequest,
    HoldRequest,
    ReleaseRequest,
    IncidentRequest,
    CloseRequest,
    ReachRequest,
    StockRequest,
    Problem,
)


def install(app: FastAPI) -> None:
    """Make `/openapi.json` complete; built once, at its first reading."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _build(app: FastAPI) -> dict[str, Any]:
    page = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    _, schemas = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    components = page.setdefault("components", {}).setdefault("schemas", {})
    components |= schemas["$defs"] | event_schemas()
    return page
