"""Commands for the people who open the console: let in, given roles and passwords, shut out."""

import sys
from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli.base import Json, now_utc, person_app, tell

Name = Annotated[str, typer.Argument(help="Her name, by which she logs in and which stands beside what she did.")]
Role = Annotated[
    list[str],
    typer.Option(help="viewer, marketer, approver, customer_service, data_scientist or admin; may be repeated."),
]


@person_app.command("add")
def person_add(context: typer.Context, name: Name, role: Role, json_output: Json = False) -> None:
    """Let somebody into the console. Asks for her password; without a terminal it is the first line of the input."""
    from serving.console.people import People

    made = People(context.obj.home()).add(name, _password(), role, by="command line", now=now_utc())
    data = {"name": made.name, "roles": sorted(made.roles)}
    tell(context, json_output, data, f"{made.name} may open the console now, as {', '.join(sorted(made.roles))}.")


@person_app.command("list")
def person_list(context: typer.Context, json_output: Json = False) -> None:
    """Everybody who has an account."""
    from serving.console.people import People

    people = People(context.obj.home()).everyone()
    table = Table("name", "roles", "let in", "by", "shut out")
    for one in people:
        shut = f"{one.shut_at:%Y-%m-%d}" if one.shut_at else ""
        table.add_row(one.name, ", ".join(sorted(one.roles)), f"{one.made_at:%Y-%m-%d}", one.made_by, shut)
    data = [
        {
            "name": one.name,
            "roles": sorted(one.roles),
            "made_at": one.made_at,
            "made_by": one.made_by,
            "shut_at": one.shut_at,
        }
        for one in people
    ]
    tell(context, json_output, data, table)


@person_app.command("roles")
def person_roles(context: typer.Context, name: Name, role: Role, json_output: Json = False) -> None:
    """Give somebody other roles, from her next click on."""
    from serving.console.people import People

    People(context.obj.home()).set_roles(name, role)
    tell(context, json_output, {"name": name, "roles": sorted(role)}, f"{name} is {', '.join(sorted(role))} now.")


@person_app.command("password")
def person_password(context: typer.Context, name: Name, json_output: Json = False) -> None:
    """Give somebody another password, and unlock her name; her sessions end."""
    from serving.console.people import People

    People(context.obj.home()).set_password(name, _password())
    tell(context, json_output, {"name": name}, f"{name} has another password now.")


@person_app.command("shut-out")
def person_shut_out(context: typer.Context, name: Name, json_output: Json = False) -> None:
    """Shut somebody out, from her next click on; her name stays beside what she did."""
    from serving.console.people import People

    People(context.obj.home()).shut_out(name, now_utc())
    tell(context, json_output, {"name": name}, f"{name} is shut out.")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
