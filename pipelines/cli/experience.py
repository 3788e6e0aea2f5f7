"""Commands for how the journey went: touchpoints, demand for what is missing, one customer's own curve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.base import Json, Moment, app, instant, now_utc, tell
from pipelines.cli.care import Customer

if TYPE_CHECKING:
    from serving.experience.experience import Experience

Days = Annotated[int, typer.Option(min=1, max=366, help="How far to look back; as many before are compared with.")]
Plot = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Draw the curve into this file (.png, .svg, .pdf).")
]


def experience_of(context: typer.Context) -> "Experience":
    """Experience, over the data folder."""
    from serving.experience.experience import Experience
    from serving.service import DecisionService

    return Experience(DecisionService(context.obj.home()))


@app.command()
def touchpoints(
    context: typer.Context,
    touchpoint: Annotated[str | None, typer.Argument(help="Only this one, with more of its stories.")] = None,
    days: Days = 90,
    stories: Annotated[int | None, typer.Option(min=0, help="Stories of each; default: 1, or 10 of one.")] = None,
    plot: Plot = None,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """How each touchpoint went: volume, satisfaction, what went wrong, the trend, the curve by week, worst stories."""
    import msgspec

    from pipelines.show_experience import touchpoint_page, touchpoint_table

    asked, now = experience_of(context), instant(as_of) or now_utc()
    if touchpoint is None:
        found = asked.touchpoints(now, days, 1 if stories is None else stories)
        text = touchpoint_table(found)
    else:
        found = asked.touchpoint(touchpoint, now, days, 10 if stories is None else stories)
        text = touchpoint_page(found)
    if plot is not None:
        from pipelines.plot_experience import draw_touchpoints

        draw_touchpoints(found, plot)
    tell(context, json_output, msgspec.to_builtins(found), text)


@app.command()
def demand(
    context: typer.Context,
    days: Days = 90,
    min_people: Annotated[
        int, typer.Option(min=1, help="Terms of fewer people are not told: they may tell who she is.")
    ] = 2,
    limit: Annotated[int, typer.Option(min=1, help="How many rows.")] = 20,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """Demand for what is missing: searches in vain or in circles, by term, and friction by item."""
    import msgspec

    from pipelines.show_experience import demand_tables

    found = experience_of(context).demand(instant(as_of) or now_utc(), days, min_people, limit)
    tell(context, json_output, msgspec.to_builtins(found), demand_tables(found))


@app.command()
def experience(
    context: typer.Context,
    customer: Customer,
    days: Annotated[int, typer.Option(min=1, max=3_660, help="How far to look back.")] = 365,
    plot: Plot = None,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """One customer's own curve: what she ordered, got, met, said and was told, and how things stood after each."""
    import msgspec

    from pipelines.show_experience import journey_table

    found = experience_of(context).journey(customer, instant(as_of) or now_utc(), days)
    if plot is not None:
        from pipelines.plot_experience import draw_journey

        draw_journey(found, plot)
    tell(context, json_output, msgspec.to_builtins(found), journey_table(found))
