"""GET /v1/decisions/{id} and its replay: the record of a decision explained, and the decision taken again from it."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Read
from serving.api.body import documented
from serving.api.customer_models import WhyResponse
from serving.api.parts import Out, hold_out
from serving.api.problems import ProblemError
from serving.api.staff_problems import answered
from serving.api.wiring import wired

router = APIRouter(tags=["decisions"])

DecisionId = Annotated[str, Path(min_length=1, max_length=256, description="The decision.", examples=["d-01J8ZK"])]


class DifferenceOut(Out):
    """Something that came out otherwise."""

    field: str = Field(description="Where.", examples=["candidates"])
    recorded: Any = Field(default=None, description="As on record.", examples=[0.06])
    replayed: Any = Field(default=None, description="As it came out again.", examples=[0.07])


class ReplayAnswer(Out):
    """A decision taken again from its record, with the policy and the actions of then."""

    decision_id: str = Field(description="As asked.", examples=["d-01J8ZK"])
    exact: bool = Field(description="Whether all came out as recorded.", examples=[True])
    differences: list[DifferenceOut] = Field(description="What did not.", examples=[[]])
    model: str = Field(
        description="Whether the models say the same of the recorded inputs, where they are still there.",
        examples=["equal"],
    )
    engine: dict[str, str] = Field(
        description="The engine's version then, `recorded`, and `now`.",
        examples=[{"recorded": "3fa2…", "now": "3fa2…"}],
    )
    decision: dict[str, Any] = Field(description="The decision as it came out again.", examples=[{}])


@router.get(
    "/v1/decisions/{decision_id}",
    response_model=WhyResponse,
    dependencies=[Read],
    **documented(401, 403, 404, 422, 429, 503),
)
async def explained(request: Request, decision_id: DecisionId) -> Response:
    """A recorded decision with the verdict on every action, explained by the policy of then."""
    app = wired(request)
    found = await answered(app.reads, "Ask again shortly.", app.service.explained, decision_id)
    if found is None:
        raise _unknown(decision_id)
    found["holds"] = [hold_out(hold) for hold in found["holds"]]
    return Response(msgspec.json.encode(found, enc_hook=float), media_type="application/json")


@router.get(
    "/v1/decisions/{decision_id}/replay",
    response_model=ReplayAnswer,
    dependencies=[Read],
    **documented(401, 403, 404, 422, 429, 503),
)
async def replay(request: Request, decision_id: DecisionId) -> Response:
    """Take a recorded decision again, from what the engine looked at then, and compare every figure."""
    app = wired(request)
    found = await answered(app.reads, "Ask again shortly.", app.service.replay, decision_id)
    if found is None:
        raise _unknown(decision_id)
    return Response(msgspec.json.encode(found, enc_hook=float), media_type="application/json")


def _unknown(decision_id: str) -> ProblemError:
    return ProblemError(
        "not-found",
        f"There is no record of decision {decision_id!r}. Simulated ones leave none; is it from another data folder?",
    )
