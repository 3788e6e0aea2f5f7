"""The first page: what waits for you today, by what you may do."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.api.problems import ProblemError
from serving.api.wiring import wired
from serving.console.asking import answered
from serving.console.pages import page
from serving.console.seat import Seat, right_host, seated
from serving.desk.work_list import WorkFilters
from serving.said import said

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[Depends(right_host)])

Somebody = Annotated[Seat, Depends(seated)]


@router.get("")
@router.get("/")
async def today(request: Request, seat: Somebody) -> Response:
    """Campaigns that wait for somebody; who is unhappy and where it burns comes as soon as it is counted."""
    app = wired(request)
    found = await answered(app.reads, app.campaigns.all) if seat.may("look") else []
    mine = [one for one in found if one.status in ("draft", "building") and one.changed_by == seat.name]
    review = [
        (one, seat.name in await answered(app.reads, app.campaigns.makers, one.campaign_id))
        for one in found
        if one.status == "review"
    ]
    ready = [one for one in found if one.status == "approved"]
    return page(request, "today.html", {"mine": mine, "review": review, "ready": ready})


@router.get("/today/unhappy")
async def unhappy(request: Request, seat: Somebody) -> Response:
    """How many customers wait for a person, and the gravest of them: a part of the first page."""
    _may(seat, "care")
    app = wired(request)
    found = await answered(app.staff, app.desk.work_list, WorkFilters(None, 1), app.clock(), limit=3)
    return page(request, "today_unhappy.html", {"work": found})


@router.get("/today/alarms")
async def alarms(request: Request, seat: Somebody) -> Response:
    """Where unhappy customers have jumped, and the incidents that are open: a part of the first page."""
    _may(seat, "journey")
    app = wired(request)
    found = await answered(app.staff, app.experience.alarms, app.clock())
    open_ones = [one for one in await answered(app.staff, app.desk.incidents, app.clock()) if one.status == "open"]
    return page(request, "today_alarms.html", {"alarms": [a for a in found if a.declared is None], "open": open_ones})


def _may(seat: Seat, right: str) -> None:
    if not seat.may(right):
        raise ProblemError("forbidden", said("Your roles do not show this."))
