"""The staff's side as people read it in a terminal: watch list, calls, incidents, the cost of silence, a replay."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from features.instants import from_us
from pipelines.show import hold_line, money

if TYPE_CHECKING:
    from serving.alarms.watch import Alarm
    from serving.desk.call_list import Call
    from serving.desk.incidents import Listed
    from serving.desk.silence import Silence
    from serving.desk.watch_list import WatchPage
    from serving.desk.work_list import WorkPage


def watch_table(page: "WatchPage") -> RenderableType:
    """Who is silenced, by what, and when it ends."""
    title = f"{page.total:,} silences, {page.past_review:,} of them past their review"
    table = Table("customer", "hold", "severity", "since", "ends", title=title, title_justify="left")
    for one in page.entries:
        since = f"{one.since:%Y-%m-%d}" if one.since else ""
        what = f"{one.text}\n{one.hold.hold_id}" if one.hold else one.text
        style = "red" if one.past_review else None
        table.add_row(one.customer_id, what, str(one.severity), since, one.ends, style=style)
    return table


def call_table(calls: Sequence["Call"], total: int) -> RenderableType:
    """Whom to call, and about what."""
    table = Table(
        "customer", "severity", "paid so far", "about", title=f"{total:,} calls to make", title_justify="left"
    )
    for one in calls:
        about = [hold_line(hold) for hold in one.holds]
        about += [f"{c.kind} {c.case_id}: {c.status}, asked {c.asked} times" for c in one.cases]
        if one.quiet:
            about.append("it is night where she lives: call later")
        table.add_row(one.customer_id, str(one.severity), money(one.value), "\n".join(about))
    return table


def work_table(page: "WorkPage") -> RenderableType:
    """For whom there is something to do, and what."""
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in page.kinds.items())
    title = f"{page.total:,} customers wait for a person" + (f": {kinds}" if kinds else "")
    table = Table("customer", "severity", "since", "paid so far", "to do", title=title, title_justify="left")
    for one in page.entries:
        todo = [f"{task.kind}: {task.text}" + (f" ({task.detail})" if task.detail else "") for task in one.tasks]
        if any(task.quiet for task in one.tasks):
            todo.append("it is night where she lives: call later")
        since = f"{one.since:%Y-%m-%d}" if one.since else ""
        table.add_row(one.customer_id, str(one.severity), since, money(one.value), "\n".join(todo))
    return table


def incident_table(incidents: Sequence["Listed"]) -> RenderableType:
    """All incidents."""
    if not incidents:
        return Text("No incident was ever declared.")
    table = Table("id", "status", "declared", "ends", "by", "reason", "rule")
    for one in incidents:
        incident = one.incident
        table.add_row(
            incident.incident_id,
            one.status,
            f"{from_us(incident.declared_at):%Y-%m-%d %H:%M}",
            f"{one.ends_at:%Y-%m-%d %H:%M}",
            incident.person or "",
            incident.reason or "",
            str(incident.rule),
        )
    return table


def alarm_table(alarms: Sequence["Alarm"]) -> RenderableType:
    """Alarms, each with what would declare it."""
    if not alarms:
        return Text("No alarm: nothing jumped beyond chance.")
    table = Table("what", "since", "customers", "expected", "chance", "declared", "rule")
    for one in alarms:
        table.add_row(
            one.text,
            f"{one.since:%Y-%m-%d %H:%M}",
            str(one.customers),
            f"{one.expected:.1f}",
            f"{one.p_value:.1e}",
            one.declared or "no",
            str(one.rule),
        )
    return table


def silence_table(found: "Silence") -> RenderableType:
    """The cost of silence by kind of hold."""
    title = f"{found.silent_now:,} customers silent; {found.decisions:,} decisions of {found.days} days, estimated"
    table = Table("hold", "silent now", "days so far", "customers", "margin withheld", "by it alone", title=title)
    for kind in found.kinds:
        if kind.mean_days is None or kind.median_days is None:
            lengths = ""
        else:
            lengths = f"{kind.mean_days:.1f} (median {kind.median_days:.1f})"
        table.add_row(
            kind.text,
            f"{kind.silent_now:,}",
            lengths,
            f"{kind.customers_withheld:,}",
            money(kind.margin_withheld),
            money(kind.margin_withheld_alone),
        )
    told = found.predicted
    if told.difference is None or told.low is None or told.high is None:
        last = f"What silence over predictions is worth is not estimable: {told.reason}."
    else:
        last = (
            f"Let go of a predicted hold, a customer brings {money(told.difference)} more "
            f"(95 %: {money(told.low)} to {money(told.high)}; {told.released:,} let go, {told.held:,} held)."
        )
    total = f"In all {money(found.margin_withheld)} withheld from {found.customers_withheld:,} customers."
    return Group(table, Text(total), Text(last))


def replay_panel(found: dict[str, Any]) -> RenderableType:
    """Whether a decision came out again as recorded, and what did not."""
    if found["exact"]:
        return Text(f"{found['decision_id']}: came out exactly as recorded. Models: {found['model']}.")
    table = Table("field", "recorded", "replayed", title=f"{found['decision_id']}: came out otherwise")
    for one in found["differences"]:
        table.add_row(str(one["field"]), str(one.get("recorded"))[:200], str(one.get("replayed"))[:200])
    return table
