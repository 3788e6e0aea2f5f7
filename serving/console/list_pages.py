"""One list, row by row: who is on it, who was kept off and why, who dropped out of an export, and the files to send."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from serving import campaign_lists as lists
from serving.api.problems import ProblemError
from serving.api.wiring import wired
from serving.campaigns.asked import check_asked
from serving.campaigns.rows import Campaign
from serving.console.asking import answered
from serving.console.funnel import action_name, groups, step_text
from serving.console.language import Language
from serving.console.pages import page, tongue_of
from serving.console.seat import Needs, Seat, right_host
from serving.desk.faults import NotThereError
from serving.said import said

router = APIRouter(prefix="/console/lists", include_in_schema=False, dependencies=[Depends(right_host)])

PAGE_SIZE = 50
Look = Annotated[Seat, Depends(Needs("look"))]
Export = Annotated[Seat, Depends(Needs("export"))]
Id = Annotated[str, Path(max_length=120)]
_TYPES = {"list.csv": "text/csv; charset=utf-8", "list.parquet": "application/vnd.apache.parquet"}


@router.get("/{list_id}")
async def rows(
    request: Request,
    seat: Look,
    list_id: Id,
    tab: Annotated[str, Query(max_length=10)] = "list",
    action: Annotated[str, Query(max_length=200)] = "",
    reason: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    sort: Annotated[str, Query(max_length=20)] = "gain",
    export: Annotated[str, Query(max_length=40)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000_000)] = 1,
) -> Response:
    """Rows of a list, of those kept off, or of those who dropped out of an export; narrowed and sorted."""
    app, tongue = wired(request), tongue_of(request)
    summary = await answered(app.reads, lists.summary, app.home, list_id)
    if summary is None:
        raise ProblemError("not-found", said("There is no list %(id)s.", id=list_id))
    campaign = await answered(app.reads, app.campaigns.of_list, list_id)
    tab = tab if tab in ("list", "kept", "dropped") else "list"
    found: lists.Page
    if tab == "dropped":
        found = await answered(app.reads, _dropped, app.home, list_id, export, q, number)
    elif tab == "kept":
        found = await answered(app.reads, lists.read_kept_off, app.home, list_id, reason, q, number, PAGE_SIZE)
    else:
        found = await answered(app.reads, lists.read_list, app.home, list_id, action, q, number, PAGE_SIZE, sort)
    values: dict[str, Any] = {
        "summary": summary,
        "campaign": campaign,
        "off": {} if campaign is None else await answered(app.reads, app.campaigns.off, list_id),
        "exports": await answered(app.reads, lists.exports, app.home, list_id),
        "expired": app.clock() > datetime.fromisoformat(summary["valid_until"]),
        "is_preview": list_id.startswith(lists.PREVIEW),
        "groups": groups(summary, tongue),
        "called": lambda one: action_name(summary, one, tongue),
        "here": f"/console/lists/{list_id}",
        "tab": tab,
        "q": q,
        "sort": sort,
        "export": export,
        "choice": action if tab == "list" else reason,
        "picked": {"action": action, "sort": sort} if tab == "list" else {"reason": reason, "export": export},
        "choices": _choices(summary, tab, tongue),
        "orders": list(lists.ORDERS),
        "page": found,
        "editable": _editable(campaign, seat),
    }
    return page(request, "list.html", values)


@router.get("/{list_id}/{export}/{name}")
async def file(
    request: Request, seat: Export, list_id: Id, export: Annotated[str, Path(max_length=40)],
    name: Annotated[str, Path(max_length=20)],
) -> Response:  # fmt: skip
    """A file to send; each row was asked about when it was exported, and again where something was heard since."""
    app = wired(request)
    try:
        path = lists.export_file(app.home, list_id, export, name)
    except ValueError as error:
        raise ProblemError("not-found", f"{error}.") from error
    if name not in _TYPES or not path.is_file():
        raise ProblemError(
            "not-found", said("There is no file %(name)s of this export. Export the list again.", name=name)
        )
    campaign = await answered(app.reads, app.campaigns.of_list, list_id)
    if campaign is not None and campaign.status == "closed":
        raise ProblemError("conflict", said("The campaign is closed: nothing of it leaves any more."))
    latest = await answered(app.reads, lists.exports, app.home, list_id)
    if latest[0]["name"] != export:
        raise ProblemError(
            "conflict", said("The list was exported again since, and somebody dropped out. Take that file.")
        )
    summary = await answered(app.reads, lists.summary, app.home, list_id)
    if summary is None or app.clock() > datetime.fromisoformat(summary["valid_until"]):
        raise ProblemError("conflict", said("What is in this file is too old to be sent. Build the list again."))
    await answered(app.reads, check_asked, app.service, app.home, list_id, export, app.clock())
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return FileResponse(
        path, media_type=_TYPES[name], filename=f"{list_id}-{export}.{name.partition('.')[2]}", headers=headers
    )


def _dropped(home: Any, list_id: str, export: str, q: str, number: int) -> lists.Page:
    try:
        return lists.read_dropped(home, list_id, export, q, number, PAGE_SIZE)
    except ValueError as error:
        raise NotThereError(f"{error}.") from error


def _choices(summary: dict[str, Any], tab: str, tongue: Language) -> list[tuple[str, str]]:
    wanted = {"list": "listed", "kept": "kept_off"}.get(tab, "")
    steps = [step for step in summary["funnel"] if step["step"] == wanted]
    return [(step["code"], step_text(summary, step, tongue)) for step in steps]


def _editable(campaign: Campaign | None, seat: Seat) -> bool:
    return campaign is not None and campaign.status in ("review", "approved") and seat.may("draft")
