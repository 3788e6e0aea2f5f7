"""Commands about policy and actions: what is in force and where it comes from, and what a change would do."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.base import Json, Moment, actions_app, instant, now_utc, policy_app, progress, tell


@policy_app.command("check")
def policy_check(
    context: typer.Context,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="A policy; default: the one in place.")] = None,
    actions: Annotated[Path | None, typer.Option(metavar="FILE", help="Actions; default: those in place.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Try them on so many customers, too; 500 tells a lot.")
    ] = None,
    placement: Annotated[
        list[str] | None, typer.Option(help="Only in this placement; may be repeated. Default: all.")
    ] = None,
    seed: Annotated[str, typer.Option(help="Another seed draws other customers.")] = "1",
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """Try a policy and actions: every fault with its line (exit code 1), else what would change, and for whom."""
    import msgspec

    from pipelines.show_policy import check_report
    from serving.desk.policy_check import Wanted, check

    wanted = None if sample is None else Wanted(customers=sample, seed=seed, placements=tuple(placement or ()))
    quiet = json_output or context.obj.json or wanted is None
    with progress("deciding twice", total=sample, quiet=quiet) as done:
        now = instant(as_of) or now_utc()
        found = check(context.obj.home(), policy, actions, wanted=wanted, now=now, done=done)
    data = msgspec.to_builtins(found)
    if wanted is None:
        del data["trial"]
    tell(context, json_output, data, check_report(found))
    if found.faults:
        raise typer.Exit(1)


@actions_app.callback()
def actions(context: typer.Context, json_output: Json = False) -> None:
    """The actions in force, and which of them this shop changed, added or switched off."""
    if context.invoked_subcommand is not None:
        return
    import msgspec

    from pipelines.show_policy import action_table
    from serving.core.catalogue import DEFAULT_ACTIONS, actions_path, load_catalogue, parse_catalogue
    from serving.core.live import KNOWN_FEATURES
    from serving.desk.action_list import listed

    home = context.obj.home()
    catalogue = load_catalogue(home, known=KNOWN_FEATURES)
    shipped = parse_catalogue(DEFAULT_ACTIONS.read_text(encoding="utf-8"), known=KNOWN_FEATURES)
    found, path = list(listed(catalogue, shipped)), actions_path(home)
    data = {"file": str(path), "hash": catalogue.hash, "actions": msgspec.to_builtins(found)}
    tell(context, json_output, data, action_table(found, path))


@actions_app.command("init")
def actions_init(context: typer.Context, json_output: Json = False) -> None:
    """Write a first config/actions.yaml that changes nothing yet, with what it may say; never over another."""
    from serving.desk.action_list import begin

    path = begin(context.obj.home())
    tell(context, json_output, {"file": str(path)}, f"{path} is written. It changes nothing yet: edit it.")
