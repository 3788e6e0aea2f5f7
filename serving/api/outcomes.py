"""POST /v1/outcomes: what came of a decision, once."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat
from starlette.responses import Response

from serving.api.access import Decide
from serving.api.body import documented, json_response, read_model
from serving.api.decisions import Identifier
from serving.api.problems import ProblemError
from serving.api.wiring import wired
from serving.service import Outcome

router = APIRouter(tags=["decisions"])


class OutcomeRequest(BaseModel):
    """What came of a decision."""

    model_config = ConfigDict(extra="forbid")

    decision_id: Identifier = Field(description="As answered by POST /v1/decisions.", examples=["d-01J8ZK"])
    outcome: Literal[
        "sent", "impression", "click", "accept", "dismiss", "unsubscribe", "bounce", "released", "purchase"
    ] = Field(description="What happened.", examples=["click"])
    occurred_at: AwareDatetime = Field(description="When, with its offset.", examples=["2026-03-02T12:00:05Z"])
    value: FiniteFloat | None = Field(
        default=None, description="What it brought, in minor units (cents).", examples=[1990]
    )
    action_id: Identifier | None = Field(
        default=None, description="Which action of a slate; the first if absent.", examples=["next_offer"]
    )


class OutcomeResponse(BaseModel):
    """Whether the outcome was new."""

    decision_id: str = Field(description="As sent.", examples=["d-01J8ZK"])
    status: Literal["recorded", "known"] = Field(
        description="`known`: noted before; nothing changed.", examples=["recorded"]
    )


@router.post(
    "/v1/outcomes",
    response_model=OutcomeResponse,
    dependencies=[Decide],
    **documented(400, 401, 403, 404, 413, 415, 422, 429, 503, body="OutcomeRequest"),
)
async def record(request: Request) -> Response:
    """Note an outcome durably; sending it again changes nothing."""
    sent = await read_model(request, OutcomeRequest)
    app = wired(request)
    outcome = Outcome(
        decision_id=sent.decision_id,
        outcome=sent.outcome,
        occurred_at=sent.occurred_at,
        value=sent.value,
        action_id=sent.action_id,
    )
    new = await app.writes.run(app.service.record_outcome, outcome, app.clock())
    if isinstance(new, str):
        raise ProblemError(
            "unavailable", f"The outcome is not known to be noted ({new}). Send it again: it counts once."
        )
    app.metrics.outcomes.labels(sent.outcome).inc()
    return json_response(OutcomeResponse(decision_id=sent.decision_id, status="recorded" if new else "known"))
