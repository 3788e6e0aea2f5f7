"""Commands that run the whole: demo, serve, status, backup, refold, keys."""

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from features.home import Home
from pipelines.cli.base import (
    Customers,
    Json,
    ParamsFile,
    app,
    instant,
    key_app,
    now_utc,
    read_params_file,
    tell,
    ticking_clock,
)


@app.command()
def demo(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="simulated, complete_journey or online_retail.")] = "simulated",
    path: Annotated[Path | None, typer.Option(help="The source's files, where it needs any.")] = None,
    customers: Customers = None,
    params: ParamsFile = None,
    serve: Annotated[bool, typer.Option(help="Serve the API and the console at the end.")] = True,
) -> None:
    """The whole way, from events to a tactful answer, in a few minutes; then serve it.

    Simulates a shop (or takes real households: --source complete_journey), turns its events into features, trains and
    promotes the models, builds a campaign list, and shows who gets what, and who is left in peace.
    """
    from pipelines.demo import run_demo

    home, told = context.obj.home(), read_params_file(params)
    if customers is not None:
        told = told.model_copy(update={"simulate": told.simulate.model_copy(update={"customers": customers})})
    moment = run_demo(home, source, path, told, now=now_utc())
    if serve:  # in a process of its own, which never saw what training needs
        sys.stdout.flush()
        command = [sys.executable, "-m", "pipelines.cli", "--home", str(home.root), "serve"]
        os.execv(sys.executable, [*command, "--clock-from", moment.isoformat()])


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: config/serving.yaml.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default: config/serving.yaml.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that serve; default: config/serving.yaml.")
    ] = None,
    clock_from: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT", help="Let the shop's clock start here and tick on: for demos on data of the past."
        ),
    ] = None,
) -> None:
    """Serve the API and the console. See the address of the API's own page when it has started."""
    _serve(context.obj.home(), host, port, workers, instant(clock_from))


@app.command()
def status(context: typer.Context, json_output: Json = False) -> None:
    """What is here: events, customers, features, models in force, lists, what was refused, what is missing."""
    from pipelines.status import status as run

    found = run(context.obj.home())
    tell(context, json_output, found.to_json(), found.table())


@app.command()
def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to: a folder that is yet to be made.")],
    json_output: Json = False,
) -> None:
    """Copy the whole data folder while the service goes on; to restore, put the copy in its place."""
    from pipelines.backup import backup as run

    done = run(context.obj.home(), folder)
    tell(context, json_output, done.to_json(), str(done))


@app.command()
def refold(context: typer.Context, json_output: Json = False) -> None:
    """Make everybody's state anew from what is known of her: where a record is damaged. A service may go on."""
    from features.log.event_log import EventLog

    with EventLog(context.obj.home()) as log:
        customers = log.refold_all()
    tell(context, json_output, {"customers": customers}, f"{customers} customers were folded again.")


@key_app.command("create")
def key_create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who uses it, such as 'webshop'.")],
    scope: Annotated[list[str], typer.Option(help="events, decide, read, care, console or admin; may be repeated.")],
    json_output: Json = False,
) -> None:
    """Make a key. It is shown once and kept only as a hash."""
    from serving.security import KeyStore

    key, secret = KeyStore(context.obj.home()).create(name, scope, now=now_utc())
    data = {"key_id": key.key_id, "key": secret, "scopes": sorted(key.scopes)}
    tell(context, json_output, data, f"{secret}\nKeep it now: it cannot be shown again. Its id is {key.key_id}.")


@key_app.command("list")
def key_list(context: typer.Context, json_output: Json = False) -> None:
    """All keys, without their secrets."""
    from pipelines.show import key_table
    from serving.security import KeyStore

    keys = KeyStore(context.obj.home()).keys()
    data = [
        {
            "key_id": key.key_id,
            "name": key.name,
            "scopes": sorted(key.scopes),
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }
        for key in keys
    ]
    tell(context, json_output, data, key_table(keys))


@key_app.command("revoke")
def key_revoke(context: typer.Context, key_id: Annotated[str, typer.Argument(help="The key's id.")]) -> None:
    """End a key at once: the next request that uses it is refused."""
    from serving.security import KeyStore

    KeyStore(context.obj.home()).revoke(key_id, now=now_utc())
    Console().print(f"Key {key_id} is revoked.")


@key_app.command("rotate")
def key_rotate(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id.")],
    keep_hours: Annotated[float, typer.Option(min=0, help="Hours for which the old key goes on.")] = 24.0,
    json_output: Json = False,
) -> None:
    """Make a key of the same name and scopes; the old one goes on for some hours, so that nobody is shut out."""
    from serving.security import KeyStore

    store = KeyStore(context.obj.home())
    key, secret = store.rotate(key_id, now=now_utc(), keep=timedelta(hours=keep_hours))
    data = {"key_id": key.key_id, "key": secret, "scopes": sorted(key.scopes), "replaces": key_id}
    told = (
        f"{secret}\nKeep it now: it cannot be shown again. Its id is {key.key_id}; {key_id} ends in {keep_hours:g} h."
    )
    tell(context, json_output, data, told)


def _serve(home: Home, host: str | None, port: int | None, workers: int | None, clock_from: datetime | None) -> None:
    from pipelines.serve import serve as run

    console = Console()

    def announce(address: str, console_link: str | None) -> None:
        console.print(f"Serving {address}: the API's own page is {address}/docs", soft_wrap=True)
        if console_link:
            console.print(f"The console, once, within ten minutes: {console_link}", soft_wrap=True)
        else:
            console.print(f"No link to the console: the store takes no writing. See {address}/v1/health/ready")
        if clock_from:
            console.print(f"The shop's clock started at {clock_from:%Y-%m-%d %H:%M} UTC, where its data ends.")
        console.print(
            "A key for the web shop: tahdikas key create webshop --scope events --scope decide. Stop with Ctrl-C."
        )

    run(home, host=host, port=port, workers=workers, clock=ticking_clock(clock_from), announce=announce)
