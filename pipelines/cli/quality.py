"""The command that checks the data: counts, silent sources, null shares and drift against the model in force."""

import typer

from pipelines.cli.base import AsOf, Json, ParamsFile, app, instant, read_params_file, tell


@app.command()
def quality(context: typer.Context, as_of: AsOf = None, params: ParamsFile = None, json_output: Json = False) -> None:
    """The newest snapshot against what the model in force was trained on; exit code 1 if anything would stop training.

    Name the day where a silence of all sources should be seen, as every night: tahdikas quality --as-of $(date -I)
    """
    from pipelines.quality import check_newest
    from pipelines.show_quality import quality_tables

    report = check_newest(context.obj.home(), instant(as_of), read_params_file(params).quality)
    tell(context, json_output, report.to_json(), quality_tables(report))
    if report.errors:
        raise typer.Exit(1)
