"""Commands about the shop's items: import, check, show, export, stock."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.base import Json, catalogue_app, instant, now_utc, progress, tell

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .parquet file; columns as in docs/catalogue.md.")]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="The catalogue's id.")]


@catalogue_app.command("import")
def catalogue_import(
    context: typer.Context,
    file: File,
    valid_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="From when on rows count that name no valid_from; else: always.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Look for faults only; take nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Take a file of items in, whole or not at all: every fault is named with its line (exit code 1).

    A row replaces the row of the same item and valid_from; items that the file does not name stay as they are.
    """
    from pipelines.catalogue import import_items
    from pipelines.catalogue_file import count_rows

    quiet = json_output or context.obj.json
    with progress(f"Reading {file.name}", total=count_rows(file), quiet=quiet) as done:
        report = import_items(
            context.obj.home(), file, now=now_utc(), valid_from=instant(valid_from), check_only=check, progress=done
        )
    tell(context, json_output, report.to_json(), str(report))
    if report.faults:
        raise typer.Exit(1)


@catalogue_app.command("check")
def catalogue_check(context: typer.Context, json_output: Json = False) -> None:
    """What is wrong with the catalogue in place (exit code 1), and what it leaves unsaid."""
    from pipelines.catalogue import check_catalogue

    report = check_catalogue(context.obj.home())
    tell(context, json_output, report.to_json(), str(report))
    if report.faults:
        raise typer.Exit(1)


@catalogue_app.command("show")
def catalogue_show(
    context: typer.Context,
    item: Annotated[str | None, typer.Argument(metavar="[ITEM]", help="One item; else an overview.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="As the catalogue says it then. Default: now.")
    ] = None,
    json_output: Json = False,
) -> None:
    """What the catalogue has, or one item: its rows over time, its stock as told, what it is related to."""
    from pipelines.show_catalogue import item_shown, items_shown

    at = instant(as_of) or now_utc()
    home = context.obj.home()
    data, text = items_shown(home, at) if item is None else item_shown(home, item, at)
    tell(context, json_output, data, text)


@catalogue_app.command("export")
def catalogue_export(
    context: typer.Context,
    file: File,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="INSTANT", help="Each item once, as it is then; else every row."),
    ] = None,
    json_output: Json = False,
) -> None:
    """Write the catalogue as a file that import takes."""
    from pipelines.catalogue import export_items

    rows = export_items(context.obj.home(), file, instant(as_of))
    tell(context, json_output, {"rows": rows, "file": str(file)}, f"{rows} rows in {file}")


@catalogue_app.command("stock")
def catalogue_stock(
    context: typer.Context,
    item: Item,
    in_stock: Annotated[bool, typer.Option("--in/--out", help="Whether it can be had.")],
    at: Annotated[str | None, typer.Option(metavar="INSTANT", help="Since when. Default: now.")] = None,
    json_output: Json = False,
) -> None:
    """Tell that an item is in stock or out of it: every decision from now on knows, in running services too."""
    from features.errors import DataError
    from features.log.store import to_micros
    from serving.core.articles import StockWord
    from serving.service import DecisionService

    now = now_utc()
    service = DecisionService(context.obj.home())
    try:
        (result,) = service.tell_stock([StockWord(item, in_stock, to_micros(instant(at) or now))], now)
    finally:
        service.close()
    if result.status == "rejected":
        raise DataError(result.detail)
    stands = "in stock" if result.in_stock else "out of stock"
    tell(context, json_output, result._asdict(), f"{item} is {stands} ({result.status}).")
