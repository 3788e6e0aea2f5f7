"""The curves of experience as pictures: touchpoints by week, and one customer's journey."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import DataError

if TYPE_CHECKING:
    from serving.experience.journey import Journey
    from serving.experience.moments import Moment
    from serving.experience.touchpoints import Report

FORMATS = (".png", ".svg", ".pdf")
MOST = 12
"""Touchpoints drawn; the most visited come first."""
WRONG = ("friction", "promise_broken", "feedback complaint", "delivery delayed", "delivery failed", "case opened",
         "case customer_asked", "case reopened")  # fmt: skip
"""Moments marked with a cross: kinds, or a kind and the last word of its detail."""


def draw_touchpoints(report: "Report", path: Path) -> None:
    """A row a touchpoint: people (bars) and satisfaction (line, 0 to 1; a gap where too few told) by week.

    Raises `DataError` for a file that cannot be written.
    """
    _check(path)
    shown = report.touchpoints[:MOST]
    figure = _figure(9, 1.6 * max(len(shown), 1) + 0.6)
    for place, one in enumerate(shown):
        axes = figure.add_subplot(len(shown), 1, place + 1)
        until = [week.until for week in one.weeks]
        axes.bar(until, [week.people for week in one.weeks], width=5, color="0.85")
        axes.set_ylabel("people", fontsize=8)
        axes.set_title(_words(one.touchpoint), loc="left", fontsize=9)
        beside = axes.twinx()
        told = [float("nan") if week.satisfaction is None else week.satisfaction for week in one.weeks]
        beside.plot(until, told, marker="o", markersize=3, color="tab:blue")
        wrong = [week.frictions + week.complaints for week in one.weeks]
        for at, count in zip(until, wrong, strict=True):
            if count:
                beside.annotate(str(count), (at, 0.02), color="tab:red", fontsize=7, ha="center")
        beside.set_ylim(0, 1)
        axes.tick_params(axis="x", labelsize=7)
    words = "week to; bars: people, line: satisfaction 0 to 1, red: friction and complaints"
    figure.supxlabel(words, fontsize=8)
    _save(figure, path)


def draw_journey(found: "Journey", path: Path) -> None:
    """Her scores (dots), what went wrong (crosses) and how things stood (line). Raises `DataError` as above."""
    _check(path)
    figure = _figure(9, 4)
    axes = figure.add_subplot()
    known = [(one.at, one.estimate) for one in found.moments if one.estimate is not None]
    if found.estimate is not None:
        known.append((found.as_of, found.estimate))
    axes.plot([at for at, _ in known], [value for _, value in known], color="0.5", linewidth=1)
    for one in found.moments:
        if one.value is not None:
            axes.plot([one.at], [one.value], marker="o", color="tab:blue")
        elif one.estimate is not None and (one.kind in WRONG or _step(one) in WRONG):
            axes.plot([one.at], [one.estimate], marker="x", color="tab:red")
        elif one.kind == "order":
            axes.axvline(one.at, color="0.9", zorder=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("0 badly, 1 well")
    axes.set_title(f"{_words(found.customer_id)}: how things stand (a drawing aid)", loc="left", fontsize=9)
    figure.supxlabel("dots: her scores, crosses: what went wrong, grey bars: orders", fontsize=8)
    _save(figure, path)


def _step(one: "Moment") -> str:
    return f"{one.kind} {one.detail.split()[-1] if one.detail else ''}"


def _words(text: str) -> str:
    """A text that the drawing takes as it is: no formula."""
    return text.replace("$", r"\$")


def _check(path: Path) -> None:
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"A curve cannot be drawn into {str(path)!r}. Name a file ending in {', '.join(FORMATS)}.")


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # no pyplot: no global state, no display

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110, metadata={"Software": None} if path.suffix.lower() == ".png" else None)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}). Name another file with --plot.") from error
