"""Figures of the benchmark page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.report import FIGURES
from training.metrics import reliability


def draw_calibration(
    name: str, title: str, churned: npt.NDArray[np.bool_], scores: dict[str, npt.NDArray[np.float64]]
) -> str:
    """Observed against predicted churn in ten bins of equal mass a method; returns the file's name in docs/figures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="perfect")
    for (method, p), marker in zip(scores.items(), "osD^v", strict=False):
        bins = reliability(churned.astype(float), p)
        axes.plot(
            [b["predicted"] for b in bins], [b["observed"] for b in bins], marker=marker, markersize=4, label=method
        )
    axes.set(xlabel="predicted churn", ylabel="observed churn", title=title, xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(frameon=False, fontsize=8)
    path: Path = FIGURES / f"{name}_calibration.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path.name


def draw_courses(name: str, title: str, courses: Mapping[str, npt.NDArray[np.float64]], *, first_week: int) -> str:
    """One line a course over weeks, named at its end; returns the file's name in docs/figures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    styles = ["-", "--", ":", "-."]
    for number, (label, values) in enumerate(courses.items()):
        weeks = first_week + np.arange(len(values))
        axes.plot(weeks, values, linewidth=1.5, linestyle=styles[number % len(styles)], label=label)
    axes.set(xlabel="week", ylabel="satisfaction", title=title)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    path: Path = FIGURES / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path.name


def draw_growth(name: str, points: Sequence[Mapping[str, Any]]) -> str:
    """Seconds of the item table and microseconds a customer over customers, a line a number of items."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    learning, scoring = figure.subplots(1, 2)
    for items, marker in zip(sorted({p["items"] for p in points}), "osD^v", strict=False):
        line = [p for p in points if p["items"] == items]
        customers = [p["customers"] for p in line]
        learning.plot(customers, [p["table"]["seconds"] for p in line], marker=marker, label=f"{items:,} items")
        (one,) = scoring.plot(customers, [p["one_us"] for p in line], marker=marker)
        scoring.plot(customers, [p["block_us"] for p in line], marker=marker, linestyle="--", color=one.get_color())
    learning.set(
        xscale="log", yscale="log", xlabel="customers", ylabel="seconds", title="item table, from all purchases"
    )
    scoring.set(
        xscale="log", ylim=(0, None), xlabel="customers", ylabel="µs", title="a customer: alone —, in a block - -"
    )
    learning.legend(frameon=False, fontsize=8)
    path: Path = FIGURES / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path.name
