"""Commands that decide and explain: decide, why, explain-decision, year, campaign."""

from typing import Annotated

import typer

from features.errors import DataError
from pipelines.cli.base import Channel, Json, Moment, Placement, app, campaign_app, instant, now_utc, progress, tell


@app.command()
def decide(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The shop's id of the customer.")],
    channel: Channel = "web",
    placement: Placement = "front_page",
    n: Annotated[int, typer.Option(help="Positions of the slot.")] = 1,
    record: Annotated[bool, typer.Option(help="Record it as served; without it nothing is written.")] = False,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """Her next best action, here and now, and why. Simulated unless --record is given."""
    from pipelines.show import decision_panel
    from serving.core.question import Request
    from serving.service import DecisionService

    service = DecisionService(context.obj.home())
    request = Request(
        customer_id=customer,
        channel=channel,
        placement=placement,
        n=n,
        now=instant(as_of) or now_utc(),
        mode="serve" if record else "simulate",
    )
    decision = service.decide(request)
    tell(context, json_output, decision.plain(), decision_panel(decision))


@app.command()
def why(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The shop's id of the customer.")],
    action: Annotated[str | None, typer.Option(help="Only this action.")] = None,
    channel: Channel = "web",
    placement: Placement = "front_page",
    as_of: Moment = None,
    at: Annotated[
        str | None, typer.Option(help="A past moment, UTC: her latest decision until then, from the record.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Why she gets what she gets, what blocks the rest, until when, and what she would have got."""
    from pipelines.show import why_panel
    from serving.service import DecisionService

    service = DecisionService(context.obj.home())
    moment = instant(as_of) or now_utc()
    answer = service.why(customer, moment, action, at=instant(at), channel=channel, placement=placement)
    if answer is None and at is not None:
        raise DataError(f"Nothing was decided for customer {customer!r} at {placement} by {at}. Ask another placement.")
    if answer is None:
        raise DataError(
            f"Nothing is known of customer {customer!r} in {context.obj.root}. Is the id as the shop writes it?"
        )
    tell(context, json_output, answer, why_panel(answer))


@app.command("explain-decision")
def explain_decision(context: typer.Context, json_output: Json = False) -> None:
    """One decision of a tiny shop taken apart from event to answer, in Markdown: docs/decisions-explained.md."""
    from pipelines.explained.page import explained_page

    page = explained_page()
    if json_output or context.obj.json:
        tell(context, True, {"page": page}, None)
    else:
        typer.echo(page, nl=False)


@app.command()
def year(context: typer.Context, json_output: Json = False) -> None:
    """A year in three customers' lives, lived day by day through the running system, in Markdown: docs/a-year.md."""
    from pipelines.year.page import year_page

    page = year_page()
    if json_output or context.obj.json:
        tell(context, True, {"page": page}, None)
    else:
        typer.echo(page, nl=False)


@campaign_app.command("build")
def campaign_build(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="What the list is for; part of its id.")] = "next-best-action",
    channel: Channel = "email",
    placement: Placement = "email",
    as_of: Moment = None,
    send_at: Annotated[
        str | None,
        typer.Option(help="When it will be sent, UTC; without it now, or when the quiet hours end."),
    ] = None,
    json_output: Json = False,
) -> None:
    """Decide for every known customer, and write who is on the list, who was kept off, and why (CSV and Parquet)."""
    from pipelines.campaigns import build_campaign, known_customers
    from pipelines.show import campaign_table

    home = context.obj.home()
    with progress("Deciding", total=known_customers(home), quiet=json_output or context.obj.json) as done:
        report = build_campaign(
            home,
            name=name,
            channel=channel,
            placement=placement,
            now=instant(as_of) or now_utc(),
            send_at=instant(send_at),
            progress=done,
        )
    tell(context, json_output, report.summary() | {"folder": report.folder}, campaign_table(report))


@campaign_app.command("export")
def campaign_export(
    context: typer.Context,
    campaign: Annotated[str, typer.Argument(help="The list's id, as `campaign build` printed it.")],
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """Recheck every row of a list now and write what may still be sent; who dropped out since, and why, is told."""
    from pipelines.export import export_campaign

    export = export_campaign(context.obj.home(), campaign, now=instant(as_of) or now_utc())
    tell(context, json_output, export.to_json(), str(export))
