"""POST /v1/recheck: may earlier answers still be acted on? To be asked at the moment of sending."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from serving.api.access import Decide
from serving.api.body import documented, json_response, read_model
from serving.api.decisions import Identifier
from serving.api.parts import HoldOut, Out, ReasonOut, reason_out
from serving.api.problems import ProblemError
from serving.api.wiring import wired

router = APIRouter(tags=["decisions"])


class RecheckRequest(BaseModel):
    """Decisions to look at again."""

    model_config = ConfigDict(extra="forbid")

    decision_ids: list[Identifier] = Field(
        min_length=1, max_length=1_000, description="As answered, or as in a list's rows.", examples=[["d-01J8ZK"]]
    )
    reserve: bool = Field(
        default=False,
        description="Hold the place of what is allowed in the contact cap: you send it now.",
        examples=[True],
    )


class Rechecked(Out):
    """One verdict."""

    decision_id: str = Field(description="As sent.", examples=["d-01J8ZK"])
    allowed: bool = Field(description="Whether it may still be acted on; false for an unknown id.", examples=[False])
    reasons: list[ReasonOut] = Field(description="Why not.", examples=[[]])
    holds: list[HoldOut] = Field(description="Holds in force for her now.", examples=[[]])


class RecheckResponse(Out):
    """One verdict for each, in the order sent."""

    results: list[Rechecked] = Field(description="In the order sent.", examples=[[]])


@router.post(
    "/v1/recheck",
    response_model=RecheckResponse,
    dependencies=[Decide],
    **documented(400, 401, 403, 413, 415, 422, 503, body="RecheckRequest"),
)
async def recheck(request: Request) -> Response:
    """Gates only, no new draw; consumes nothing unless `reserve`. Any answer but `allowed: true` means: do not send."""
    sent = await read_model(request, RecheckRequest)
    app = wired(request)
    found = await app.writes.run(app.service.recheck, sent.decision_ids, app.clock(), reserve=sent.reserve)
    if isinstance(found, str):
        raise ProblemError("unavailable", f"The verdicts did not come ({found}). Do not send; ask again shortly.")
    results = [
        Rechecked(
            decision_id=one.decision_id,
            allowed=one.allowed,
            reasons=[reason_out(why) for why in one.reasons],
            holds=[HoldOut.of(hold) for hold in one.holds],
        )
        for one in found
    ]
    return json_response(RecheckResponse(results=results))
