"""Predicted amounts against what was spent: errors, order, calibration by decile, and what intervals hold."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import rankdata

from benchmarks.comparison import told
from training.metrics import Array, Difference, Floats, paired_bootstrap

DRAWS = 1000


def mae(truth: Array, p: Array) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(p - truth)))


def rmse(truth: Array, p: Array) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean((p - truth) ** 2)))


def rank_correlation(truth: Array, p: Array) -> float:
    """Spearman's: the correlation of ranks, ties at their mean rank; 0 where one is the same for everybody."""
    a, b = rankdata(truth), rankdata(p)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


FIGURES: dict[str, tuple[str, Callable[[Array, Array], float], int]] = {
    "mae": ("MAE", mae, -1),
    "rmse": ("RMSE", rmse, -1),
    "rank": ("Rank correlation", rank_correlation, 1),
}
"""Name -> title, figure, and 1 where more is better."""


def compare_amounts(truth: Floats, amounts: dict[str, Floats], ours: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The table and its bare numbers, in the unit of the truth; ours less each of the others, better being above 0."""
    facts: dict[str, Any] = {}
    for name, p in amounts.items():
        facts[name] = {key: figure(truth, p) for key, (_, figure, _) in FIGURES.items()} | {"mean": float(p.mean())}
        if name != ours:
            facts[name]["ours_better_by"] = {
                key: told(_better(truth, amounts[ours], p, figure, sign)) for key, (_, figure, sign) in FIGURES.items()
            }
    titles = [title for title, _, _ in FIGURES.values()]
    columns = ["", "mean", *titles, *(f"{ours} better by, {title}" for title in titles)]
    rows = []
    for name, own in facts.items():
        better = own.get("ours_better_by", {})
        rows.append(
            [f"**{name}**" if name == ours else name, f"{own['mean']:.1f}"]
            + [f"{own[key]:.4f}" if key == "rank" else f"{own[key]:.1f}" for key in FIGURES]
            + [f"{better[key]['text']} {better[key]['verdict']}" if better else "" for key in FIGURES]
        )
    return {"table": {"columns": columns, "rows": rows}}, facts


def deciles(truth: Floats, amounts: dict[str, Floats]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Mean predicted and spent in tenths of the customers by each method's own order, lowest first."""
    facts: dict[str, Any] = {}
    for name, p in amounts.items():
        tenths = np.array_split(np.argsort(p, kind="stable"), 10)
        facts[name] = [{"predicted": float(p[t].mean()), "spent": float(truth[t].mean())} for t in tenths]
    rows = [
        [name, *(f"{cell['predicted']:.0f} / {cell['spent']:.0f}" for cell in cells)] for name, cells in facts.items()
    ]
    return {"table": {"columns": ["predicted / spent", *map(str, range(1, 11))], "rows": rows}}, facts


def interval_scores(truth: Floats, low: Floats, high: Floats, share: float) -> Floats:
    """Width plus what lies outside times 2 / (1 - share), per customer; lower is better.

    Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation" (2007), eq. 43.
    """
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return np.asarray(high - low + 2 / (1 - share) * outside)


def _better(
    truth: Floats, ours: Floats, theirs: Floats, figure: Callable[[Array, Array], float], sign: int
) -> Difference:
    return paired_bootstrap(ours, theirs, truth=truth, metric=lambda t, p: sign * figure(t, p), draws=DRAWS)
