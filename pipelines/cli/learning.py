"""Commands that learn: retrain, promote, rollback, score."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.base import (
    AsOf,
    Json,
    OutFile,
    ParamsFile,
    app,
    instant,
    now_utc,
    progress,
    read_params_file,
    score_app,
    tell,
)


@app.command()
def retrain(
    context: typer.Context,
    as_of: AsOf = None,
    horizon_days: Annotated[int | None, typer.Option(help="Days without a purchase that count as churn.")] = None,
    params: ParamsFile = None,
    json_output: Json = False,
) -> None:
    """Train everything from the event log, using only what was known at DATE. Look at the runs with MLflow.

    Nothing that customers see changes until: tahdikas promote
    """
    from pipelines.retraining.retrain import retrain as run

    home = context.obj.home()
    told = read_params_file(params)
    if horizon_days is not None:
        told = told.model_copy(update={"churn": told.churn.model_copy(update={"horizon_days": horizon_days})})
    with progress("Retraining", total=4, quiet=json_output or context.obj.json) as done:
        report = run(home, instant(as_of), told, progress=done)
    tell(context, json_output, report.to_json(), str(report))


@app.command()
def promote(context: typer.Context, params: ParamsFile = None, json_output: Json = False) -> None:
    """Put the newly trained models in force if they pass every gate; else say which gate failed, and by how much."""
    from pipelines.bundles import check_bundle, current_bundle
    from pipelines.materialize import materialize
    from pipelines.promote import promote as run

    home = context.obj.home()
    result = run(home, read_params_file(params), now=now_utc())
    if result.promoted:
        materialize(home, datetime.fromisoformat(check_bundle(current_bundle(home))["as_of"]))
    tell(context, json_output, result.to_json(), str(result))
    if not result.promoted:
        raise typer.Exit(1)


@app.command()
def materialize(
    context: typer.Context,
    as_of: AsOf = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Compute and write everything anew, which heals damaged records.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Refresh what serving knows of everybody, with live events taken in: to be run every night.

    Promotion does it once; between promotions only live state (cases, holds, contacts, items bought) is always current.
    """
    from features.log.event_log import EventLog
    from pipelines.materialize import materialize as run
    from pipelines.retraining.prepare import resolve_as_of

    home = context.obj.home()
    with EventLog(home) as log:
        log.flush_live()
    moment = instant(as_of) or resolve_as_of(home)
    customers = run(home, moment, whole=whole)
    told = {"customers": customers, "as_of": moment.isoformat()}
    tell(
        context, json_output, told, f"Features of {customers:,} customers as of {moment:%Y-%m-%d %H:%M} UTC are online."
    )


@app.command()
def rollback(context: typer.Context, json_output: Json = False) -> None:
    """Return to the models in force before the last promotion. The next decision uses them; no request is dropped."""
    from pipelines.promote import rollback as run

    result = run(context.obj.home())
    tell(context, json_output, result.to_json(), str(result))


@score_app.command("churn")
def score_churn(context: typer.Context, out: OutFile, as_of: AsOf = None, json_output: Json = False) -> None:
    """Chance of no purchase within the horizon, for every customer known at DATE (customer_id, churn_probability)."""
    from pipelines.score import score_churn as run

    rows = run(context.obj.home(), instant(as_of), out)
    tell(context, json_output, {"rows": rows, "file": out}, f"{rows:,} customers scored into {out}")


@score_app.command("offers")
def score_offers(
    context: typer.Context,
    out: OutFile,
    k: Annotated[int, typer.Option(help="Items a customer.")] = 10,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """The k items each customer known at DATE most likely buys next (customer_id, rank, item_id, score)."""
    from pipelines.score import score_offers as run

    rows = run(context.obj.home(), instant(as_of), k, out)
    tell(context, json_output, {"rows": rows, "file": out}, f"{rows:,} rows written to {out}")


@score_app.command("satisfaction")
def score_satisfaction(
    context: typer.Context,
    texts: Annotated[Path, typer.Argument(metavar="IN.parquet", help="A column text; other columns are facts.")],
    out: OutFile,
    train: Annotated[
        Path | None,
        typer.Option(metavar="T.parquet", help="The same columns and score. Without it seed words judge."),
    ] = None,
    low: Annotated[float | None, typer.Option(help="The worst score there is; default: seen from the scores.")] = None,
    high: Annotated[float | None, typer.Option(help="The best score there is; default: as above.")] = None,
    json_output: Json = False,
) -> None:
    """The chance that each text's writer is dissatisfied, and the words that say so. No data folder is used.

    What counts as dissatisfied is the lowest 40 % of the scale (of 0 to 10: up to 6). Columns that both files have, ids
    apart, are facts: numbers, moments (the days between them count, as in promised and delivered), words.
    """
    from pipelines.score_satisfaction import score_satisfaction as run

    with progress("Learning from rated texts", total=None, quiet=json_output or context.obj.json):
        result = run(texts, train, out, low=low, high=high)
    said = [*result.notes, *([] if result.auc is None else [f"AUC of held-out rated texts: {result.auc:.3f}."])]
    told = {"rows": result.rows, "file": out, "notes": result.notes, "auc": result.auc}
    tell(context, json_output, told, "\n".join([*said, f"{result.rows:,} texts judged, written to {out}"]))


@score_app.command("favourites")
def score_favourites(
    context: typer.Context,
    out: OutFile,
    k: Annotated[int, typer.Option(help="Items a customer.")] = 10,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """What each customer known at DATE is about to run out of, with quantity, date and chance, most likely first."""
    from pipelines.score_favourites import score_favourites as run

    rows = run(context.obj.home(), instant(as_of), k, out)
    tell(context, json_output, {"rows": rows, "file": out}, f"{rows:,} rows written to {out}")


@score_app.command("session")
def score_session(
    context: typer.Context,
    prefixes: Annotated[Path, typer.Argument(metavar="IN.parquet", help="prefix_id, items: what was viewed so far.")],
    train: Annotated[Path, typer.Option(metavar="T.parquet", help="session_id, items: whole sessions to learn from.")],
    out: OutFile,
    k: Annotated[int, typer.Option(help="Items a prefix.")] = 20,
    json_output: Json = False,
) -> None:
    """What each visitor views next, by what other sessions held: prefix_id, rank, item_id, score. Needs no data folder.

    items is a list, oldest view first, repeats included; ids and items are whole numbers or words. Session ids must
    ascend in time: the newest sessions teach how far to trust which idea, and news count more. Rows may stand in any
    order. Items that T.parquet does not hold are passed over; an empty prefix gets what is popular of late.

    score is the chance that the item is viewed next, if the next is one that T.parquet holds. Learning takes minutes
    for a hundred thousand sessions. With few sessions (some hundreds) the nearest sessions alone decide, the answer
    says so, and scores only order.
    """
    from pipelines.score_sessions import score_sessions as run

    with progress("Sessions", total=None, quiet=json_output or context.obj.json) as done:
        result = run(prefixes, train, k, out, progress=done)
    told = {"rows": result.rows, "file": out, "notes": result.notes}
    tell(context, json_output, told, "\n".join([*result.notes, f"{result.rows:,} rows written to {out}"]))


@score_app.command("baskets")
def score_baskets(
    context: typer.Context,
    baskets: Annotated[
        Path, typer.Argument(metavar="IN.parquet", help="user_id, basket_index, items: all baskets known so far.")
    ],
    out: OutFile,
    k: Annotated[int, typer.Option(help="Items a user.")] = 10,
    json_output: Json = False,
) -> None:
    """What every user's next basket holds, by all baskets so far: user_id, rank, item_id, score. Needs no data folder.

    One row a basket: basket_index ascends in time within a user, items is a list; ids and items are whole numbers or
    words. Rows may stand in any order; rows of the same user and index are one basket. Every row counts as known, so
    leave out baskets to test against, with DuckDB: COPY (FROM 'all.parquet' WHERE NOT is_target) TO 'in.parquet'.

    score is the chance that the next basket holds the item. Learning takes minutes for a hundred thousand baskets. With
    few baskets (some hundreds) a simpler model answers and says so, and its scores only order.
    """
    from pipelines.score_baskets import score_baskets as run

    with progress("Baskets", total=None, quiet=json_output or context.obj.json) as done:
        result = run(baskets, k, out, progress=done)
    told = {"rows": result.rows, "file": out, "notes": result.notes}
    tell(context, json_output, told, "\n".join([*result.notes, f"{result.rows:,} rows written to {out}"]))
