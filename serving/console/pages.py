"""Rendering: Jinja2 templates with every value escaped, in the reader's language, under headers that allow no script
but our own.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from features.customer.holds import RELEASE_CODES
from serving.api.problems import PROBLEMS, ProblemError
from serving.api.wiring import wired
from serving.console import language as languages
from serving.console.language import LANGUAGES, N_, Language
from serving.console.names import name_of
from serving.core.cause_words import told_causes
from serving.core.ends import RELEASES_FI
from serving.said import said

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

# A page that sends no referrer at all makes browsers send its own forms with `Origin: null`, which is refused.
_HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "vary": "cookie, accept-language",
}

LOGIN = "/console/login"
_TITLES = {"forbidden": N_("This is not allowed here")}


@cache
def _templates(code: str, zone: str) -> Environment:
    made = Environment(
        loader=PackageLoader("serving.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    tongue = languages.language(code, zone)
    made.install_gettext_callables(tongue.gettext, tongue.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {
        "number": tongue.number,
        "money": tongue.money,
        "money_in": tongue.money_in,
        "day": tongue.day,
        "percent": tongue.percent,
        "instant": tongue.instant,
        "clock": tongue.clock,
        "decimal": tongue.decimal,
        "say": tongue.told,
        "said_here": tongue.knows,
        "ago": tongue.ago,
        "pick": tongue.pick,
        "name": lambda kind, code: tongue.gettext(name_of(kind, code)),
        "release": lambda code: (RELEASES_FI if tongue.code == "fi" else RELEASE_CODES).get(code, code),
        "cause": lambda kind, detail: tongue.pick(*(told_causes(detail) or (detail, detail))),
        "link": link,
        "language": tongue.code,
        "zone": tongue.zone.key,
    }
    return made


def tongue_of(request: Request) -> Language:
    """The language of the answer."""
    remembered = request.cookies.get(languages.COOKIE)
    asked, accepted = request.query_params.get("lang"), request.headers.get("accept-language")
    return languages.language(languages.chosen(asked, remembered, accepted), wired(request).settings.time_zone)


def page(request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """One page, or a part of one, in the language of the request."""
    tongue = tongue_of(request)
    keeps = values.get("sent") or values.get(
        "kept"
    )  # what somebody wrote would be lost by leaving for another language
    shared = {
        "seat": getattr(request.state, "seat", None),
        "now": wired(request).clock(),
        "path": request.url.path,
        "languages": [] if keeps else [(code, _in_language(request, code)) for code in LANGUAGES],
        "told": request.query_params.get("told", ""),
    }
    content = _templates(tongue.code, tongue.zone.key).get_template(template).render(shared | dict(values))
    answer = HTMLResponse(content, status, _HEADERS | {"content-language": tongue.code})
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(
            languages.COOKIE, tongue.code, max_age=31_536_000, path="/console", samesite="strict", httponly=True,
            secure=over_tls(request),
        )  # fmt: skip
    return answer


def over_tls(request: Request) -> bool:
    """Whether the answer travels over TLS, so that its cookies may be kept to that."""
    return request.url.scheme == "https" or wired(request).settings.console_behind_tls


def problem_page(request: Request, error: ProblemError) -> Response:
    """What went wrong, for a person to read; who is not logged in is led to the form, and what she wrote is kept."""
    if error.kind == "unauthorised":
        sent = getattr(request.state, "sent", "")
        if sent:
            return page(request, "login.html", {"next": request.url.path, "sent": sent, "fault": "", "code": ""}, 401)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"hx-redirect": LOGIN})
        return RedirectResponse(LOGIN if wanted == "/console" else link(LOGIN, next=wanted), 303)
    if error.kind == "method-not-allowed" and request.method == "GET":
        above = request.url.path.rpartition("/")[0]  # a deed's address opened by hand: to the page it belongs to
        return RedirectResponse(above + (f"?{request.url.query}" if request.url.query else ""), 303)
    status, title = PROBLEMS[error.kind]
    told = {
        "title": _TITLES.get(error.kind, title),
        "details": _details(request, error),
        "sent": getattr(request.state, "sent", ""),
    }
    return page(request, "problem.html", told, status)


def _details(request: Request, error: ProblemError) -> list[str]:
    """What happened, for people; those who program read the API's own words."""
    if error.kind == "internal-error":
        return [
            said("Nothing of it is promised. Try again; if it goes on, who runs this finds more in the server's log.")
        ]
    if error.kind == "not-found" and "endpoint" not in request.scope:
        return [said("There is no page %(path)s.", path=request.url.path)]
    return [
        said("The address says %(value)s for %(name)s, which cannot be.", value=one.value, name=one.field)
        for one in error.errors or ()
    ] or [error.detail]


def link(path: str, **parameters: object) -> str:
    """An address without empty parameters."""
    given = {name: value for name, value in parameters.items() if value not in ("", None)}
    return f"{path}?{urlencode(given)}" if given else path


def back(path: str, told: str = "", **parameters: object) -> RedirectResponse:
    """After a deed: to a page that says so."""
    return RedirectResponse(link(path, told=told, **parameters), 303)


def _in_language(request: Request, code: str) -> str:
    asked = {name: value for name, value in request.query_params.items() if name not in ("lang", "told")}
    return link(request.url.path, **asked, lang=code)
