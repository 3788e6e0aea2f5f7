"""Rendering: Jinja2 templates with every value escaped, and headers that allow no script at all."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serving.api.problems import PROBLEMS, ProblemError
from serving.console import words

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# A page that sends no referrer at all makes browsers send its own forms with `Origin: null`, which is refused.
_HEADERS = {"content-security-policy": POLICY, "referrer-policy": "same-origin"}

_templates = Environment(
    loader=PackageLoader("serving.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    request: Request, template: str, values: Mapping[str, Any], status: int = 200, *, logged_in: bool = True
) -> HTMLResponse:
    """One page in the language of the request."""
    language = words.language_of(request.query_params.get("lang"), request.headers.get("accept-language"))
    other = {**request.query_params, "lang": "fi" if language == "en" else "en"}
    shared: dict[str, Any] = {
        "language": language,
        "logged_in": logged_in,
        "word": partial(words.word, language=language),
        "number": partial(words.number, language=language),
        "money": partial(words.money, language=language),
        "day": partial(words.day, language=language),
        "percent": partial(words.percent, language=language),
        "release": partial(words.release, language=language),
        "instant": partial(words.instant, language=language),
        "link": _linker(language),
        "other_language": f"{request.url.path}?{urlencode(other)}",
    }
    content = _templates.get_template(template).render(shared | dict(values))
    return HTMLResponse(content, status, _HEADERS | {"content-language": language})


def problem_page(request: Request, error: ProblemError) -> HTMLResponse:
    """What went wrong, for a person to read."""
    status, title = PROBLEMS[error.kind]
    language = words.language_of(request.query_params.get("lang"), request.headers.get("accept-language"))
    told = {"title": words.PROBLEMS_FI[error.kind] if language == "fi" else title, "detail": error.detail}
    return page(request, "problem.html", told, status, logged_in=False)


def _linker(language: str) -> Callable[..., str]:
    def link(path: str, **parameters: object) -> str:
        """An address in the same language, without empty parameters."""
        given = {name: value for name, value in parameters.items() if value not in ("", None)}
        return f"{path}?{urlencode({'lang': language, **given})}"

    return link
