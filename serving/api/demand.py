"""GET /v1/demand: what people looked for in vain, and what they could not get."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Care
from serving.api.body import documented, json_response
from serving.api.parts import Out
from serving.api.staff_problems import answered
from serving.api.touchpoints import Days, TrendOut
from serving.api.wiring import wired
from serving.experience.demand import MIN_PEOPLE

router = APIRouter(tags=["experience"])

_WHEN = "2026-03-01T09:00:00Z"
MinPeople = Annotated[
    int,
    Query(
        ge=1, le=1_000, description="Terms of fewer different people are not told: they may tell who she is. A count.",
        examples=[2],
    ),
]  # fmt: skip
Limit = Annotated[int, Query(ge=1, le=1_000, description="Terms, and rows of friction, at most.", examples=[50])]


class TermOut(Out):
    """A term searched in vain or in circles. A person counts once, however often she tried."""

    term: str = Field(description="As searched, case and spelling of characters folded.", examples=["kayak"])
    people: int = Field(description="Different people who searched it in vain or in circles; a count.", examples=[25])
    times: int = Field(description="Their searches; a count.", examples=[28])
    in_vain: int = Field(description="Different people to whom it showed nothing; a count.", examples=[25])
    in_circles: int = Field(
        description="Different people who searched three times or more in a row without looking at any item; a count.",
        examples=[20],
    )
    searched_by: int = Field(description="Different people who searched it, however it ended; a count.", examples=[31])
    first_at: datetime = Field(description="First in vain or in circles, within twice the days, UTC.", examples=[_WHEN])
    last_at: datetime = Field(description="Last, UTC.", examples=[_WHEN])
    articles: int = Field(description="Items now in the catalogue whose title has it; a count.", examples=[0])
    in_stock: int = Field(description="Of them, those not known to be out of stock; a count.", examples=[0])
    examples: list[str] = Field(description="Some of these items.", examples=[[]])
    trend: TrendOut = Field(description="Different people against before; a ratio.", examples=[{}])


class LackOut(Out):
    """Friction of one kind at one touchpoint, over one item where it names one."""

    touchpoint: str = Field(description="Where.", examples=["product_page"])
    kind: str = Field(description="The kind of friction.", examples=["out_of_stock"])
    item_id: str | None = Field(description="The item; null: none named.", examples=["item-0238"])
    title: str | None = Field(description="Its title in the catalogue.", examples=["Ski touring routes"])
    in_stock: bool | None = Field(description="Whether it is in stock now, as the catalogue says.", examples=[False])
    people: int = Field(description="Different people; a count.", examples=[3])
    times: int = Field(description="How often; a count.", examples=[3])
    first_at: datetime = Field(description="First, within twice the days, UTC.", examples=[_WHEN])
    last_at: datetime = Field(description="Last, UTC.", examples=[_WHEN])
    trend: TrendOut = Field(description="Different people against before; a ratio.", examples=[{}])


class DemandAnswer(Out):
    """Demand for what is missing, the most people first."""

    as_of: datetime = Field(
        description="Of which moment it is, UTC: of this one, or of some minutes ago where it was made ahead.",
        examples=[_WHEN],
    )
    days: int = Field(description="How far it looks back; days.", examples=[90])
    min_people: int = Field(description="Terms of fewer people are not told; a count.", examples=[2])
    terms_found: int = Field(description="Terms that may be told; a count.", examples=[12])
    kept_back: int = Field(description="Terms of fewer people, which are not; a count.", examples=[310])
    terms: list[TermOut] = Field(description="The first of them.", examples=[[]])
    frictions_found: int = Field(description="Rows of friction; a count.", examples=[16])
    frictions: list[LackOut] = Field(description="The first of them.", examples=[[]])


@router.get("/v1/demand", response_model=DemandAnswer, dependencies=[Care], **documented(401, 403, 422, 429, 503))
async def demand(request: Request, days: Days = 90, min_people: MinPeople = MIN_PEOPLE, limit: Limit = 50) -> Response:
    """What people searched in vain or in circles, by term, and friction by touchpoint, kind and item."""
    app = wired(request)
    late = "Ask for fewer days, or run `tahdikas demand`."
    found = await answered(app.staff, late, app.experience.demand_lately, app.clock(), days, min_people, limit)
    return json_response(DemandAnswer.model_validate(msgspec.to_builtins(found)))
