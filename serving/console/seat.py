"""Who is asking, and what she may do: every page and deed of the console names the right that it needs."""

from dataclasses import dataclass
from hmac import compare_digest
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends
from starlette.requests import Request

from serving.api.problems import ProblemError
from serving.api.wiring import Wiring, wired
from serving.console.asking import NO_ANSWER
from serving.console.names import name_of
from serving.console.people import Person
from serving.console.roles import RIGHTS, ROLES
from serving.console.session import COOKIE
from serving.said import said
from serving.security import StoreUnreadableError

_MOST_FIELDS = 200


@dataclass(frozen=True)
class Seat:
    """Who sits there. `person` is None for a key or a one-time link, which may look and do nothing."""

    name: str
    rights: frozenset[str]
    csrf: str
    person: Person | None = None

    def may(self, right: str) -> bool:
        """Whether she has a right."""
        return right in self.rights


class Form:
    """What was sent with a form; a field that is not there is empty."""

    def __init__(self, text: str) -> None:
        try:
            self._fields = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
        except ValueError as error:
            raise ProblemError(
                "invalid-request", said("The form cannot be read (%(why)s). Fill it in again.", why=error)
            ) from error

    def get(self, name: str) -> str:
        """The first value of a field, without blanks around it."""
        return self._fields.get(name, [""])[0].strip()

    def all(self, name: str) -> list[str]:
        """All values of a field that were ticked or filled in."""
        return [value.strip() for value in self._fields.get(name, []) if value.strip()]

    def version(self) -> int:
        """The version of what was looked at when the form was filled in."""
        try:
            return int(self.get("version"))
        except ValueError as error:
            raise ProblemError("invalid-request", said("The form lacks its version. Open the page again.")) from error


def reason_of(form: Form) -> str:
    """Why somebody does it: what is done by hand is kept with its reason."""
    if not form.get("reason"):
        raise ProblemError("invalid-request", said("Say why: the reason is kept with what was done."))
    return form.get("reason")


def right_host(request: Request) -> None:
    """Refuse other host names (DNS rebinding) and forms sent from other sites."""
    hosts = wired(request).settings.console_hosts
    named = request.headers.get("host", "")
    try:
        host = urlsplit(f"//{named}").hostname or ""
    except ValueError:  # a bracket that is never closed
        host = named
    if host not in {name.strip("[]") for name in hosts}:
        detail = said(
            "The console does not answer under the name %(host)s. Use %(known)s, or add it to `console_hosts`.",
            host=host, known=hosts[0],
        )  # fmt: skip
        raise ProblemError("forbidden", detail)
    origin = request.headers.get("origin")
    if request.method == "POST" and origin is not None and origin.rpartition("://")[2] != named:
        raise ProblemError(
            "forbidden", said("The form came from another site. Open the console and send it from there.")
        )


async def seated(request: Request) -> Seat:
    """Who is asking; raises 401 for nobody."""
    app = wired(request)
    if request.method == "POST":
        request.state.sent = (await request.body()).decode("utf-8", "replace")
    found = await app.reads.run(_seat, app, request.cookies.get(COOKIE, ""))
    if isinstance(found, str):
        raise ProblemError(
            "unavailable", said("Who you are could not be read: %(why)s. Try again shortly.", why=NO_ANSWER[found])
        )
    if found is None:
        raise ProblemError("unauthorised", said("Log in to the console first."))
    request.state.seat = found
    return found


async def posted(request: Request, seat: Annotated[Seat, Depends(seated)]) -> Form:
    """The form that was sent, from one of our own pages; raises 403 for any other."""
    form = Form(request.state.sent)
    if not compare_digest(form.get("csrf").encode(), seat.csrf.encode()):
        raise ProblemError(
            "forbidden", said("The form was of another session. Open the page again and send it from there.")
        )
    return form


class Needs:
    """A dependency that lets through whoever has a right."""

    def __init__(self, right: str) -> None:
        assert right in RIGHTS
        self.right = right

    async def __call__(self, request: Request) -> Seat:
        """Who is asking; raises 401 for nobody, 403 for one without the right."""
        seat = await seated(request)
        if not seat.may(self.right):
            roles = tuple(said(name_of("role", role)) for role, rights in ROLES.items() if self.right in rights)
            detail = said(
                "That takes the right to %(what)s. These roles have it: %(roles)s. Ask an admin for one of them.",
                what=said(RIGHTS[self.right]), roles=roles,
            )  # fmt: skip
            raise ProblemError("forbidden", detail)
        return seat


Posted = Annotated[Form, Depends(posted)]


def _seat(app: Wiring, token: str) -> Seat | None:
    now = app.clock()
    session = app.sessions.find(token, now)
    if session is None:
        return None
    if session.name is not None:
        person = app.people.find(session.name)
        if person is None or person.shut_at is not None:
            return None
        return Seat(person.name, person.rights, session.csrf, person)
    if session.key_id is not None:
        try:
            key = app.keys.current(session.key_id)
        except StoreUnreadableError:
            return None
        if key is None or not key.allows("console", now):
            return None
        return Seat(f"key {key.name}", frozenset(ROLES["viewer"]), session.csrf)
    return Seat("one-time link", frozenset(ROLES["viewer"]), session.csrf)
