"""Unhappy now: for whom a person is the next best action, and what there is to do."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from serving.api.wiring import wired
from serving.console.asking import answered, currency
from serving.console.pages import page
from serving.console.seat import Needs, Seat, right_host
from serving.desk.desk import next_of
from serving.desk.tasks import KINDS
from serving.desk.work_list import WorkFilters

router = APIRouter(prefix="/console/unhappy", include_in_schema=False, dependencies=[Depends(right_host)])

PAGE_SIZE = 25
Care = Annotated[Seat, Depends(Needs("care"))]


@router.get("")
async def work(
    request: Request,
    seat: Care,
    kind: Annotated[str, Query(max_length=60)] = "",
    severity: Annotated[int, Query(ge=1, le=5)] = 1,
    after: Annotated[str | None, Query(max_length=2_000)] = None,
) -> Response:
    """The work list, page by page; all pages are of the moment of the first."""
    app = wired(request)
    filters = WorkFilters(kind or None, severity)
    found = await answered(app.staff, app.desk.work_list, filters, app.clock(), after=after, limit=PAGE_SIZE)
    values = {
        "work": found,
        "kinds": KINDS,
        "kind": kind,
        "severity": severity,
        "currency": await answered(app.reads, currency, app),
        "next": next_of(found.next),
        "first": after is None,
    }
    return page(request, "unhappy.html", values)
