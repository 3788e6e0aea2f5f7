"""Commands about the live store in PostgreSQL: made, brought up to date, and filled from the SQLite file."""

import typer

from pipelines.cli.base import Json, store_app, tell


@store_app.command("upgrade")
def store_upgrade(context: typer.Context, json_output: Json = False) -> None:
    """Make the store that config/store.yaml names, or bring an older one up to this program: whole, or not at all.

    Run it once, before the services of a new version start; they refuse an older store and say so.
    """
    from pipelines.store import upgrade

    done = upgrade(context.obj.home())
    what = "was up to date" if done.before == done.after else "was made" if done.before is None else "was upgraded"
    tell(context, json_output, done._asdict(), f"The live store {what}: revision {done.after}.")


@store_app.command("move")
def store_move(context: typer.Context, json_output: Json = False) -> None:
    """Copy everything from the SQLite file into the empty store that config/store.yaml names: whole, or not at all.

    Stop the services first, and make the store with: tahdikas store upgrade. The file stays as it is.
    """
    from pipelines.store import move

    moved = move(context.obj.home())
    lines = [f"{sum(moved.values()):,} rows are in PostgreSQL now:"]
    lines += [f"  {table}: {rows:,}" for table, rows in moved.items() if rows]
    tell(context, json_output, moved, "\n".join(lines))
