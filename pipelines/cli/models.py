"""The command that tells what was learned: model cards."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.base import Json, ParamsFile, app, read_params_file, tell


@app.command()
def models(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument(help="One model, its whole card; default: all, in short.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write all cards to, with their pictures.")] = None,
    params: ParamsFile = None,
    json_output: Json = False,
) -> None:
    """What was trained last, as model cards: what each predicts, for what, how well and for whom, and what not.

    Training writes them to HOME/models/cards and into MLflow. Whether they are in force tells: tahdikas status
    """
    from dataclasses import asdict

    from rich.markdown import Markdown
    from rich.text import Text

    from pipelines.model_cards.write import publish_cards, read_reports, short_cards, whole_card

    home = context.obj.home()
    told: dict[str, Any] = {name: asdict(report) for name, report in read_reports(home).items()}
    if out is not None:
        written = publish_cards(home, read_params_file(params), out)
        tell(context, json_output, {"files": written}, f"{len(told)} cards and their pictures written to {out}")
    elif model is not None:
        card = whole_card(home, read_params_file(params), model)
        tell(context, json_output, told[model], Markdown(card))
    else:
        tell(context, json_output, told, Text(short_cards(home)))
