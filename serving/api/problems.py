"""Every error leaves as a problem document (RFC 9457) that names what is wrong, where, and the remedy."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from features.errors import HomeError, TahdikasError
from serving.logs import fields

log = logging.getLogger("tahdikas.api")

MEDIA_TYPE = "application/problem+json"

PROBLEMS = {
    "malformed-json": (400, "The body is not valid JSON"),
    "unauthorised": (401, "A valid API key is needed"),
    "forbidden": (403, "The key may not do this"),
    "not-found": (404, "There is no such thing here"),
    "method-not-allowed": (405, "This address does not take that method"),
    "too-slow": (408, "The request did not come in time"),
    "conflict": (409, "That cannot be done as things stand"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "The body must be JSON"),
    "invalid-request": (422, "Some fields are not valid"),
    "no-event-accepted": (422, "None of the events was accepted"),
    "too-many-requests": (429, "The key asks too often"),
    "internal-error": (500, "Something went wrong here"),
    "unavailable": (503, "This cannot be answered at the moment"),
}
"""Every kind of problem: its HTTP status and its title. The type is `urn:tahdikas:problem:<kind>`."""

_LONGEST_VALUE = 200


class FieldProblem(BaseModel):
    """One field that is not valid."""

    model_config = ConfigDict(json_schema_extra={"title": "FieldProblem"})

    field: str = Field(description="Where: the field's path, dots between names.", examples=["placement"])
    value: Any = Field(default=None, description="The value sent, cut to 200 characters.", examples=["frontpage!"])
    problem: str = Field(description="What is wrong with it.", examples=["not a placement's name"])
    remedy: str = Field(description="What to send instead.", examples=["Send one of: front_page, product_page."])


class Problem(BaseModel):
    """A problem document, RFC 9457."""

    type: str = Field(description="The kind of problem.", examples=["urn:tahdikas:problem:invalid-request"])
    title: str = Field(description="The kind in words.", examples=["Some fields are not valid"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What happened this time, and the remedy.", examples=["1 field is not valid."])
    instance: str | None = Field(default=None, description="The address asked.", examples=["/v1/decisions"])
    errors: list[FieldProblem] | None = Field(default=None, description="The fields at fault.", examples=[[]])


class ProblemError(Exception):
    """Raise to answer with a problem document; `extra` adds members, `headers` HTTP headers."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[FieldProblem] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.errors = kind, detail, errors
        self.extra, self.headers = dict(extra or {}), headers


def problem_response(error: ProblemError, instance: str) -> Response:
    """The answer for a problem."""
    status, title = PROBLEMS[error.kind]
    body: dict[str, Any] = {
        "type": f"urn:tahdikas:problem:{error.kind}",
        "title": title,
        "status": status,
        "detail": error.detail,
        "instance": instance,
    }
    if error.errors is not None:
        body["errors"] = [item.model_dump(mode="json") for item in error.errors]
    content = json.dumps(body | error.extra, ensure_ascii=False, default=str)
    return Response(content, status, dict(error.headers or {}), MEDIA_TYPE)


def from_validation(error: ValidationError, model: type[BaseModel]) -> ProblemError:
    """A problem that names field, value and remedy for each failure of `model`."""
    found = error.errors(include_url=False)
    if found and found[0]["type"] == "json_invalid":
        reason = str(found[0].get("ctx", {}).get("error", found[0]["msg"]))
        return ProblemError("malformed-json", f"The body cannot be read as JSON: {reason}. Correct it there.")
    fields = [
        FieldProblem(
            field=".".join(str(part) for part in one["loc"]) or "body",
            value=None if one["type"] == "missing" else _short(one.get("input")),
            problem=one["msg"],
            remedy=_remedy(one["type"], one["loc"], one.get("ctx", {}), model),
        )
        for one in found
    ]
    names = ", ".join(f"`{item.field}`" for item in fields)
    return ProblemError("invalid-request", f"Correct {names} and send the request again.", errors=fields)


def _remedy(kind: str, where: Sequence[int | str], context: Mapping[str, Any], model: type[BaseModel]) -> str:
    info = model.model_fields.get(str(where[0])) if where else None
    if kind == "extra_forbidden":
        return f"Remove it; known fields are {', '.join(model.model_fields)}."
    if kind in ("literal_error", "enum"):
        return f"Send one of {context.get('expected')}."
    example = f", e.g. {info.examples[0]!r}" if info is not None and info.examples else ""
    about = f"{info.description} " if info is not None and info.description else ""
    verb = "Add it" if kind == "missing" else "Change it"
    return f"{about}{verb}{example}."


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


_BY_STATUS = {401: "unauthorised", 403: "forbidden", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}


Answer = Callable[[Request, ProblemError], Response]


def install(app: FastAPI, answer: Answer) -> None:
    """Turn every error of the app into a problem, put into words by `answer`; nothing of a stack trace leaves."""

    @app.exception_handler(ProblemError)
    async def own(request: Request, error: ProblemError) -> Response:
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def of_the_address(request: Request, error: RequestValidationError) -> Response:
        fields = [
            FieldProblem(
                field=str(one["loc"][-1]),
                value=_short(one.get("input")),
                problem=one["msg"],
                remedy=f"Correct this {one['loc'][0]} parameter; /docs describes it.",
            )
            for one in error.errors()
        ]
        names = ", ".join(f"`{item.field}`" for item in fields)
        return answer(request, ProblemError("invalid-request", f"Correct {names}.", errors=fields))

    @app.exception_handler(TahdikasError)
    async def explained(request: Request, error: TahdikasError) -> Response:
        kind = "unavailable" if isinstance(error, HomeError) else "invalid-request"
        return answer(request, ProblemError(kind, str(error)))

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> Response:
        kind = _BY_STATUS.get(error.status_code, "internal-error" if error.status_code >= 500 else "invalid-request")
        detail = {
            "not-found": f"{request.url.path} is no address of this service. See /docs.",
            "method-not-allowed": f"{request.method} is not taken at {request.url.path}. See /docs.",
        }.get(kind, str(error.detail))
        return answer(request, ProblemError(kind, detail, headers=error.headers))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("unforeseen error", extra=fields(method=request.method), exc_info=error)
        detail = (
            "The request could not be carried out; nothing of it is promised. Try again, then look at the server's log."
        )
        return answer(request, ProblemError("internal-error", detail))
