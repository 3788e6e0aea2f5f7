"""Commands that bring events in: simulate, ingest, quarantine."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import SourceError
from pipelines.cli.base import (
    Customers,
    Json,
    ParamsFile,
    app,
    now_utc,
    progress,
    quarantine_app,
    read_params_file,
    tell,
)


@app.command()
def simulate(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default: HOME/simulated.")] = None,
    customers: Customers = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same files; default: params.yaml.")] = None,
    params: ParamsFile = None,
    json_output: Json = False,
) -> None:
    """Make a simulated shop's events, with the truth behind them in a folder that no pipeline reads.

    Take them in with: tahdikas ingest simulated HOME/simulated
    """
    from pipelines.simulate import simulate as run

    told = read_params_file(params).simulate
    size = customers or told.customers
    home = context.obj.home()
    with progress("Simulating", total=size, quiet=json_output or context.obj.json) as done:
        report = run(
            out or home.root / "simulated",
            customers=size,
            seed=told.seed if seed is None else seed,
            start=date.fromisoformat(told.start),
            days=told.days,
            progress=done,
        )
    tell(context, json_output, asdict(report) | {"end": report.end}, str(report))


@app.command()
def ingest(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="canonical, simulated, online_retail, complete_journey, olist, retailrocket.")
    ],
    path: Annotated[Path, typer.Argument(help="File or folder; '-' for a source that brings its own data.")] = Path(
        "-"
    ),
    json_output: Json = False,
) -> None:
    """Take events in: each one is accepted, a known duplicate, or in quarantine with its reason. Nothing is half-taken:
    a file counts whole or not at all; of olist and retailrocket, which may be large, each part does.

    Taking the same file twice changes nothing. See what was refused with: tahdikas quarantine list
    """
    from pipelines.ingest import ingest as run
    from pipelines.ingest import total_rows

    home = context.obj.home()
    with progress(f"Ingesting {source}", total=total_rows(source, path), quiet=json_output or context.obj.json) as done:
        report = run(home, source, path, now=now_utc(), progress=done)
    tell(context, json_output, report.to_json(), str(report))


@quarantine_app.command("list")
def quarantine_list(
    context: typer.Context,
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    json_output: Json = False,
) -> None:
    """Events that were refused: when, from where, why, and the raw text."""
    from features.log.quarantine import entries
    from pipelines.show import quarantine_table

    found = entries(context.obj.home(), reason=reason, limit=limit)
    tell(context, json_output, [asdict(entry) for entry in found], quarantine_table(found))


@quarantine_app.command("replay")
def quarantine_replay(
    context: typer.Context,
    corrected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: an entry's id, and the event as it should be.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Send quarantined events through the door again: all as they are, or those of FILE as corrected there.

    What passes leaves the quarantine; the rest stays with its reason. Raw texts: tahdikas quarantine list --json
    """
    from features.log.quarantine import replay
    from pipelines.judged import judge_for

    home, now = context.obj.home(), now_utc()
    follow = judge_for(home, now).follow
    if corrected is None:
        report = replay(home, now=now, follow=follow)
    else:
        report = replay(home, now=now, ids=[], corrected=_read_corrections(corrected), follow=follow)
    tell(context, json_output, asdict(report), str(report))


@quarantine_app.command("dismiss")
def quarantine_dismiss(
    context: typer.Context,
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="The entry's id, as quarantine list --json gives it.")],
    person: Annotated[str, typer.Option(help="Who says so.")],
    reason: Annotated[str, typer.Option(help="Why it is of no concern.")],
    json_output: Json = False,
) -> None:
    """Say that a rejected event is of no concern, so that it keeps nobody's state unknown any more. It is kept."""
    from features.log.quarantine import dismiss

    entry = dismiss(context.obj.home(), entry_id, person=person, reason=reason, now=now_utc())
    tell(context, json_output, asdict(entry), f"{entry.id} dismissed by {entry.dismissed_by}: {entry.dismissed_reason}")


def _read_corrections(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(
            f'{path} cannot be read as JSON ({error}). Write {{"entry id": {{the event}}, ...}}.'
        ) from error
    if not isinstance(found, dict):
        raise SourceError(f'{path} holds a {type(found).__name__}. Write {{"entry id": {{the event}}, ...}}.')
    return found
