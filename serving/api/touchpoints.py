"""GET /v1/touchpoints: how each touchpoint of the journey went, for many and in its worst stories."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Care
from serving.api.body import documented, json_response
from serving.api.customer_models import CaseOut
from serving.api.parts import Out
from serving.api.staff_problems import answered
from serving.api.wiring import wired
from serving.experience.touchpoints import LONGEST_DAYS, Report

router = APIRouter(tags=["experience"])

LATE = "Ask for fewer days, or run `tahdikas touchpoints`."
_WHEN = "2026-03-01T09:00:00Z"

Days = Annotated[
    int,
    Query(
        ge=1, le=LONGEST_DAYS, description="How far to look back; days. As many before them are compared with.",
        examples=[90],
    ),
]  # fmt: skip
FewStories = Annotated[int, Query(ge=0, le=100, description="Stories a touchpoint at most; a count.", examples=[3])]
Stories = Annotated[int, Query(ge=0, le=1_000, description="Stories at most; a count.", examples=[20])]
Name = Annotated[
    str,
    Path(
        pattern=r"^[a-z][a-z0-9_]{0,63}$", description="The touchpoint, as events name it; lower_snake.",
        examples=["delivery"],
    ),
]  # fmt: skip


class EstimateOut(Out):
    """A figure from 0 to 1 over people, everyone once, with its 95 % interval."""

    value: float = Field(description="The figure, 0 to 1.", examples=[0.72])
    low: float = Field(description="Lower end of its 95 % interval.", examples=[0.69])
    high: float = Field(description="Upper end of its 95 % interval.", examples=[0.75])


class TrendOut(Out):
    """The change against as many days before."""

    direction: str = Field(
        description="rising, falling, unclear (the interval holds no change), too_few (people to tell), or no_history "
        "(the log does not reach so far back).",
        examples=["falling"],
    )
    change: float | None = Field(description="Difference, or for counts of people a ratio.", examples=[-0.11])
    low: float | None = Field(description="Lower end of its 95 % interval.", examples=[-0.19])
    high: float | None = Field(description="Upper end of its 95 % interval; null: no bound.", examples=[-0.02])


class WeekOut(Out):
    """Seven days of the curve, since < t <= until; the first of a period may be shorter."""

    since: datetime = Field(description="Begins after, UTC.", examples=[_WHEN])
    until: datetime = Field(description="Ends with, UTC.", examples=["2026-03-08T09:00:00Z"])
    events: int = Field(description="Events there; a count.", examples=[402])
    people: int = Field(description="Different people there; a count.", examples=[180])
    answered: int = Field(description="Different people who gave a score; a count.", examples=[14])
    satisfaction: float | None = Field(description="Mean score, 0 to 1; null: too few to tell.", examples=[0.68])
    frictions: int = Field(description="Friction there; a count.", examples=[3])
    complaints: int = Field(description="Complaints; a count.", examples=[1])


class TroubleOut(Out):
    """One kind of what went wrong."""

    kind: str = Field(
        description="A kind of friction, late_, failed_ or delayed_delivery, search_in_vain, or complaint.",
        examples=["payment_error"],
    )
    events: int = Field(description="How often; a count.", examples=[42])
    people: int = Field(description="Different people; a count.", examples=[41])


class StoryOut(Out):
    """One person's bad word or complaint."""

    customer_id: str = Field(description="Whose.", examples=["c-1042"])
    at: datetime = Field(description="When, UTC.", examples=[_WHEN])
    event_id: str = Field(description="The event that tells it.", examples=["e-90017"])
    kind: str = Field(description="Kind of feedback, or complaint.", examples=["rating"])
    score: float | None = Field(description="Her score, 0 (worst) to 1; null: none given.", examples=[0.0])
    text: str = Field(description="Her words, cut to 280 characters; may be empty.", examples=["It never came."])
    channel: str | None = Field(description="Where she said it.", examples=["web"])
    case: CaseOut | None = Field(description="Her case about it, as it stands now.", examples=[None])


class TouchpointOut(Out):
    """One touchpoint. Every figure counts people once; null: fewer than five, too few to tell."""

    touchpoint: str = Field(description="Its name.", examples=["delivery"])
    events: int = Field(description="Events there in the period; a count.", examples=[5427])
    unstated: int = Field(description="Of them, those whose touchpoint was derived; a count.", examples=[0])
    people: int = Field(description="Different people there, visitors included; a count.", examples=[1274])
    visitors: int = Field(description="Of them, those without a name; a count.", examples=[12])
    answers: int = Field(description="Scores given; a count.", examples=[77])
    answered: int = Field(description="Different people who gave them; a count.", examples=[76])
    satisfaction: EstimateOut | None = Field(description="Mean score, 0 (worst) to 1.", examples=[{}])
    good: EstimateOut | None = Field(description="Share of scores that the policy calls good.", examples=[{}])
    bad: EstimateOut | None = Field(description="Share of scores that the policy calls bad.", examples=[{}])
    satisfaction_trend: TrendOut = Field(description="Change of the mean score; a difference.", examples=[{}])
    trouble: EstimateOut | None = Field(
        description="Share of the people there who met friction or complained.", examples=[{}]
    )
    trouble_trend: TrendOut = Field(description="Change of that share; a difference.", examples=[{}])
    busier: TrendOut = Field(description="People there against before; a ratio.", examples=[{}])
    frictions: list[TroubleOut] = Field(description="What went wrong, most people first.", examples=[[]])
    complaints: TroubleOut = Field(description="Complaints, each matter once however told.", examples=[{}])
    weeks: list[WeekOut] = Field(description="The curve, oldest first.", examples=[[]])
    stories: list[StoryOut] = Field(description="The worst first, one a person.", examples=[[]])


class TouchpointsAnswer(Out):
    """Touchpoints where anything happened, the most visited first."""

    as_of: datetime = Field(
        description="Of which moment it is, UTC: of this one, or of some minutes ago where it was made ahead.",
        examples=[_WHEN],
    )
    days: int = Field(description="How far it looks back; days.", examples=[90])
    touchpoints: list[TouchpointOut] = Field(description="The touchpoints.", examples=[[]])


@router.get(
    "/v1/touchpoints", response_model=TouchpointsAnswer, dependencies=[Care], **documented(401, 403, 422, 429, 503)
)
async def touchpoints(request: Request, days: Days = 90, stories: FewStories = 3) -> Response:
    """Every touchpoint: volume, satisfaction, friction, complaints, trend, the curve by week, the worst stories."""
    app = wired(request)
    return _answer(await answered(app.staff, LATE, app.experience.lately, app.clock(), days, stories))


@router.get(
    "/v1/touchpoints/{touchpoint}",
    response_model=TouchpointsAnswer,
    dependencies=[Care],
    **documented(401, 403, 404, 422, 429, 503),
)
async def touchpoint(request: Request, touchpoint: Name, days: Days = 90, stories: Stories = 20) -> Response:
    """One touchpoint, with more of its stories."""
    app = wired(request)
    return _answer(await answered(app.staff, LATE, app.experience.lately_at, touchpoint, app.clock(), days, stories))


def _answer(report: Report) -> Response:
    return json_response(TouchpointsAnswer.model_validate(msgspec.to_builtins(report)))
