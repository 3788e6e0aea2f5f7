"""One set of methods at several cutoffs: means over them, with intervals over the customers of all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.measure import verdict
from training.metrics import Array, Difference, auc, brier

DRAWS = 1000
SIGNED: dict[str, tuple[str, Callable[[Array, Array], float], int]] = {
    "auc": ("AUC", auc, 1),
    "brier": ("Brier", brier, -1),
}


@dataclass(frozen=True)
class Scored:
    """Customers (whole numbers), truth 0/1, and probabilities per method, all `[n]`, at one cutoff."""

    customers: npt.NDArray[np.int64]
    truth: Array
    scores: dict[str, Array]

    def take(self, rows: Array) -> "Scored":
        """Some rows, in the given order."""
        return Scored(self.customers[rows], self.truth[rows], {name: p[rows] for name, p in self.scores.items()})


def pooled(
    cutoffs: Sequence[Scored], ours: str, *, draws: int = DRAWS, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A table and its bare numbers: each method's mean over the cutoffs, and by how much ours is better.

    A draw takes customers with replacement, and each of them with her rows at every cutoff.
    """
    values = _means(cutoffs)
    everyone = np.unique(np.concatenate([one.customers for one in cutoffs]))
    places = [np.searchsorted(everyone, one.customers) for one in cutoffs]
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        times = np.bincount(generator.integers(0, len(everyone), len(everyone)), minlength=len(everyone))
        drawn.append(
            _means([one.take(np.repeat(np.arange(len(p)), times[p])) for one, p in zip(cutoffs, places, strict=True)])
        )
    facts: dict[str, Any] = {name: dict(own) for name, own in values.items()}
    for name in values:
        if name != ours:
            facts[name]["ours_better_by"] = {
                figure: _better(sign, figure, values, drawn, ours, name) for figure, (_, _, sign) in SIGNED.items()
            }
    return _table(facts, ours), facts


def _means(cutoffs: Sequence[Scored]) -> dict[str, dict[str, float]]:
    names = cutoffs[0].scores
    return {
        name: {
            figure: float(np.mean([metric(one.truth, one.scores[name]) for one in cutoffs]))
            for figure, (_, metric, _) in SIGNED.items()
        }
        for name in names
    }


def _better(
    sign: int,
    figure: str,
    values: dict[str, dict[str, float]],
    drawn: list[dict[str, dict[str, float]]],
    ours: str,
    name: str,
) -> dict[str, Any]:
    spread = [sign * (one[ours][figure] - one[name][figure]) for one in drawn]
    low, high = np.nanquantile(spread, [0.025, 0.975])
    found = Difference(sign * (values[ours][figure] - values[name][figure]), float(low), float(high))
    return {"value": found.value, "low": found.low, "high": found.high, "verdict": verdict(found), "text": str(found)}


def _table(facts: dict[str, Any], ours: str) -> dict[str, Any]:
    columns = ["", *(title for title, _, _ in SIGNED.values())]
    columns += [f"{ours} better by, {title}" for title, _, _ in SIGNED.values()]
    rows = []
    for name, own in facts.items():
        better = own.get("ours_better_by", {})
        rows.append(
            [f"**{name}**" if name == ours else name, *(f"{own[figure]:.4f}" for figure in SIGNED)]
            + [f"{better[figure]['text']} {better[figure]['verdict']}" if better else "" for figure in SIGNED]
        )
    return {"table": {"columns": columns, "rows": rows}}
