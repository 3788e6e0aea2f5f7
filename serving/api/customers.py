"""GET /v1/customers/{id} and its why: what is known of a customer, and why she gets what she gets."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from serving.api.access import Read
from serving.api.body import documented
from serving.api.customer_models import CustomerResponse, WhyResponse
from serving.api.parts import hold_out
from serving.api.problems import ProblemError
from serving.api.wiring import wired

router = APIRouter(tags=["customers"])

CustomerId = Annotated[str, Path(min_length=1, max_length=220, description="The shop's own id.", examples=["c-1042"])]
Action = Annotated[str | None, Query(max_length=200, description="Only this action.", examples=["next_offer"])]
At = Annotated[
    AwareDatetime | None,
    Query(
        description="The moment of a past decision, with its offset; now if absent.", examples=["2026-03-02T12:00:00Z"]
    ),
]
Channel = Annotated[
    str | None, Query(max_length=60, description="Channel to explain; web if absent.", examples=["email"])
]
Placement = Annotated[str | None, Query(max_length=60, description="Placement to explain.", examples=["front_page"])]


@router.get(
    "/v1/customers/{customer_id}",
    response_model=CustomerResponse,
    dependencies=[Read],
    **documented(401, 403, 404, 422, 429, 503),
)
async def customer(request: Request, customer_id: CustomerId) -> Response:
    """State, holds in force, scores and recent contacts of one customer."""
    app = wired(request)
    return _answer(await app.reads.run(app.service.customer, customer_id, app.clock()), customer_id)


@router.get(
    "/v1/customers/{customer_id}/why",
    response_model=WhyResponse,
    dependencies=[Read],
    **documented(401, 403, 404, 422, 429, 503),
)
async def why(
    request: Request,
    customer_id: CustomerId,
    at: At = None,
    action: Action = None,
    channel: Channel = None,
    placement: Placement = None,
) -> Response:
    """Why she gets what she gets, what blocks the rest and until when. Writes nothing, consumes nothing."""
    app = wired(request)
    answer = await app.reads.run(
        app.service.why, customer_id, app.clock(), action, at=at, channel=channel, placement=placement
    )
    return _answer(answer, customer_id)


def _answer(answer: dict[str, Any] | str | None, customer_id: str) -> Response:
    if isinstance(answer, str):
        raise ProblemError("unavailable", f"The answer did not come ({answer}). Try again shortly.")
    if answer is None:
        detail = f"Nothing is known of customer {customer_id!r}. Check the id, or post an event about her first."
        raise ProblemError("not-found", detail)
    answer["holds"] = [hold_out(hold) for hold in answer.get("holds", ())]
    return Response(msgspec.json.encode(answer, enc_hook=float), media_type="application/json")
