"""POST /v1/recheck: may earlier answers still be acted on? To be asked at the moment of sending."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from features.events import CHANNELS
from serving.api.access import Decide
from serving.api.body import documented, json_response, read_model
from serving.api.decisions import Identifier, Name
from serving.api.parts import HoldOut, Out, ReasonOut, reason_out
from serving.api.problems import ProblemError
from serving.api.wiring import wired
from serving.core.recheck import ListRow
from serving.service import Recheck

router = APIRouter(tags=["decisions"])
LARGEST = 1_000


class RowIn(BaseModel):
    """A row of a list as a person left it: decided by nobody here, gated like all."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Identifier = Field(description="The customer.", examples=["c-1042"])
    action_id: Identifier = Field(description="The action of the catalogue.", examples=["recommended_items"])
    channel: Literal[CHANNELS] = Field(description="The channel it goes out by.", examples=["email"])  # type: ignore[valid-type]
    placement: Name = Field(description="The slot, as the policy names it.", examples=["email"])
    item_ids: list[Identifier] = Field(
        default=[], max_length=100, description="Its products, where a person chose them.", examples=[["tyre-w-28"]]
    )


class RecheckRequest(BaseModel):
    """Decisions, or rows changed by hand, to look at again: up to 1,000 in all."""

    model_config = ConfigDict(extra="forbid")

    decision_ids: list[Identifier] = Field(
        default=[], max_length=1_000, description="As answered, or as in a list's rows.", examples=[["d-01J8ZK"]]
    )
    rows: list[RowIn] = Field(
        default=[], max_length=1_000, description="Rows changed by hand; nothing is recorded of them.", examples=[[]]
    )
    send_at: AwareDatetime | None = Field(
        default=None,
        description="When it will reach her, where that is later: quiet hours and validity are judged then.",
        examples=["2026-03-03T07:00:00Z"],
    )
    reserve: bool = Field(
        default=False,
        description="Hold the place of what is allowed in the contact cap: you send it now.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _some(self) -> "RecheckRequest":
        if not 1 <= len(self.decision_ids) + len(self.rows) <= LARGEST:
            raise ValueError(f"decision_ids and rows are none or more than {LARGEST} in all; send some, in parts")
        return self


class Rechecked(Out):
    """One verdict."""

    decision_id: str | None = Field(description="As sent; null for a row.", examples=["d-01J8ZK"])
    row: int | None = Field(default=None, description="Which of `rows`, from 0; null for a decision.", examples=[None])
    allowed: bool = Field(description="Whether it may still be acted on; false for an unknown id.", examples=[False])
    reasons: list[ReasonOut] = Field(description="Why not.", examples=[[]])
    holds: list[HoldOut] = Field(description="Holds in force for her now.", examples=[[]])


class RecheckResponse(Out):
    """One verdict for each, in the order sent: decisions, then rows."""

    results: list[Rechecked] = Field(description="In the order sent.", examples=[[]])


@router.post(
    "/v1/recheck",
    response_model=RecheckResponse,
    dependencies=[Decide],
    **documented(400, 401, 403, 413, 415, 422, 429, 503, body="RecheckRequest"),
)
async def recheck(request: Request) -> Response:
    """Gates only, no new draw; consumes nothing unless `reserve`. Any answer but `allowed: true` means: do not send."""
    sent = await read_model(request, RecheckRequest)
    app = wired(request)
    now = app.clock()
    found = await app.writes.run(
        app.service.recheck, sent.decision_ids, now, send_at=sent.send_at, reserve=sent.reserve
    )
    rows = [
        ListRow(
            customer_id=row.customer_id,
            action_id=row.action_id,
            channel=row.channel,
            placement=row.placement,
            item_ids=tuple(row.item_ids),
        )
        for row in sent.rows
    ]
    by_hand = await app.writes.run(app.service.recheck_rows, rows, now, send_at=sent.send_at)
    for answer in (found, by_hand):
        if isinstance(answer, str):
            raise ProblemError("unavailable", f"The verdicts did not come ({answer}). Do not send; ask again shortly.")
    assert not isinstance(found, str) and not isinstance(by_hand, str)
    results = [_verdict(one, one.decision_id, None) for one in found]
    results += [_verdict(one, None, place) for place, one in enumerate(by_hand)]
    return json_response(RecheckResponse(results=results))


def _verdict(one: Recheck, decision_id: str | None, row: int | None) -> Rechecked:
    return Rechecked(
        decision_id=decision_id,
        row=row,
        allowed=one.allowed,
        reasons=[reason_out(why) for why in one.reasons],
        holds=[HoldOut.of(hold) for hold in one.holds],
    )
