"""Experience as people read it in a terminal: touchpoints with their curves, demand, one customer's journey.

What customers wrote is shown without its control characters: none of it may steer a terminal.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from serving.experience.demand import Demand
    from serving.experience.figures import Estimate, Trend
    from serving.experience.journey import Journey
    from serving.experience.stories import Story
    from serving.experience.touchpoints import Report, Touchpoint

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_ARROWS = {"rising": "▲", "falling": "▼", "unclear": "~", "too_few": "too few", "no_history": "no history"}


def plain(text: str) -> Text:
    """A text of unknown hand, safe to show: no control or invisible character, no markup.

    >>> str(plain("\\x1b[31mred[bold]\\u202e\\n"))
    '[31mred[bold]'
    """
    return Text("".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")))


def sparkline(values: Iterable[float | None], *, top: float | None = None) -> str:
    """A curve in one line, from 0 to `top` (default: the largest value); a dot where there is no value.

    >>> sparkline([0, 2, None, 4]), sparkline([0.5, 1.0], top=1.0)
    ('▁▅·█', '▅█')
    """
    known = list(values)
    highest = top or max((value for value in known if value is not None), default=0) or 1
    return "".join(
        _GAP if value is None else _BLOCKS[min(int(value / highest * len(_BLOCKS)), len(_BLOCKS) - 1)]
        for value in known
    )


def share(told: "Estimate | None") -> str:
    """A figure with its interval, in hundredths."""
    if told is None:
        return "too few to tell"
    return f"{told.value:.2f} ({told.low:.2f}–{told.high:.2f})"


def arrow(trend: "Trend") -> str:
    """Whither."""
    return _ARROWS[trend.direction]


def touchpoint_table(report: "Report") -> RenderableType:
    """All touchpoints, one line each, and the worst stories below."""
    if not report.touchpoints:
        return Text(f"Nothing happened in the {report.days} days before {report.as_of:%Y-%m-%d}.")
    table = Table(
        "touchpoint", "people", "by week", "satisfaction", "", "by week", "trouble", "", "complaints",
        title=f"{report.days} days to {report.as_of:%Y-%m-%d %H:%M}; figures 0 to 1 with 95 % intervals",
        title_justify="left",
    )  # fmt: skip
    for one in report.touchpoints:
        table.add_row(
            plain(one.touchpoint),
            f"{one.people:,} {arrow(one.busier)}",
            sparkline(week.people for week in one.weeks),
            share(one.satisfaction),
            arrow(one.satisfaction_trend) if one.satisfaction else "",
            sparkline((week.satisfaction for week in one.weeks), top=1.0),
            share(one.trouble),
            arrow(one.trouble_trend),
            f"{one.complaints.events:,}",
        )
    stories = [(one.touchpoint, story) for one in report.touchpoints for story in one.stories]
    return Group(table, *(Text.assemble(plain(place), ": ", _story(story)) for place, story in stories))


def touchpoint_page(report: "Report") -> RenderableType:
    """One touchpoint in full."""
    (one,) = report.touchpoints
    return Group(touchpoint_table(report), *_lines(one), _weeks(one))


def _lines(one: "Touchpoint") -> list[Text]:
    wrong = ", ".join(f"{kind.kind} {kind.events:,} ({kind.people:,} people)" for kind in one.frictions) or "nothing"
    return [
        Text(f"{one.events:,} events, {one.unstated:,} of them without a touchpoint of their own; "
             f"{one.visitors:,} of the people have no name"),
        Text(f"{one.answers:,} scores of {one.answered:,} people; good {share(one.good)}, bad {share(one.bad)}"),
        Text(f"went wrong: {wrong}; {one.complaints.events:,} complaints ({one.complaints.people:,} people)"),
        Text(f"satisfaction {_change(one.satisfaction_trend)}; trouble {_change(one.trouble_trend)}"),
    ]  # fmt: skip


def _change(trend: "Trend") -> str:
    if trend.change is None or trend.low is None or trend.high is None:
        return trend.direction.replace("_", " ")
    return f"{trend.direction} by {trend.change:+.3f} ({trend.low:+.3f} to {trend.high:+.3f})"


def _weeks(one: "Touchpoint") -> Table:
    table = Table("week to", "events", "people", "answered", "satisfaction", "friction", "complaints")
    for week in one.weeks:
        told = "" if week.satisfaction is None else f"{week.satisfaction:.2f}"
        counts = (week.events, week.people, week.answered)
        table.add_row(
            f"{week.until:%Y-%m-%d}", *map(str, counts), told, str(week.frictions), str(week.complaints)
        )  # fmt: skip
    return table


def _story(story: "Story") -> Text:
    score = "" if story.score is None else f" {story.score:.2f}"
    case = "" if story.case is None else f", case {story.case.case_id} {story.case.status}"
    told = plain(f"{story.at:%Y-%m-%d} {story.customer_id}, {story.kind}{score}{case}: ")
    return Text.assemble(told, (plain(story.text).plain or "no words", "italic"))


def demand_tables(found: "Demand") -> RenderableType:
    """Terms, then friction."""
    terms = Table(
        "searched in vain", "people", "in vain", "in circles", "of all", "trend", "last", "in the catalogue",
        title=f"{found.terms_found:,} terms in {found.days} days; {found.kept_back:,} of fewer than "
        f"{found.min_people} people kept back",
        title_justify="left",
    )  # fmt: skip
    for term in found.terms:
        now = f"{term.articles:,} ({term.in_stock:,} in stock)" if term.articles else "no"
        counts = (term.people, term.in_vain, term.in_circles, term.searched_by)
        terms.add_row(plain(term.term), *(f"{n:,}" for n in counts), arrow(term.trend), f"{term.last_at:%Y-%m-%d}", now)
    lacks = Table("could not", "where", "item", "people", "times", "trend", "last", "in stock now")
    for one in found.frictions:
        item = Text("") if one.item_id is None else plain(f"{one.item_id} {one.title or ''}".strip())
        stock = {None: "", True: "yes", False: "no"}[one.in_stock]
        lacks.add_row(
            one.kind, plain(one.touchpoint), item, f"{one.people:,}", f"{one.times:,}", arrow(one.trend),
            f"{one.last_at:%Y-%m-%d}", stock,
        )  # fmt: skip
    return Group(terms, lacks)


def journey_table(found: "Journey") -> RenderableType:
    """Her moments, with the curve."""
    stands = "nothing known yet" if found.estimate is None else f"{found.estimate:.2f}"
    title = f"{found.customer_id}: {len(found.moments):,} of {found.moments_in_all:,} moments; stands at {stands}"
    table = Table("when", "what", "where", "score", "stands", "words", title=plain(title), title_justify="left")
    for one in found.moments:
        about = one.case_id or one.order_id or one.item_id or one.action_id or ""
        what = plain(" ".join(part for part in (one.kind, one.detail, about) if part))
        style = "red" if one.estimate is not None and one.estimate < 0.4 else None
        scores = ["" if value is None else f"{value:.2f}" for value in (one.value, one.estimate)]
        table.add_row(f"{one.at:%Y-%m-%d %H:%M}", what, plain(one.touchpoint), *scores, plain(one.text), style=style)
    curve = Text(f"stands: {_curve([one.estimate for one in found.moments])}")
    return Group(table, curve, Text("The curve is a drawing aid (docs/experience.md); no decision looks at it."))


def _curve(values: Sequence[float | None]) -> str:
    return sparkline(values, top=1.0)
