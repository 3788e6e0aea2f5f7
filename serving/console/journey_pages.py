"""The journey: every touchpoint with how it went, what is searched in vain, and incidents that a person can pause."""

import secrets
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from serving.api.problems import ProblemError
from serving.api.wiring import wired
from serving.console.asking import answered
from serving.console.pages import back, page
from serving.console.seat import Needs, Posted, Seat, reason_of, right_host
from serving.desk.incidents import IncidentWish
from serving.desk.reach_estimate import estimate_reach
from serving.experience.touchpoints import Touchpoint
from serving.said import said

router = APIRouter(prefix="/console/journey", include_in_schema=False, dependencies=[Depends(right_host)])

Journey = Annotated[Seat, Depends(Needs("journey"))]
Pause = Annotated[Seat, Depends(Needs("pause"))]
Days = Annotated[int, Query(ge=7, le=366)]


@router.get("")
async def touchpoints(request: Request, seat: Journey, days: Days = 90) -> Response:
    """All touchpoints, what jumps there, and the incidents."""
    app = wired(request)
    now = app.clock()
    report = await answered(app.staff, app.experience.lately, now, days, 0)
    values = {
        "report": report,
        "days": days,
        "alarms": await answered(app.staff, app.experience.alarms, now),
        "incidents": await answered(app.staff, app.desk.incidents, now),
        "spark": spark,
    }
    return page(request, "journey.html", values)


@router.get("/searches")
async def searches(request: Request, seat: Journey, days: Days = 90) -> Response:
    """What people searched in vain, and what they could not get."""
    app = wired(request)
    found = await answered(app.staff, app.experience.demand_lately, app.clock(), days)
    return page(request, "searches.html", {"demand": found, "days": days})


@router.get("/at/{touchpoint}")
async def touchpoint(
    request: Request,
    seat: Journey,
    touchpoint: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")],
    days: Days = 90,
) -> Response:
    """One touchpoint, in figures and in its worst stories."""
    app = wired(request)
    report = await answered(app.staff, app.experience.lately_at, touchpoint, app.clock(), days)
    told = {"one": report.touchpoints[0], "as_of": report.as_of, "days": days, "spark": spark}
    return page(request, "touchpoint.html", told)


@router.post("/pause")
async def consider(request: Request, seat: Pause, form: Posted) -> Response:
    """Before offers are paused: whom the rule takes in. Nothing is done yet."""
    app = wired(request)
    rule = _rule(form.get("rule"))
    reach = await answered(app.staff, estimate_reach, app.desk, rule, app.clock())
    told = {
        "rule": rule,
        "text": form.get("rule"),
        "reach": reach,
        "why": form.get("why"),
        "once": secrets.token_hex(8),
    }
    return page(request, "pause.html", told | {"touchpoint": form.get("touchpoint")})


@router.post("/pause/now")
async def pause(request: Request, seat: Pause, form: Posted) -> Response:
    """Pause offers for everyone whom the rule takes in."""
    app = wired(request)
    wish = IncidentWish(
        rule=_rule(form.get("rule")),
        person=seat.name,
        reason=reason_of(form),
        touchpoint=form.get("touchpoint") or None,
    )
    await answered(app.writes, app.desk.declare, wish, app.clock(), form.get("once") or None)
    return back("/console/journey", told="paused")


@router.post("/resume")
async def resume(request: Request, seat: Pause, form: Posted) -> Response:
    """End a pause."""
    app = wired(request)
    await answered(app.writes, app.desk.close_incident, form.get("incident"), seat.name, reason_of(form), app.clock())
    return back("/console/journey", told="resumed")


def spark(one: Touchpoint, width: int = 120, height: int = 28) -> list[str]:
    """The curve of a touchpoint's satisfaction by week, as the points of lines; a gap where too few answered, and
    nothing where fewer than two weeks can be told: a single one is no course.
    """
    weeks = one.weeks
    if sum(week.satisfaction is not None for week in weeks) < 2:
        return []
    lines, current = [], list[str]()
    for place, week in enumerate(weeks):
        if week.satisfaction is None:
            lines.append(current)
            current = []
        else:
            x = width * (place + 0.5) / max(1, len(weeks))
            current.append(f"{x:.1f},{2 + (height - 4) * (1 - week.satisfaction):.1f}")
    return [" ".join(line) for line in [*lines, current] if line]


def _rule(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(text, type=dict)
    except msgspec.MsgspecError as error:
        raise ProblemError("invalid-request", said("The rule cannot be read. Open the page again.")) from error
    return found
