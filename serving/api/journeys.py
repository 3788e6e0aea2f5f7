"""GET /v1/customers/{id}/experience: one customer's own curve."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Care
from serving.api.body import documented, json_response
from serving.api.customer_models import CaseOut
from serving.api.customers import CustomerId
from serving.api.parts import Out
from serving.api.staff_problems import answered
from serving.api.wiring import wired
from serving.experience.experience import LONGEST_JOURNEY_DAYS

router = APIRouter(tags=["experience"])

_WHEN = "2026-03-01T09:00:00Z"
_ESTIMATE = "0 (badly) to 1 (well), a drawing aid that no decision looks at; null: nothing known yet."
Days = Annotated[int, Query(ge=1, le=LONGEST_JOURNEY_DAYS, description="How far to look back; days.", examples=[365])]


class MomentOut(Out):
    """One moment of her journey."""

    at: datetime = Field(description="When, UTC.", examples=[_WHEN])
    kind: str = Field(
        description="order, delivery, promise_broken, return, friction, feedback, case or contact.",
        examples=["feedback"],
    )
    detail: str = Field(description="Its status or kind; a case's kind and status.", examples=["csat"])
    touchpoint: str = Field(description="Where on the journey.", examples=["delivery"])
    channel: str | None = Field(description="In which channel.", examples=["web"])
    event_id: str = Field(description="The event that tells it.", examples=["e-90017"])
    value: float | None = Field(description="Her score, 0 (worst) to 1; null: none given.", examples=[0.75])
    text: str = Field(description="What was written, cut to 280 characters; may be empty.", examples=["All went well."])
    order_id: str | None = Field(description="The order it is about.", examples=["o-5531"])
    item_id: str | None = Field(description="The item it is about.", examples=["shoe-42"])
    case_id: str | None = Field(description="The case it is about.", examples=["rma-7"])
    action_id: str | None = Field(description="Of a contact, the action.", examples=["check_in"])
    estimate: float | None = Field(description=f"How things stood after it: {_ESTIMATE}", examples=[0.62])


class JourneyAnswer(Out):
    """Her curve, oldest first."""

    customer_id: str = Field(description="By her key.", examples=["c-1042"])
    as_of: datetime = Field(description="The moment, UTC.", examples=[_WHEN])
    days: int = Field(description="How far it looks back; days.", examples=[365])
    moments_in_all: int = Field(description="Moments of her whole history; a count.", examples=[42])
    scores_in_all: int = Field(description="Scores she ever gave; a count.", examples=[3])
    estimate: float | None = Field(description=f"How things stand now: {_ESTIMATE}", examples=[0.62])
    open_cases: list[CaseOut] = Field(description="Her open cases.", examples=[[]])
    moments: list[MomentOut] = Field(description="The moments of these days.", examples=[[]])


@router.get(
    "/v1/customers/{customer_id}/experience",
    response_model=JourneyAnswer,
    dependencies=[Care],
    **documented(401, 403, 404, 422, 429, 503),
)
async def experience(request: Request, customer_id: CustomerId, days: Days = 365) -> Response:
    """What she ordered, got, met, said and was told, in order, and how things stood after each."""
    app = wired(request)
    late = "Ask again shortly."
    found = await answered(app.reads, late, app.experience.journey, customer_id, app.clock(), days)
    return json_response(JourneyAnswer.model_validate(msgspec.to_builtins(found)))
