"""The way in and out of the console: by name and password, by a key, or by a one-time link; and what all pages need."""

from importlib.resources import files
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from features.errors import DataError
from serving.api.problems import ProblemError
from serving.api.wiring import Wiring, wired
from serving.console.asking import NO_ANSWER
from serving.console.language import N_
from serving.console.pages import LOGIN, back, over_tls, page, tongue_of
from serving.console.people import LockedError, Person
from serving.console.seat import Form, Posted, Seat, right_host, seated
from serving.console.session import COOKIE
from serving.said import said
from serving.security import StoreUnreadableError

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[Depends(right_host)])

HTMX = "htmx.js"
_STATIC = {
    "console.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    HTMX: "text/javascript; charset=utf-8",
}
_WRONG = N_("The console stays closed: name and password do not belong together, or the key or link is not valid.")
_LOCKED = N_("This name is locked after too many wrong passwords. Try again in a quarter of an hour.")


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """The style sheet, the icon, and htmx as its package ships it."""
    if name not in _STATIC:
        raise ProblemError("not-found", f"There is no {name!r} here.")
    if name == HTMX:
        found = files("django_htmx").joinpath("static", "django_htmx", "htmx-2.min.js")
    else:
        found = files("serving.console").joinpath("static", name)
    headers = {"cache-control": "max-age=3600", "x-content-type-options": "nosniff"}
    return Response(found.read_bytes(), media_type=_STATIC[name], headers=headers)


@router.get("/")
async def with_a_slash() -> Response:
    """As people type it."""
    return RedirectResponse("/console", 303)


@router.get("/login")
async def login_form(
    request: Request,
    code: Annotated[str, Query(max_length=100)] = "",
    next: Annotated[str, Query(max_length=500)] = "",  # noqa: A002
) -> Response:
    """The form for a name and password or a key, or the button behind a one-time link."""
    return page(request, "login.html", {"fault": "", "code": code, "next": next, "sent": ""})


@router.post("/login")
async def login(request: Request) -> Response:
    """Open a session. What was being sent when the last one ended is shown again, to be sent once more."""
    app = wired(request)
    try:
        form = Form((await request.body()).decode("utf-8"))
    except (UnicodeDecodeError, ProblemError):
        form = Form("")
    next_page, sent = form.get("next"), form.get("sent")
    try:
        token = await app.logins.run(_opened, app, form)
    except LockedError:
        return _refused(request, _LOCKED, next_page, sent, 429)
    except StoreUnreadableError as error:
        raise ProblemError("unavailable", said("The keys cannot be read at the moment. Try again shortly.")) from error
    if token in NO_ANSWER:
        raise ProblemError(
            "unavailable", said("The console could not be opened: %(why)s. Try again shortly.", why=NO_ANSWER[token])
        )
    if token is None:
        return _refused(request, _WRONG, next_page, sent, 403)
    ours = next_page.startswith("/console") and "\\" not in next_page
    answer: Response
    if sent and ours:
        session = app.sessions.find(token, app.clock())
        kept = [(name, value) for name, value in parse_qsl(sent) if name != "csrf"]
        csrf = "" if session is None else session.csrf
        answer = page(request, "resume.html", {"target": next_page, "kept": kept, "csrf": csrf})
    else:
        answer = RedirectResponse(next_page if ours else "/console", 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=app.settings.console_hours * 3600,
        path="/console",
        httponly=True,
        samesite="strict",
        secure=over_tls(request),
    )
    return answer


@router.post("/logout")
async def logout(request: Request, form: Posted) -> Response:
    """End the session."""
    wired(request).sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse(LOGIN, 303)
    answer.delete_cookie(COOKIE, path="/console", httponly=True, samesite="strict", secure=over_tls(request))
    return answer


@router.get("/me")
async def me(request: Request, seat: Annotated[Seat, Depends(seated)]) -> Response:
    """One's own account: roles, and another password."""
    return page(request, "me.html", {"fault": ""})


@router.post("/me/password")
async def password(request: Request, seat: Annotated[Seat, Depends(seated)], form: Posted) -> Response:
    """Another password for oneself; all one's sessions end."""
    app = wired(request)
    if seat.person is None:
        raise ProblemError("forbidden", said("Only people have passwords."))
    if form.get("new") != form.get("again"):
        return page(request, "me.html", {"fault": tongue_of(request).gettext("The two new passwords differ.")}, 422)
    try:
        known = await app.logins.run(_changed, app, seat.person, form.get("old"), form.get("new"))
    except DataError as error:
        return page(request, "me.html", {"fault": tongue_of(request).told(error.args[0])}, 422)
    if known is not True:
        wrong = tongue_of(request).gettext("That is not your password until now.")
        return page(request, "me.html", {"fault": wrong}, 403)
    return back(LOGIN, told="password")


@router.post("/me/toured")
async def toured(request: Request, seat: Annotated[Seat, Depends(seated)], form: Posted) -> Response:
    """The tour was seen."""
    if seat.person is not None:
        wired(request).people.has_toured(seat.person.name)
    return back("/console")


def _refused(request: Request, why: str, next_page: str, sent: str, status: int) -> Response:
    told = {"fault": tongue_of(request).gettext(why), "code": "", "next": next_page, "sent": sent}
    return page(request, "login.html", told, status)


def _opened(app: Wiring, form: Form) -> str | None:
    """A new session's token; None for who may not have one."""
    now = app.clock()
    if form.get("code"):
        return app.sessions.start(now) if app.keys.use_console_code(form.get("code"), now=now) else None
    if form.get("key"):
        key = app.keys.check(form.get("key"))
        allowed = key is not None and key.allows("console", now)
        return app.sessions.start(now, key_id=key.key_id) if key is not None and allowed else None
    person = app.people.check(form.get("name"), form.get("password"), now) if form.get("name") else None
    return None if person is None else app.sessions.start(now, name=person.name)


def _changed(app: Wiring, person: Person, old: str, new: str) -> bool:
    if app.people.check(person.name, old, app.clock()) is None:
        return False
    app.people.set_password(person.name, new)
    return True
