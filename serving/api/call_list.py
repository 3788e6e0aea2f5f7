"""GET /v1/call-list: whom a person should call next, and why."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Care
from serving.api.body import documented, json_response
from serving.api.customer_models import CaseOut
from serving.api.parts import HoldOut, Out, ReasonOut, reason_out
from serving.api.staff_problems import answered
from serving.api.wiring import wired

router = APIRouter(tags=["staff"])

Limit = Annotated[int, Query(ge=1, le=1_000, description="Calls at most; a count.", examples=[20])]


class CallOut(Out):
    """One call to make."""

    customer_id: str = Field(description="Whom to call.", examples=["c-1042"])
    action_id: str = Field(description="The action; report its outcome as a `contact` event.", examples=["staff_call"])
    severity: int = Field(description="Her gravest hold, 1 to 5.", examples=[4])
    since: datetime = Field(description="Since when that hold is in force, UTC.", examples=["2026-03-01T09:00:00Z"])
    value: int = Field(description="What she paid and kept so far; minor units (cents).", examples=[84900])
    quiet_now: bool = Field(description="True while it is night where she lives: call later.", examples=[False])
    text: str = Field(description="What to do, in English.", examples=["Call her: her case has waited too long"])
    text_fi: str = Field(
        description="What to do, in Finnish.", examples=["Soita hänelle: asia on odottanut liian kauan"]
    )
    reasons: list[ReasonOut] = Field(description="Why this.", examples=[[]])
    holds: list[HoldOut] = Field(description="Her holds in force, the gravest first.", examples=[[]])
    cases: list[CaseOut] = Field(description="Her open cases, and those behind her holds.", examples=[[]])


class CallListAnswer(Out):
    """The gravest first, then the dearest."""

    total: int = Field(description="All calls waiting; a count.", examples=[7])
    calls: list[CallOut] = Field(description="The first of them.", examples=[[]])


@router.get("/v1/call-list", response_model=CallListAnswer, dependencies=[Care], **documented(401, 403, 422, 429, 503))
async def call_list(request: Request, limit: Limit = 100) -> Response:
    """Customers whose next best action is a person's call. A `contact` event of status `sent` takes one off."""
    app = wired(request)
    total, found = await answered(app.staff, "Ask again shortly.", app.desk.call_list, app.clock(), limit)
    listed = [
        CallOut(
            customer_id=one.customer_id,
            action_id=one.action_id,
            severity=one.severity,
            since=one.since,
            value=one.value,
            quiet_now=one.quiet,
            text=one.text,
            text_fi=one.text_fi,
            reasons=[reason_out(why) for why in one.reasons],
            holds=[HoldOut.of(hold) for hold in one.holds],
            cases=[CaseOut.model_validate(msgspec.to_builtins(case)) for case in one.cases],
        )
        for one in found
    ]
    return json_response(CallListAnswer(total=total, calls=listed))
