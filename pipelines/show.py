"""Decisions, lists and entries as people read them in a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from features.customer.holds import RELEASE_CODES, Hold
from serving.core.decision import ChosenAction, Decision
from serving.core.words import HOLDS

if TYPE_CHECKING:
    from features.log.quarantine import Entry
    from pipelines.campaigns import CampaignReport
    from serving.security import ApiKey


def money(minor_units: float) -> str:
    """Minor units as major ones.

    >>> money(12345)
    '123.45'
    """
    return f"{minor_units / 100:,.2f}"


def hold_line(hold: Hold) -> str:
    """A hold in one line: what, how grave, since when, until when or what."""
    until = f"until {hold.ends_at:%Y-%m-%d}" if hold.ends_at else f"until {RELEASE_CODES[hold.release_when]}"
    review = f", review by {hold.review_at:%Y-%m-%d}" if hold.review_at and not hold.ends_at else ""
    what = HOLDS.get(hold.kind, (hold.kind, ""))[0]
    return f"{what} (severity {hold.severity}, since {hold.opened_at:%Y-%m-%d}), {until}{review}"


def items_line(action: ChosenAction, most: int = 3) -> str:
    """The first items of an action by title."""
    titles = [item.title or item.item_id for item in action.items]
    return ", ".join(titles[:most]) + (f" and {len(titles) - most} more" if len(titles) > most else "")


def decision_panel(decision: Decision) -> RenderableType:
    """One decision: what to do, why, what holds are in force, what was withheld."""
    lines: list[RenderableType] = []
    for action in decision.actions:
        lines.append(Text(f"{action.rank}. {action.action_id}: {action.text}", style="bold"))
        if action.items:
            lines.append(Text(f"   {items_line(action, 8)}"))
        lines.append(
            Text(
                f"   chance of a response {action.response_probability:.1%}, "
                f"expected gain {money(action.expected_gain)}, drawn with chance {action.logging_propensity:.3g}"
            )
        )
        lines += [Text(f"   because: {reason.text}") for reason in action.reasons]
    if decision.no_action_reason:
        lines.append(Text(f"Nothing: {decision.no_action_reason.text}", style="bold"))
    lines += [Text(f"On hold: {hold_line(hold)}", style="yellow") for hold in decision.holds]
    if decision.withheld:
        gates = ", ".join(decision.withheld.gates) or "its cost"
        lines.append(Text(f"Withheld: {decision.withheld.action_id}, kept back by {gates}"))
    where = f"{decision.placement} ({decision.channel}), {decision.decided_at:%Y-%m-%d %H:%M} UTC"
    return Panel(Group(*lines), title=f"{decision.customer_key}: {where}", title_align="left", expand=False)


def why_panel(answer: dict[str, Any]) -> RenderableType:
    """An answer of `why`: every action, what it would bring, what blocked it and until when."""
    title = f"{answer['customer_id']}: why, and why not ({answer['placement']}, {answer['channel']})"
    table = Table("action", "gain", "chance of a response", "verdict", title=title, title_justify="left")
    chosen = {action["action_id"] for action in answer["actions"]}
    for candidate in sorted(answer["candidates"], key=lambda c: (c["action_id"] not in chosen, c["rank"] or 99)):
        verdict = "chosen" if candidate["action_id"] in chosen else _blocked(candidate["blocks"])
        gain, chance = money(candidate["expected_gain"]), f"{candidate['response_probability']:.1%}"
        table.add_row(candidate["name"] or candidate["action_id"], gain, chance, verdict)
    reason = answer["no_action_reason"]
    lines = [Text(f"Nothing: {reason['text']}")] if reason else []
    lines += [Text(f"{one['gate']}: {one['text']}") for one in answer["without"] if one["changes"]]
    return Group(table, *lines)


def _blocked(blocks: Sequence[dict[str, Any]]) -> str:
    """The weightiest block in words, holds first, and how many more there are."""
    if not blocks:
        return "another was better"
    first = min(blocks, key=lambda b: b["gate"] != "hold")
    more = f"; and {len(blocks) - 1} more" if len(blocks) > 1 else ""
    return f"{first['text']}: {first['ends']}{more}"


def campaign_table(report: "CampaignReport") -> RenderableType:
    """A built list: the funnel from every known customer to those on it."""
    table = Table(title=f"{report.name}: {report.customers:,} customers, {report.listed:,} on the list")
    table.add_column("", justify="left")
    table.add_column("customers", justify="right")
    table.add_column("expected gain", justify="right")
    for step in sorted(report.funnel, key=lambda step: (step.step != "listed", -step.customers)):
        style = "green" if step.step == "listed" else "yellow" if step.code.startswith("hold:") else ""
        label = step.text if step.step == "listed" else f"kept off: {step.text}"
        table.add_row(Text(label, style=style), f"{step.customers:,}", money(step.gain))
    return Group(table, Text(f"Written to {report.folder}"))


def quarantine_table(entries: Sequence["Entry"]) -> RenderableType:
    """Refused events with the reason and the start of the raw text."""
    if not entries:
        return Text("The quarantine is empty.")
    table = Table("id", "received", "source", "reason", "detail", "raw")
    for entry in entries:
        table.add_row(
            str(entry.id),
            f"{entry.received_at:%Y-%m-%d %H:%M}",
            entry.source,
            entry.reason,
            entry.detail,
            entry.raw[:60],
        )
    return table


def key_table(keys: Sequence["ApiKey"]) -> RenderableType:
    """API keys without their secrets."""
    table = Table("id", "name", "scopes", "created", "revoked")
    for key in keys:
        revoked = f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
        table.add_row(key.key_id, key.name, " ".join(sorted(key.scopes)), f"{key.created_at:%Y-%m-%d}", revoked)
    return table
