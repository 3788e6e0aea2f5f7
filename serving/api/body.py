"""Reading a JSON body: raw bytes in, a typed object out, and its description in the OpenAPI page."""

from http import HTTPStatus
from typing import Any, TypeVar

import pydantic_core
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from serving.api.problems import PROBLEMS, ProblemError, from_validation

T = TypeVar("T", bound=BaseModel)


async def json_bytes(request: Request) -> bytes:
    """The body, if it says that it is JSON (or says nothing)."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ProblemError("unsupported-media-type", f"The body is {kind}. Send it as application/json.")
    parts = []
    while True:  # as `request.body()`, without its generator
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ProblemError("malformed-json", "The body ended before its end. Send it whole.")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def read_model(request: Request, model: type[T]) -> T:
    """The body as `model`; a broken one is a problem that says at which line and column."""
    try:
        return model.model_validate_json(await json_bytes(request))
    except ValidationError as error:
        raise from_validation(error, model) from error


async def read_json(request: Request) -> Any:
    """The body as plain objects; NaN and infinities are no JSON."""
    try:
        return pydantic_core.from_json(await json_bytes(request), allow_inf_nan=False)
    except ValueError as error:
        raise ProblemError("malformed-json", f"The body cannot be read as JSON: {error}. Correct it there.") from error


def json_response(model: BaseModel, status: int = 200) -> Response:
    """An answer written straight from the model."""
    return Response(model.model_dump_json(), status, media_type="application/json")


def documented(
    *statuses: int, body: str | None = None, also: dict[int, type[BaseModel]] | None = None
) -> dict[str, Any]:
    """Route arguments: the component schema of the body, and what may come back besides 200.

    A body may come too slowly, or beside too many others, whichever it is (408, 503).
    """
    statuses = statuses if body is None else (408, *statuses, 503)
    content: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses: dict[int, Any] = {status: {"description": _described(status), "content": content} for status in statuses}
    for status, model in (also or {}).items():
        responses[status] = {"model": model, "description": _described(status)}
    arguments: dict[str, Any] = {"responses": responses}
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        arguments["openapi_extra"] = {
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}
        }
    return arguments


def _described(status: int) -> str:
    return "; ".join(title for number, title in PROBLEMS.values() if number == status) or HTTPStatus(status).phrase
