"""The steps of retraining one by one, as DVC runs them."""

import typer

from pipelines.cli.base import ParamsFile, app, instant, read_params_file

stage_app = typer.Typer(no_args_is_help=True, help="Single steps of retraining; `dvc repro` calls them (dvc.yaml).")
app.add_typer(stage_app, name="stage")


@stage_app.command()
def events(context: typer.Context) -> None:
    """Live events to the lake, and the log's fingerprint to models/events.json."""
    from pipelines.ingest import note_events

    note_events(context.obj.home())


@stage_app.command()
def prepare(context: typer.Context, params: ParamsFile = None) -> None:
    """The purchases known, the cutoffs, the feature snapshots."""
    from pipelines.retraining.prepare import prepare as run

    told = read_params_file(params)
    run(context.obj.home(), instant(told.as_of), told)


@stage_app.command()
def train_churn(context: typer.Context, params: ParamsFile = None) -> None:
    """The churn model, from the snapshots that prepare made."""
    from pipelines.retraining.churn import train_churn as run

    run(context.obj.home(), read_params_file(params))


@stage_app.command()
def train_second_purchase(context: typer.Context, params: ParamsFile = None) -> None:
    """Who of those with one order comes back, from the same snapshots."""
    from pipelines.retraining.second_purchase import train_second_purchase as run

    run(context.obj.home(), read_params_file(params))


@stage_app.command()
def train_value(context: typer.Context, params: ParamsFile = None) -> None:
    """What customers will bring, from the same snapshots and the churn model."""
    from pipelines.retraining.value import train_value as run

    run(context.obj.home(), read_params_file(params))


@stage_app.command()
def train_response(context: typer.Context) -> None:
    """What each action adds, where contacts were held back by lot."""
    from pipelines.retraining.response import response_told
    from pipelines.retraining.response import train_response as run

    run(context.obj.home())
    print(response_told(context.obj.home()), end="")  # noqa: T201


@stage_app.command()
def train_next_offer(context: typer.Context, params: ParamsFile = None) -> None:
    """The next-offer model, from the purchases that prepare wrote."""
    from pipelines.retraining.next_offer import train_next_offer as run

    run(context.obj.home(), read_params_file(params))


@stage_app.command()
def train_dissatisfaction(context: typer.Context, params: ParamsFile = None) -> None:
    """The model of dissatisfaction, from the texts that came with a score."""
    from pipelines.retraining.dissatisfaction import train as run

    run(context.obj.home(), read_params_file(params))


@stage_app.command()
def train_sessions(context: typer.Context, params: ParamsFile = None) -> None:
    """What visitors look at next, from the sessions that prepare wrote."""
    from pipelines.retraining.sessions import train_sessions as run

    run(context.obj.home(), read_params_file(params))


@stage_app.command()
def evaluate(context: typer.Context, params: ParamsFile = None) -> None:
    """Figures, plots, and a run in MLflow."""
    from pipelines.retraining.evaluate import evaluate as run

    print(run(context.obj.home(), read_params_file(params)))  # noqa: T201
