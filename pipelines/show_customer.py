"""One customer as a terminal shows her: where she stands, what the models say of her and why."""

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from pipelines.show import money
from serving.core.words import HOLDS

_SCORES = {
    "churn_probability": "chance that she leaves",
    "second_purchase_probability": "chance of a second order",
    "expected_value": "expected to bring",
}


def customer_panel(told: dict[str, Any]) -> RenderableType:
    """What `DecisionService.customer` tells, its scores with their causes first."""
    lines = [Text(f"stage: {told['stage']}")] if told.get("stage") else []
    lines += [Text(f"on hold: {HOLDS.get(one['kind'], (one['kind'],))[0]}", style="yellow") for one in told["holds"]]
    if not told["scores"]:
        lines.append(Text("no model says anything of her"))
    for name, words in _SCORES.items():
        if name in told["scores"]:
            score = told["scores"][name]
            lines.append(Text(f"{words}: {money(score) if name == 'expected_value' else f'{score:.0%}'}", style="bold"))
            causes = told["causes"].get(name, {})
            for way in ("raises", "lowers"):
                lines += [Text(f"  {way} it: {cause['text']}") for cause in causes.get(way, ())]
    return Panel(
        Group(*lines), title=f"{told['customer_id']}, {told['state_status']}", title_align="left", expand=False
    )
