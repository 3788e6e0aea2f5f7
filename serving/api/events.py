"""POST /v1/events: what happened, durable and visible to the next decision once acknowledged."""

from collections import Counter
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from features.log.event_log import EventResult
from serving.api.access import Events
from serving.api.body import documented, read_json
from serving.api.plain import PlainRoute
from serving.api.problems import ProblemError
from serving.api.wiring import wired

router = APIRouter(tags=["events"], route_class=PlainRoute)
_encode = msgspec.json.Encoder().encode


class EventOutcome(BaseModel):
    """What became of one event."""

    event_id: str | None = Field(description="As sent; null where it could not be read.", examples=["e-90017"])
    status: Literal["accepted", "duplicate", "rejected"] = Field(
        description="`duplicate`: known with the same content. `rejected`: kept in quarantine.", examples=["accepted"]
    )
    reason: str | None = Field(
        default=None, description="Reason code of a rejection.", examples=["score_outside_scale"]
    )
    detail: str | None = Field(
        default=None, description="The rejection in words, with the value.", examples=["score 9 is outside 1 to 5"]
    )
    customer_id: str | None = Field(default=None, description="The customer it was counted for.", examples=["c-1042"])


class EventsResponse(BaseModel):
    """One result for each event, in the order sent."""

    accepted: int = Field(description="How many are new and taken; a count.", examples=[1])
    duplicates: int = Field(description="How many were known; a count.", examples=[0])
    rejected: int = Field(description="How many are in quarantine; a count.", examples=[0])
    results: list[EventOutcome] = Field(description="In the order sent.", examples=[[]])


@router.post(
    "/v1/events",
    response_model=EventsResponse,
    dependencies=[Events],
    **documented(400, 401, 403, 413, 415, 422, 429, 503, body="EventsRequest", also={207: EventsResponse}),
)
async def post(request: Request) -> Response:
    """Take one event or a list of them.

    200: all taken or known. 207: some rejected, the rest taken. 422: none taken, all rejected. In each case `results`
    says what became of every event, in the order sent. Any other answer: send all of them again; an event counts once.
    """
    app = wired(request)
    sent = await read_json(request)
    objects: list[Any] = sent if isinstance(sent, list) else [sent]
    if len(objects) > app.settings.max_events:
        detail = f"{len(objects)} events are more than {app.settings.max_events}. Send them in several requests."
        raise ProblemError("too-large", detail)
    with app.metrics.event_seconds.time():
        results = await app.events.ask(objects)
    if isinstance(results, str):
        app.metrics.untaken(len(objects))
        detail = f"The events are not known to be kept ({results}). Send all of them again: an event counts once."
        raise ProblemError("unavailable", detail)
    app.metrics.taken(result.status for result in results)
    return _answer(results)


def _answer(results: list[EventResult]) -> Response:
    """As `EventsResponse` says, written straight from the results."""
    counts = Counter(result.status for result in results)
    told = {
        "accepted": counts["accepted"],
        "duplicates": counts["duplicate"],
        "rejected": counts["rejected"],
        "results": results,
    }
    if results and counts["rejected"] == len(results):
        first = results[0]
        detail = (
            f"All {len(results)} were rejected and are kept in quarantine; the first: {first.detail or first.reason}"
        )
        raise ProblemError("no-event-accepted", detail, extra=msgspec.to_builtins(told))
    return Response(_encode(told), 207 if counts["rejected"] else 200, media_type="application/json")
