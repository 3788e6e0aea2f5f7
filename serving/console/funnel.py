"""The way of the customers through a list, for one glance: on it, left in peace, kept off for other reasons."""

from dataclasses import dataclass, field
from typing import Any

from serving.console.language import Language
from serving.core.words import HOLDS

_HOLD = "hold:"


@dataclass(frozen=True)
class Line:
    """One step: how many customers ended there, their share of all, and the gain it means in minor units."""

    code: str
    text: str
    customers: int
    share: float
    gain: float


@dataclass
class Group:
    """Steps that belong together, with their sums. `tab` and `parameter` lead to the rows of one step."""

    key: str
    tab: str
    parameter: str
    customers: int = 0
    share: float = 0.0
    gain: float = 0.0
    lines: list[Line] = field(default_factory=list)


def groups(summary: dict[str, Any], language: Language) -> list[Group]:
    """The funnel of a list in its parts, those without anybody left out."""
    found = [
        Group("listed", "list", "action"),
        Group("in_peace", "kept", "reason"),
        Group("other", "kept", "reason"),
        Group("outside", "", ""),
    ]
    everybody = max(1, summary["customers"])
    for step in summary["funnel"]:
        group = found[_place(step)]
        share = step["customers"] / everybody
        group.lines.append(
            Line(step["code"], step_text(summary, step, language), step["customers"], share, step["gain"])
        )
        group.customers += step["customers"]
        group.gain += step["gain"]
        group.share = group.customers / everybody
    return [group for group in found if group.lines]


def _place(step: dict[str, Any]) -> int:
    if step["step"] != "kept_off":
        return 0 if step["step"] == "listed" else 3
    return 1 if step["code"].startswith(_HOLD) else 2


def step_text(summary: dict[str, Any], step: dict[str, Any], language: Language) -> str:
    """What a step says: the message's name, what keeps offers away, or the reason in words."""
    code: str = step["code"]
    if step["step"] == "listed":
        return action_name(summary, code, language)
    if code.startswith(_HOLD) and code.removeprefix(_HOLD) in HOLDS:
        text = language.pick(*HOLDS[code.removeprefix(_HOLD)])
        return text[0].upper() + text[1:]
    return language.pick(step["text"], step["text_fi"])


def action_name(summary: dict[str, Any], action_id: str | None, language: Language) -> str:
    """An action as the catalogue called it when the list was built; its id where the list does not say."""
    names: dict[str, dict[str, str]] = summary.get("names", {})
    return names.get(action_id or "", {}).get(language.code, action_id or "")
