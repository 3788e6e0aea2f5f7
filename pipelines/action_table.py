"""The table of shipped actions in docs/actions.md, made from the file of actions itself."""

from pathlib import Path

from serving.core.actions import Action
from serving.core.catalogue import DEFAULT_ACTIONS, parse_catalogue
from serving.core.live import KNOWN_FEATURES

PAGE = Path(__file__).parents[1] / "docs" / "actions.md"
BEGINS, ENDS = (
    "<!-- shipped actions: `python -m pipelines.action_table` writes this table -->",
    "<!-- end of the table -->",
)


def action_table() -> str:
    """One row a shipped action: what it is, when it may go, how often, in which forms."""
    catalogue = parse_catalogue(DEFAULT_ACTIONS.read_text(encoding="utf-8"), known=KNOWN_FEATURES)
    rows = ["| action | | kind | when | how often | where |", "|---|---|---|---|---|---|"]
    rows += [_row(action) for action in catalogue.actions]
    return "\n".join(rows)


def with_table(page: str) -> str:
    """The page with the table between its marks as it should be."""
    before, rest = page.split(BEGINS)
    return f"{before}{BEGINS}\n\n{action_table()}\n\n{ENDS}{rest.split(ENDS)[1]}"


def _row(action: Action) -> str:
    conditions = (*action.eligibility, *action.applicability, *action.suitability)
    when = "; ".join(f"`{one}`" for one in conditions) or "always"
    return (
        f"| `{action.action}` | {action.name.en}. *{action.name.fi}* | {action.category}, {action.group} | {when} |"
        f" {_often(action)} | {_where(action)} |"
    )


def _often(action: Action) -> str:
    said = []
    if action.after:
        said.append("after " + ", ".join(f"`{one}`" for one in action.after))
    if action.sample < 1:
        said.append(f"a sample of {action.sample:.0%}")
    if action.once_per:
        said.append(f"once per {action.once_per}")
    if action.asks:
        said.append(f"until `{action.asks}` is told or refused")
    if (cap := action.cap) is not None:
        where = f" by {', '.join(cap.channels)}" if cap.channels else ""
        whole = ", its whole group counted" if cap.whole_group else ""
        said.append(f"{cap.limit} in {cap.days:g} days{where}{whole}")
    return "; ".join(said)


def _where(action: Action) -> str:
    forms = []
    for form in action.treatments:
        places = f" ({', '.join(form.placements)})" if form.placements else ""
        only = "; only where " + "; ".join(f"`{c}`" for c in form.applicability) if form.applicability else ""
        forms.append(f"{', '.join(form.channels)}{places}{only}")
    return "<br>".join(forms)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
