"""The people: who may open the console and in which roles, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.api.wiring import Wiring, wired
from serving.console.asking import answered
from serving.console.pages import back, page
from serving.console.roles import RIGHTS, ROLES
from serving.console.seat import Form, Needs, Posted, Seat, right_host

router = APIRouter(prefix="/console/people", include_in_schema=False, dependencies=[Depends(right_host)])

Admin = Annotated[Seat, Depends(Needs("people"))]
HERE = "/console/people"


@router.get("")
async def everybody(request: Request, seat: Admin) -> Response:
    """Everybody with an account, and what each role may do."""
    app = wired(request)
    found = await answered(app.reads, app.people.everyone)
    return page(request, "people.html", {"people": found, "roles": ROLES, "rights": RIGHTS})


@router.post("/add")
async def add(request: Request, seat: Admin, form: Posted) -> Response:
    """Let somebody in."""
    app = wired(request)
    await answered(
        app.writes, app.people.add, form.get("name"), form.get("password"), form.all("roles"), by=seat.name,
        now=app.clock(),
    )  # fmt: skip
    return back(HERE, told="person")


@router.post("/change")
async def change(request: Request, seat: Admin, form: Posted) -> Response:
    """Give somebody other roles or another password, shut her out, or let her in again."""
    await answered(wired(request).writes, _change, wired(request), form)
    return back(HERE, told="person")


def _change(app: Wiring, form: Form) -> None:
    name, deed = form.get("name"), form.get("deed")
    if deed == "shut":
        app.people.shut_out(name, app.clock())
    elif deed == "let_in":
        app.people.let_in(name)
    else:
        app.people.set_roles(name, form.all("roles"))
        if form.get("password"):
            app.people.set_password(name, form.get("password"))
