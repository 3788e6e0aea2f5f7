"""What all commands share: options, the clock at the edge, a progress bar, output for people or machines."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from features.home import Home

if TYPE_CHECKING:
    from training.params import Params

app = typer.Typer(
    name="tahdikas",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="A next-best-action recommender that knows when not to sell.\n\n"
    "Start with [bold]tahdikas demo[/bold]. With your own data: [bold]ingest[/bold], [bold]retrain[/bold], "
    "[bold]promote[/bold], [bold]serve[/bold]. All data lies in one folder: TAHDIKAS_HOME, or --home DIR.",
)
campaign_app = typer.Typer(no_args_is_help=True, help="Campaign lists, decided by the same engine as the API.")
quarantine_app = typer.Typer(no_args_is_help=True, help="Events that were refused, why, and how to take them in.")
score_app = typer.Typer(no_args_is_help=True, help="Scores of every customer known at a date, as Parquet.")
store_app = typer.Typer(no_args_is_help=True, help="The live store in PostgreSQL: made and brought up to date.")
key_app = typer.Typer(no_args_is_help=True, help="Bearer keys of the API.")
person_app = typer.Typer(no_args_is_help=True, help="The people who may open the console, and their roles.")
hold_app = typer.Typer(no_args_is_help=True, help="Holds by hand: who, why and until when are kept.")
incident_app = typer.Typer(no_args_is_help=True, help="One cause, many customers: seen, declared and closed.")
actions_app = typer.Typer(invoke_without_command=True)
policy_app = typer.Typer(no_args_is_help=True, help="The policy and the actions, before they are put in place.")
catalogue_app = typer.Typer(no_args_is_help=True, help="The shop's items: taken in, checked, shown, stock told.")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(hold_app, name="hold")
app.add_typer(incident_app, name="incident")
app.add_typer(policy_app, name="policy")
app.add_typer(actions_app, name="actions")
app.add_typer(campaign_app, name="campaign")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(score_app, name="score")
app.add_typer(store_app, name="store")
app.add_typer(key_app, name="key")
app.add_typer(person_app, name="person")


@dataclass
class Setting:
    """What the options before the command said."""

    root: Path
    json: bool

    def home(self) -> Home:
        """The data folder, made if absent."""
        return Home.open(self.root)


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Only what was known before this day (UTC). Default: end of the log."),
]


@app.callback()
def settings(
    context: typer.Context,
    home: Annotated[
        Path, typer.Option("--home", envvar="TAHDIKAS_HOME", metavar="DIR", help="The folder of all data.")
    ] = Path("home"),
    json_output: Json = False,
) -> None:
    """Options before the command."""
    context.obj = Setting(home, json_output)


def parse_instant(text: str) -> datetime:
    """`2026-10-31` (that day's 00:00 UTC) or an ISO 8601 instant with a zone."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is not a date. Write it as 2026-10-31 or 2026-10-31T08:00:00Z.") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"'{text}' names no time zone. Add Z for UTC: {text}Z.")
    return moment.astimezone(UTC)


def now_utc() -> datetime:
    """The clock, read only at the edge."""
    return datetime.now(UTC)


@contextmanager
def progress(title: str, *, total: int | None, quiet: bool) -> Iterator[Any]:
    """A progress bar on stderr; yields a callback taking the units done so far, and, as they become known, how many
    there are and what is being done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def show(done: int, total: int | None = None, text: str | None = None) -> None:
            bar.update(task, completed=done, total=total, description=title if text is None else f"{title}, {text}")

        yield show


def tell(context: typer.Context, json_output: bool, data: Any, text: Any) -> None:
    """Print `data` as JSON for machines or `text` (anything Rich can show) for people."""
    if json_output or context.obj.json:
        print(json.dumps(data, ensure_ascii=False, default=str))  # noqa: T201
    else:
        Console().print(text)


Customers = Annotated[int | None, typer.Option(help="How many customers; default: params.yaml.")]
Channel = Annotated[str, typer.Option(help="web, app, email, store, phone, ...")]
Placement = Annotated[str, typer.Option(help="The slot that asks, as the policy names it.")]
ParamsFile = Annotated[
    Path | None,
    typer.Option("--params", help="Settings of training; default: ./params.yaml if there, else the same built in."),
]
OutFile = Annotated[Path, typer.Option("--out", metavar="F.parquet", help="The file to write.")]
Moment = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="Decide as at this moment. Default: now.")
]


def ticking_clock(start: datetime | None) -> Callable[[], datetime]:
    """The clock as it is, or one that starts at `start` now and ticks on."""
    offset = start - now_utc() if start else timedelta(0)
    return lambda: now_utc() + offset


def instant(text: str | None) -> datetime | None:
    """An optional instant; `auto` is none."""
    return None if text is None or text == "auto" else parse_instant(text)


def read_params_file(path: Path | None) -> "Params":
    """The named parameters, else those of the folder one stands in, else the built-in ones."""
    from training.params import Params, read_params

    default = Path("params.yaml")
    if path is None and not default.exists():
        return Params()
    return read_params(path or default)
