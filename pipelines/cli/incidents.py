"""Commands for incidents: alarms, trying a rule out, declaring and closing."""

from typing import Annotated

import typer

from pipelines.cli.base import Json, Moment, incident_app, instant, now_utc, tell
from pipelines.cli.care import Person, Reason, desk_of

Carrier = Annotated[str | None, typer.Option(help="Orders that this carrier brings.")]
OrderChannel = Annotated[str | None, typer.Option("--channel", help="Orders of this channel.")]
Touchpoint = Annotated[str | None, typer.Option(help="Who met friction or gave feedback there.")]
Between = Annotated[
    tuple[str, str] | None, typer.Option("--orders-between", metavar="FROM TO", help="Orders from FROM to before TO.")
]
Since = Annotated[str | None, typer.Option(metavar="INSTANT", help="From when on.")]


def rule_of(
    carrier: str | None, channel: str | None, touchpoint: str | None, between: tuple[str, str] | None, since: str | None
) -> dict[str, object]:
    """The rule that the options say; instants as the event wants them."""
    rule: dict[str, object] = {"carrier": carrier, "channel": channel, "touchpoint": touchpoint}
    if between is not None:
        rule["orders_between"] = [_text(between[0]), _text(between[1])]
    if since is not None:
        rule["since"] = _text(since)
    return {name: value for name, value in rule.items() if value is not None}


@incident_app.command("list")
def incident_list(context: typer.Context, as_of: Moment = None, json_output: Json = False) -> None:
    """All incidents, open ones first, then the latest declared."""
    import msgspec

    from pipelines.show_desk import incident_table

    found = desk_of(context).incidents(instant(as_of) or now_utc())
    tell(context, json_output, msgspec.to_builtins(found), incident_table(found))


@incident_app.command("alarms")
def incident_alarms(context: typer.Context, as_of: Moment = None, json_output: Json = False) -> None:
    """Where unhappy customers have jumped beyond chance, each with the rule to declare an incident by."""
    import msgspec

    from pipelines.show_desk import alarm_table

    found = desk_of(context).alarms(instant(as_of) or now_utc())
    tell(context, json_output, msgspec.to_builtins(found), alarm_table(found))


@incident_app.command("reach")
def incident_reach(
    context: typer.Context,
    carrier: Carrier = None,
    channel: OrderChannel = None,
    touchpoint: Touchpoint = None,
    orders_between: Between = None,
    since: Since = None,
    as_of: Moment = None,
    json_output: Json = False,
) -> None:
    """How many customers a rule would take in, with examples; writes nothing."""
    import msgspec

    rule = rule_of(carrier, channel, touchpoint, orders_between, since)
    found = desk_of(context).reach(rule, instant(as_of) or now_utc())
    text = f"{found.affected:,} of {found.customers:,} customers, such as {', '.join(found.examples) or 'nobody'}"
    tell(context, json_output, msgspec.to_builtins(found), text)


@incident_app.command("declare")
def incident_declare(
    context: typer.Context,
    person: Person,
    reason: Reason,
    incident_id: Annotated[str | None, typer.Option("--id", help="Its id; one is made if absent.")] = None,
    carrier: Carrier = None,
    channel: OrderChannel = None,
    touchpoint: Touchpoint = None,
    orders_between: Between = None,
    since: Since = None,
    json_output: Json = False,
) -> None:
    """Declare an incident: whom it affects is held from the next decision on, until it is closed or over."""
    import msgspec

    from serving.desk.incidents import IncidentWish

    rule = rule_of(carrier, channel, touchpoint, orders_between, since)
    wish = IncidentWish(rule=rule, person=person, reason=reason, incident_id=incident_id, touchpoint=touchpoint)
    found = desk_of(context).declare(wish, now_utc())
    text = f"{found.incident.incident_id} is declared; it ends on {found.ends_at:%Y-%m-%d} unless it is closed before."
    tell(context, json_output, msgspec.to_builtins(found), text)


@incident_app.command("close")
def incident_close(
    context: typer.Context,
    incident_id: Annotated[str, typer.Argument(help="The incident.")],
    person: Person,
    reason: Reason,
    json_output: Json = False,
) -> None:
    """Close an incident: whom it held is free of it at the next decision."""
    import msgspec

    found = desk_of(context).close_incident(incident_id, person, reason, now_utc())
    tell(context, json_output, msgspec.to_builtins(found), f"{incident_id} is closed.")


def _text(moment: str) -> str:
    found = instant(moment)
    return "" if found is None else found.isoformat()
