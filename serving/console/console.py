"""The console's addresses: opening it, the campaign lists, and one list with who was kept off and why."""

from datetime import datetime
from functools import partial
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving import campaign_lists as lists
from serving.api.problems import ProblemError
from serving.api.wiring import Wiring, wired
from serving.console import words
from serving.console.funnel import action_name, groups, step_text
from serving.console.pages import page
from serving.console.session import COOKIE
from serving.security import StoreUnreadableError

PAGE_SIZE = 50
_STATIC = {"console.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


def right_host(request: Request) -> None:
    """Refuse other host names (DNS rebinding) and forms sent from other sites."""
    hosts = wired(request).settings.console_hosts
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if host not in {name.strip("[]") for name in hosts}:
        detail = f"The console does not answer under the name {host!r}. Use {hosts[0]}, or add it to `console_hosts`."
        raise ProblemError("forbidden", detail)
    origin = request.headers.get("origin")
    if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ProblemError("forbidden", "The form came from another site. Open the console and send it from there.")


router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[Depends(right_host)])


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """The style sheet and the icon."""
    if name not in _STATIC:
        raise ProblemError("not-found", f"There is no {name!r} here.")
    content = files("serving.console").joinpath("static", name).read_bytes()
    return Response(content, media_type=_STATIC[name], headers={"cache-control": "max-age=3600"})


@router.get("")
@router.get("/")
async def entry() -> Response:
    """To the lists."""
    return RedirectResponse("/console/campaigns", 303)


@router.get("/login")
async def login_form(request: Request, code: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The form for a key, or the button behind a one-time link."""
    return page(request, "login.html", {"failed": False, "code": code}, logged_in=False)


@router.post("/login")
async def login(request: Request) -> Response:
    """Open a session with an API key of scope `console`, or with a one-time link's code."""
    app = wired(request)
    try:
        form = parse_qs((await request.body()).decode("utf-8"), max_num_fields=5)
        holder = _holder(app, form.get("key", [""])[0].strip(), form.get("code", [""])[0])
    except (ValueError, PermissionError):
        return page(request, "login.html", {"failed": True, "code": ""}, 403, logged_in=False)
    except StoreUnreadableError as error:
        raise ProblemError("unavailable", "The keys cannot be read at the moment. Try again shortly.") from error
    answer = RedirectResponse(f"/console/campaigns{_language(request)}", 303)
    answer.set_cookie(
        COOKIE,
        app.sessions.start(holder, app.clock()),
        max_age=app.settings.console_hours * 3600,
        path="/console",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session."""
    wired(request).sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse(f"/console/login{_language(request)}", 303)
    answer.delete_cookie(COOKIE, path="/console", httponly=True, samesite="strict")
    return answer


@router.get("/campaigns")
async def campaigns(request: Request) -> Response:
    """All built lists, newest first."""
    app = wired(request)
    if not _logged_in(request, app):
        return RedirectResponse(f"/console/login{_language(request)}", 303)
    found = await app.reads.run(lists.summaries, app.home)
    return page(request, "campaigns.html", {"campaigns": _in_time(found), "expired": partial(_expired, app)})


@router.get("/campaigns/{campaign_id}")
async def campaign(
    request: Request,
    campaign_id: Annotated[str, Path(max_length=120)],
    tab: str = "list",
    action: Annotated[str, Query(max_length=200)] = "",
    reason: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000_000)] = 1,
) -> Response:
    """One list: where its customers went, and the rows of one tab."""
    app = wired(request)
    if not _logged_in(request, app):
        return RedirectResponse(f"/console/login{_language(request)}", 303)
    summary: dict[str, Any] | None = _in_time(await app.reads.run(lists.summary, app.home, campaign_id))
    if summary is None:
        raise ProblemError("not-found", f"There is no campaign list {campaign_id!r}. See /console/campaigns.")
    tab = tab if tab == "kept" else "list"
    if tab == "list":
        rows = app.reads.run(lists.read_list, app.home, campaign_id, action, q, number, PAGE_SIZE)
    else:
        rows = app.reads.run(lists.read_kept_off, app.home, campaign_id, reason, q, number, PAGE_SIZE)
    language = words.language_of(request.query_params.get("lang"), request.headers.get("accept-language"))
    values = {
        "campaign": summary,
        "expired": _expired(app, summary),
        "exported": _in_time(await app.reads.run(lists.last_export, app.home, campaign_id)),
        "groups": groups(summary, language),
        "called": partial(action_name, summary, language=language),
        "here": f"/console/campaigns/{campaign_id}",
        "tab": tab,
        "q": q,
        "choice": action if tab == "list" else reason,
        "picked": {"action": action} if tab == "list" else {"reason": reason},
        "choices": _choices(summary, tab, language),
        "page": _in_time(await rows),
    }
    return page(request, "campaign.html", values)


def _choices(summary: dict[str, Any], tab: str, language: str) -> list[tuple[str, str]]:
    wanted = "listed" if tab == "list" else "kept_off"
    steps = [step for step in summary["funnel"] if step["step"] == wanted]
    return [(step["code"], step_text(summary, step, language)) for step in steps]


def _expired(app: Wiring, summary: dict[str, Any]) -> bool:
    return app.clock() > datetime.fromisoformat(summary["valid_until"])


def _holder(app: Wiring, token: str, code: str) -> str | None:
    if code:
        if not app.keys.use_console_code(code, now=app.clock()):
            raise PermissionError
        return None
    key = app.keys.check(token)
    if key is None or not key.allows("console", app.clock()):
        raise PermissionError
    return key.key_id


def _logged_in(request: Request, app: Wiring) -> bool:
    is_open, key_id = app.sessions.find(request.cookies.get(COOKIE, ""), app.clock())
    if not is_open or key_id is None:
        return is_open
    key = app.keys.current(key_id)
    return key is not None and key.allows("console", app.clock())


def _language(request: Request) -> str:
    language = request.query_params.get("lang", "")
    return f"?lang={language}" if language in words.LANGUAGES else ""


def _in_time(answer: Any) -> Any:
    if isinstance(answer, str):
        raise ProblemError("unavailable", f"The page could not be made ({answer}). Try again shortly.")
    return answer
