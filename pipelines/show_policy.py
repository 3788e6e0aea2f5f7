"""Policy and actions as people read them in a terminal: where each action comes from, and what a change would do."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from serving.desk.action_list import ListedAction
    from serving.desk.policy_check import PolicyCheck
    from serving.desk.trial import Trial

_STYLES = {"changed": "yellow", "added": "green", "switched off": "dim"}


def action_table(actions: Sequence["ListedAction"], path: Path) -> RenderableType:
    """Every action, and what the shop did to it."""
    ours = sum(one.origin != "default" for one in actions)
    title = f"{len(actions)} actions, {ours} of them not as shipped, from {path}"
    table = Table("action", "name", "category", "group", "channels", "from", title=title, title_justify="left")
    for one in actions:
        origin = f"{one.origin}: {', '.join(one.changed)}" if one.changed else one.origin
        row = (one.action_id, one.name, one.category, one.group, ", ".join(one.channels), origin)
        table.add_row(*row, style=_STYLES.get(one.origin))
    return table


def check_report(found: "PolicyCheck") -> RenderableType:
    """The faults, else the changes, and what they would do for a sample of customers."""
    lines = found.faults or found.changes or ["No fault, and nothing differs from what is in place."]
    parts: list[RenderableType] = [Text("\n".join(lines))]
    if found.trial is not None:
        parts += ["", *_trial(found.trial)]
    return Group(*parts)


def _trial(trial: "Trial") -> list[RenderableType]:
    who = (
        f"{trial.sampled:,} of {trial.customers:,} customers looked at, {trial.held:,} of them held, "
        f"{trial.with_cases:,} with an open case."
    )
    if not trial.changed and not trial.reworded:
        parts: list[RenderableType] = [Text(f"{who} Nobody would get another answer.")]
    else:
        more = trial.contacts[1] - trial.contacts[0]
        parts = [
            Text(
                f"{who} {trial.changed:,} would get another action in some place (about {trial.estimated:,.0f} of the "
                f"whole shop), {trial.reworded:,} the same in other words or with other products. Outbound contacts: "
                f"{trial.contacts[0]:,} before, {trial.contacts[1]:,} after ({more:+,}).",
                style="bold",
            ),
            _transitions(trial),
            *_examples(trial),
        ]
    if trial.left_out:
        parts.append(Text(f"Not compared: {'; '.join(trial.left_out)}."))
    return parts


def _transitions(trial: "Trial") -> RenderableType:
    table = Table("placement", "customers", "now", "then", "barred by", "no more barred by")
    for place in trial.placements:
        named = f"{place.placement} ({place.channel})"
        for move in place.transitions:
            table.add_row(named, f"{move.customers:,}", move.before, move.after)
            named = ""
        if place.changed:
            table.add_row("", "", "", "", _gates(place.bars), _gates(place.opens))
        if place.reworded:
            table.add_row(named, f"{place.reworded:,}", "the same", "other words or products")
        table.add_section()
    return table


def _gates(counts: dict[str, int]) -> str:
    return ", ".join(f"{gate} {count:,}" for gate, count in counts.items())


def _examples(trial: "Trial") -> list[RenderableType]:
    table = Table("for instance", "where", "now", "then", "why")
    for one in trial.examples:
        table.add_row(one.customer_id, one.placement, one.before, one.after, one.why)
    return [table]
