"""A customer: how her journey went, what holds, what she would get now and why not the rest, and what staff can do."""

import secrets
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from features.customer.hold_rules import MAX_DAYS
from features.log.connection import Connection
from features.log.identity import resolve
from features.log.store import from_micros
from serving.api.problems import ProblemError
from serving.api.wiring import Wiring, wired
from serving.console import notes
from serving.console.asking import answered, currency
from serving.console.curve import curve
from serving.console.language import Language
from serving.console.pages import back, page, tongue_of
from serving.console.seat import Needs, Posted, Seat, reason_of, right_host
from serving.desk.staff_events import HoldWish
from serving.said import said

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[Depends(right_host)])

Customers = Annotated[Seat, Depends(Needs("customers"))]
Care = Annotated[Seat, Depends(Needs("care"))]
Id = Annotated[str, Path(min_length=1, max_length=220)]
FOUND_AT_MOST, DECISIONS, MOMENTS = 25, 12, 60


@router.get("/customers")
async def search(request: Request, seat: Customers, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Customers whose ids begin like that; to her page where there is one of exactly that id."""
    app = wired(request)
    found = await answered(app.reads, _beginning, app, q.strip()) if q.strip() else []
    if q.strip() in found and len(found) == 1:
        return RedirectResponse(_page_of(q.strip()), 303)
    return page(request, "customers.html", {"q": q.strip(), "found": found, "most": FOUND_AT_MOST})


@router.get("/customers/{customer_id:path}/do/{deed}")
async def no_deed(customer_id: Id, deed: str) -> Response:
    """A deed's address opened by hand: back to her page."""
    return RedirectResponse(_page_of(customer_id), 303)


@router.get("/customers/{customer_id:path}")
async def customer(
    request: Request,
    seat: Customers,
    customer_id: Id,
    place: Annotated[str, Query(max_length=120)] = "",
    days: Annotated[int, Query(ge=1, le=3_660)] = 365,
) -> Response:
    """Her page."""
    app = wired(request)
    now = app.clock()
    today = now.astimezone(tongue_of(request).zone).date()
    policy = app.service.in_force(now).policy.file
    places = [(name, channel) for name, one in policy.placements.items() for channel in one.channels]
    asked = tuple(place.split("/", 1)) if "/" in place else places[0]
    known = await answered(app.reads, app.service.customer, customer_id, now)
    if known is None:
        raise ProblemError(
            "not-found",
            said("Nothing is known of customer %(id)s. Is the id as the shop writes it?", id=customer_id),
        )
    why = await answered(app.reads, app.service.why, customer_id, now, channel=asked[1], placement=asked[0])
    if why is None:
        raise ProblemError("not-found", said("Nothing is known of customer %(id)s any more.", id=customer_id))
    try:
        journey = await answered(app.reads, app.experience.journey, customer_id, now, days)
    except ProblemError as error:
        if error.kind != "not-found":
            raise
        journey = None
    values: dict[str, Any] = {
        "known": known,
        "why": why,
        "blocked": blocked(why),
        "places": places,
        "asked": asked,
        "days": days,
        "journey": journey,
        "curve": None if journey is None else curve(journey.moments, now),
        "moments": [] if journey is None else journey.moments[::-1][:MOMENTS],
        "decisions": await answered(app.reads, _decisions, app, customer_id),
        "called": _calling(app, tongue_of(request)),
        "currency": (known.get("orders") or [{}])[-1].get("currency"),
        "notes": await answered(app.reads, _notes, app, customer_id),
        "here": _page_of(customer_id),
        "review_on": today + timedelta(days=policy.holds.staff.review_days or 14),
        "earliest_review": today + timedelta(days=1),
        "latest_review": today + timedelta(days=MAX_DAYS),
        "once": secrets.token_hex(8),
    }
    return page(request, "customer.html", values)


@router.post("/customers/{customer_id:path}/do/hold")
async def hold(request: Request, seat: Care, customer_id: Id, form: Posted) -> Response:
    """Hold her by hand."""
    app = wired(request)
    now = app.clock()
    try:
        review = datetime.combine(
            datetime.fromisoformat(form.get("review_on")).date(), time(12), tongue_of(request).zone
        )
    except ValueError as error:
        raise ProblemError("invalid-request", said("Say when somebody looks at it again, as a date.")) from error
    if not now < review <= now + timedelta(days=MAX_DAYS):
        detail = said(
            "Somebody looks at it again on a day to come, within %(days)s days; it can be prolonged then.",
            days=MAX_DAYS,
        )  # fmt: skip
        raise ProblemError("invalid-request", detail)
    categories = tuple(one for one in form.all("categories") if one in ("sales", "care"))
    wish = HoldWish(review_at=review, person=seat.name, reason=reason_of(form), categories=categories)
    await answered(app.writes, app.desk.add_hold, customer_id, wish, now, form.get("once") or None)
    return back(_page_of(customer_id), told="held")


@router.post("/customers/{customer_id:path}/do/release")
async def release(request: Request, seat: Care, customer_id: Id, form: Posted) -> Response:
    """End one of her holds."""
    app = wired(request)
    await answered(
        app.writes, app.desk.release_hold, customer_id, form.get("hold"), seat.name, reason_of(form), app.clock()
    )
    return back(_page_of(customer_id), told="released")


@router.post("/customers/{customer_id:path}/do/note")
async def note(request: Request, seat: Care, customer_id: Id, form: Posted) -> Response:
    """Keep a note on her."""
    app = wired(request)
    await answered(app.writes, _note, app, customer_id, seat.name, form.get("note"))
    return back(_page_of(customer_id), told="noted")


@router.get("/decisions/{decision_id}")
async def decision(
    request: Request, seat: Customers, decision_id: Annotated[str, Path(max_length=120)], replay: bool = False
) -> Response:
    """A past decision as it was; with `replay` taken again from its evidence, and compared."""
    app = wired(request)
    why = await answered(app.reads, app.service.explained, decision_id)
    if why is None:
        raise ProblemError("not-found", said("There is no decision %(id)s on record.", id=decision_id))
    again = await answered(app.reads, app.service.replay, decision_id) if replay else None
    values = {
        "why": why,
        "again": again,
        "called": _calling(app, tongue_of(request)),
        "currency": await answered(app.reads, currency, app),
        "blocked": blocked(why),
        "back": _page_of(why["customer_id"]),
    }
    return page(request, "decision.html", values)


def blocked(why: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages before which something stands."""
    return [one for one in why["candidates"] if one["gates"] and one["action_id"] != "no_action"]


def _calling(app: Wiring, tongue: Language) -> Callable[[str], str]:
    """What an action is called, by its id."""
    names = {one.action: one.name for one in app.service.in_force(app.clock()).catalogue.actions}

    def called(action_id: str) -> str:
        name = names.get(action_id)
        return action_id.replace("_", " ") if name is None else tongue.pick(name.en, name.fi)

    return called


def _page_of(customer_id: str) -> str:
    return f"/console/customers/{quote(customer_id, safe='')}"


def _run(app: Wiring) -> Connection:
    return app.service.records.connection()


def _beginning(app: Wiring, text: str) -> list[str]:
    query = """select customer_id from state where customer_id >= ? and customer_id < ? order by customer_id limit ?"""
    found = [key for (key,) in _run(app).execute(query, (text, f"{text}\U0010ffff", FOUND_AT_MOST)).fetchall()]
    key = resolve(_run(app), text)
    return found if found or key == text else [key]


def _decisions(app: Wiring, customer_id: str) -> list[dict[str, Any]]:
    query = """select decision_id, decided_at, mode, channel, placement, action_id from decisions
        where customer_key = ? order by decided_at desc, decision_id desc limit ?"""
    rows = _run(app).execute(query, (resolve(_run(app), customer_id), DECISIONS)).fetchall()
    names = ("decision_id", "at", "mode", "channel", "placement", "action_id")
    return [dict(zip(names, row, strict=True)) | {"at": from_micros(row[1])} for row in rows]


def _notes(app: Wiring, customer_id: str) -> list[notes.Note]:
    return notes.notes(_run(app), customer_id)


def _note(app: Wiring, customer_id: str, person: str, text: str) -> None:
    notes.add(_run(app), customer_id, person, text, app.clock())
