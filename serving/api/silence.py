"""GET /v1/silence: what holds cost, per kind."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Care
from serving.api.body import documented, json_response
from serving.api.parts import Out
from serving.api.staff_problems import answered
from serving.api.wiring import wired

router = APIRouter(tags=["staff"])

Days = Annotated[int, Query(ge=1, le=366, description="How far to look back; days.", examples=[30])]


class KindOut(Out):
    """One kind of hold; `state_unknown` are customers whose state cannot be trusted."""

    kind: str = Field(description="The kind.", examples=["open_case"])
    text: str = Field(description="In English.", examples=["a case of hers is open"])
    text_fi: str = Field(description="In Finnish.", examples=["asia on kesken"])
    silent_now: int = Field(description="Customers it holds now; a count.", examples=[214])
    mean_days: float | None = Field(description="How long so far, mean; days.", examples=[6.3])
    median_days: float | None = Field(description="How long so far, median; days.", examples=[4.5])
    past_review: int = Field(description="Of them, those past their review; a count.", examples=[3])
    customers_withheld: int = Field(description="Customers it kept something from in the time; a count.", examples=[98])
    margin_withheld: float = Field(
        description="Estimated gain kept back behind it, alone or with others; minor units (cents).", examples=[48210.0]
    )
    margin_withheld_alone: float = Field(
        description="Of it, what no other kind held too; minor units (cents).", examples=[40100.0]
    )


class WorthOut(Out):
    """What letting go of predicted holds brings, by chance draws; null figures: not estimable, `reason` says why."""

    difference: float | None = Field(
        description="More margin for each customer let go than held, in 14 days; minor units (cents).", examples=[112.4]
    )
    low: float | None = Field(description="Lower end of its 95 % interval.", examples=[-20.1])
    high: float | None = Field(description="Upper end of its 95 % interval.", examples=[240.7])
    released: int = Field(description="Customers let go, their 14 days over; a count.", examples=[130])
    held: int = Field(description="Customers held, their 14 days over; a count.", examples=[1204])
    reason: str | None = Field(description="Why it is not estimable.", examples=[None])


class SilenceAnswer(Out):
    """The cost of silence. Margins are estimates: what the decisions on record expected of what they withheld."""

    as_of: datetime = Field(description="The moment, UTC.", examples=["2026-03-02T12:00:00Z"])
    days: int = Field(description="How far it looks back; days.", examples=[30])
    silent_now: int = Field(description="Customers that anything holds now; a count.", examples=[317])
    decisions: int = Field(description="Decisions looked at; a count.", examples=[48201])
    customers_withheld: int = Field(description="Customers something was kept from; a count.", examples=[201])
    margin_withheld: float = Field(
        description="Estimated gain that holds kept back, once a customer and day; minor units (cents).",
        examples=[90310.5],
    )
    is_estimate: bool = Field(default=True, description="Always true.", examples=[True])
    kinds: list[KindOut] = Field(description="By kind of hold.", examples=[[]])
    predicted: WorthOut = Field(description="What silence over predictions is worth.", examples=[{}])


@router.get("/v1/silence", response_model=SilenceAnswer, dependencies=[Care], **documented(401, 403, 422, 429, 503))
async def silence(request: Request, days: Days = 30) -> Response:
    """Per kind of hold: who is silent, for how long, and the margin kept back, estimated from the records."""
    app = wired(request)
    late = "Ask for fewer days, or run `tahdikas silence`."
    found = await answered(app.staff, late, app.desk.silence, app.clock(), days)
    return json_response(
        SilenceAnswer(
            as_of=found.as_of,
            days=found.days,
            silent_now=found.silent_now,
            decisions=found.decisions,
            customers_withheld=found.customers_withheld,
            margin_withheld=found.margin_withheld,
            kinds=[KindOut.model_validate(one, from_attributes=True) for one in found.kinds],
            predicted=WorthOut(**found.predicted._asdict()),
        )
    )
