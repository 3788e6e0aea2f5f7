"""The command that watches drift in operation."""

from typing import Annotated

import typer

from pipelines.cli.base import Json, Moment, ParamsFile, app, instant, now_utc, read_params_file, tell


@app.command()
def drift(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, help="How many days of decisions to judge.")] = 7,
    as_of: Moment = None,
    params: ParamsFile = None,
    json_output: Json = False,
) -> None:
    """What models saw and said in the latest decisions against what they learned from; exit code 1 where it must be
    looked at now.
    """
    from pipelines.drift.watch import REPORT, watch_drift
    from pipelines.show_drift import drift_tables
    from training.report import write_json

    home = context.obj.home()
    report = watch_drift(home, instant(as_of) or now_utc(), days, read_params_file(params).quality)
    write_json(home.reports / REPORT, report.to_json())
    tell(context, json_output, report.to_json(), drift_tables(report))
    if report.errors:
        raise typer.Exit(1)
