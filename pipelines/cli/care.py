"""Commands for those who care for customers: who is silenced and why, holds by hand, calls, the cost of silence."""

from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import DataError
from pipelines.cli.base import Json, Moment, app, hold_app, instant, now_utc, parse_instant, tell

if TYPE_CHECKING:
    from serving.desk.desk import Desk

Customer = Annotated[str, typer.Argument(help="The shop's id of the customer.")]
Person = Annotated[str, typer.Option(help="Who does it; kept with the event.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the event.")]


def desk_of(context: typer.Context) -> "Desk":
    """The desk over the data folder."""
    from serving.desk.desk import Desk
    from serving.service import DecisionService

    return Desk(DecisionService(context.obj.home()))


@app.command()
def holds(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only this kind of hold, or state_unknown.")] = None,
    min_severity: Annotated[int, typer.Option(min=1, max=5, help="Only this grave or graver.")] = 1,
    past_review: Annotated[bool, typer.Option(help="Only what a person should have looked at.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """The watch list: everything that silences anybody, past review first, then the gravest, then the oldest."""
    import msgspec

    from pipelines.show_desk import watch_table
    from serving.desk.watch_list import Filters

    filters = Filters(kind, min_severity, True if past_review else None)
    page = desk_of(context).watch(filters, instant(as_of) or now_utc(), limit=limit)
    data = {"total": page.total, "past_review": page.past_review, "entries": msgspec.to_builtins(page.entries)}
    tell(context, json_output, data, watch_table(page))


@hold_app.command("add")
def hold_add(
    context: typer.Context,
    customer: Customer,
    review_at: Annotated[str, typer.Option(metavar="DATE", help="When somebody looks again: 100 days ahead at most.")],
    person: Person,
    reason: Reason,
    category: Annotated[
        list[str] | None, typer.Option(help="data, service, care, sales; may be repeated. Default: as the policy says.")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="A channel, any, outbound or onsite; may be repeated. Default: the policy's."),
    ] = None,
    json_output: Json = False,
) -> None:
    """Hold a customer by hand, from the next decision on, until a person releases it."""
    import msgspec

    from serving.desk.staff_events import HoldWish

    wish = HoldWish(
        review_at=parse_instant(review_at),
        person=person,
        reason=reason,
        categories=tuple(category or ()),
        channels=tuple(channel or ()),
    )
    found = desk_of(context).add_hold(customer, wish, now_utc())
    tell(context, json_output, msgspec.to_builtins(found), f"{found.customer_id} is held: {found.hold_id}")


@hold_app.command("release")
def hold_release(
    context: typer.Context,
    customer: Customer,
    hold_id: Annotated[str, typer.Argument(help="The hold, as `tahdikas holds` names it.")],
    person: Person,
    reason: Reason,
    json_output: Json = False,
) -> None:
    """End a hold of any kind by hand, until its cause grows worse."""
    import msgspec

    found = desk_of(context).release_hold(customer, hold_id, person, reason, now_utc())
    rest = ", ".join(hold.hold_id for hold in found.holds) or "nothing"
    tell(context, json_output, msgspec.to_builtins(found), f"{hold_id} is released. Still in force for her: {rest}.")


@app.command()
def calls(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """The call list: whom a person should call next, the gravest first, then the dearest."""
    import msgspec

    from pipelines.show_desk import call_table

    total, found = desk_of(context).call_list(instant(as_of) or now_utc(), limit)
    data = {"total": total, "calls": msgspec.to_builtins(found)}
    tell(context, json_output, data, call_table(found, total))


@app.command()
def worklist(
    context: typer.Context,
    kind: Annotated[
        str | None,
        typer.Option(help="Only who has such a task: call, quarantine, bad_resolution, open_case, review, predicted."),
    ] = None,
    min_severity: Annotated[int, typer.Option(min=1, max=5, help="Only tasks this grave or graver.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """The work list: for whom a person is the next best action, and what there is to do, the most urgent first."""
    import msgspec

    from pipelines.show_desk import work_table
    from serving.desk.work_list import WorkFilters

    page = desk_of(context).work_list(WorkFilters(kind, min_severity), instant(as_of) or now_utc(), limit=limit)
    entries = [{"severity": one.severity, "since": one.since, **msgspec.to_builtins(one)} for one in page.entries]
    tell(context, json_output, {"total": page.total, "kinds": page.kinds, "entries": entries}, work_table(page))


@app.command()
def silence(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="How far to look back.")] = 30,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """What holds cost: per kind how many are silent, for how long, and the margin kept back, as an estimate."""
    import msgspec

    from pipelines.show_desk import silence_table

    found = desk_of(context).silence(instant(as_of) or now_utc(), days)
    data = msgspec.to_builtins(found) | {"predicted": found.predicted._asdict(), "is_estimate": True}
    tell(context, json_output, data, silence_table(found))


@app.command()
def replay(
    context: typer.Context,
    decision_id: Annotated[str, typer.Argument(help="The decision, as it was answered or stands in a list.")],
    json_output: Json = False,
) -> None:
    """Take a recorded decision again, from what the engine looked at then; exit code 1 where anything differs."""
    from pipelines.show_desk import replay_panel

    found = desk_of(context).service.replay(decision_id)
    if found is None:
        raise DataError(
            f"There is no record of decision {decision_id!r} in {context.obj.root}. Simulated ones leave none."
        )
    tell(context, json_output, found, replay_panel(found))
    if not found["exact"]:
        raise typer.Exit(1)
