"""The command that shows the features: what each means, what it is made of, how it is distributed."""

from typing import Annotated

import typer

from pipelines.cli.base import Json, app, tell


@app.command()
def features(
    context: typer.Context,
    begins: Annotated[str, typer.Argument(help="Only features whose names begin so.")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Refuse what one engine cannot run or engines would compute differently.")
    ] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Write docs/features.md of this checkout, with these distributions.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Every batch feature: unit, window, events it is made of, null share and percentiles in the newest snapshot.

    To have a snapshot: tahdikas materialize
    """
    import msgspec

    from features.errors import DataError
    from features.feature_store.batch import BATCH_FEATURES
    from features.feature_store.distributions import distributions
    from features.feature_store.documentation import write_page
    from features.feature_store.engine_rules import check_engines
    from features.feature_store.snapshots import BATCH, snapshots
    from pipelines.show_features import feature_json, feature_table

    chosen = [spec for name, spec in BATCH_FEATURES.items() if name.startswith(begins)]
    if not chosen:
        raise DataError(f"No feature's name begins with {begins!r}. See all with: tahdikas features")
    if check:
        check_engines(chosen)
    newest = snapshots(context.obj.home(), BATCH)[-1:]
    measured = distributions(newest[0].files, newest[0].cutoff) if newest else None
    if page:
        if measured is None:
            raise DataError("There is no snapshot to take distributions from. Make one: tahdikas materialize")
        write_page(msgspec.structs.replace(measured, command=SHOWN))
    tell(context, json_output, feature_json(chosen, measured), feature_table(chosen, measured))


SHOWN = """\
tahdikas --home shown simulate --customers 3000 --seed 7
tahdikas --home shown ingest simulated shown/simulated
tahdikas --home shown materialize
tahdikas --home shown features --page"""
"""How the page's distributions are made; kept on the page."""
