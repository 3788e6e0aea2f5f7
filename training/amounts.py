"""How much a customer spends in the horizon if she orders at all: the logarithm of it, from candidates, simplest first.

The mean of all; a line on what she spent; a line on everything; LightGBM. All learn from buyers of the older windows
and are judged by squared error in logarithms on buyers of the newest, who were not among those learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from sklearn.linear_model import Ridge

from features.errors import DataError
from training.learners import Fitted, Matrix, fit_trees
from training.metrics import Array, Difference, paired_bootstrap
from training.params import ChurnParams
from training.people import Fit, Rows, predict_newest
from training.split import customer_folds

FEWEST = 20  # buyers in the newest window
ROUNDS = 100
RIDGE = 30.0
FILE = "value.txt"
SPEND = (
    "recency_days",
    "log_purchase_count_90d",
    "log_purchase_count_total",
    "log_revenue_90d",
    "log_revenue_total",
    "log_order_value",
)


@dataclass(frozen=True)
class Amounts:
    """The chosen model of log spend, and what buyers of the newest window spent less what it says of them, `[b]`."""

    fitted: Fitted
    chosen: str
    residual: Array  # in logarithms, each buyer predicted by a fit without her
    lift: float  # mean spend over mean e^prediction, the largest hundredth of spends cut to the least of them
    errors: dict[str, float]  # candidate -> root mean squared error in logarithms
    differences: dict[str, Difference]  # candidate -> squared error less that of the best


def train_amounts(groups: Sequence[Rows], names: Sequence[str], horizon_days: int, params: ChurnParams) -> Amounts:
    """`groups` newest first, their truth the spend `[n]` in minor units, 0 for none.

    Raises `DataError` where the newest window has fewer than twenty buyers.
    """
    bought = [_buyers(group) for group in groups]
    newest = bought[0]
    if len(newest.truth) < FEWEST:
        raise DataError(
            f"Only {len(newest.truth)} customers bought after {newest.cutoff:%Y-%m-%d}; value needs at least {FEWEST}. "
            "Ingest more customers, or train as of a later date."
        )
    if sum(len(g.truth) for g in bought[1:]) < FEWEST:
        bought = bought[:1]
    fold = customer_folds(newest.customers, params.folds)
    overlap = any(g.cutoff + timedelta(days=horizon_days) > newest.cutoff for g in bought[1:])
    fits = candidates(names, params)
    found = {name: predict_newest(bought, names, fold, overlap, fit) for name, fit in fits.items()}
    lost = {name: (p - newest.truth) ** 2 for name, p in found.items()}
    best = min(lost, key=lambda name: float(lost[name].mean()))
    differences = {name: paired_bootstrap(own, lost[best], draws=500, seed=params.seed) for name, own in lost.items()}
    chosen = next(name for name in lost if name == best or not differences[name].better)
    fit = fits[chosen]
    cross = predict_newest(bought, names, fold, True, fit, with_newest=True)
    spend = np.exp(newest.truth)
    return Amounts(
        fitted=fit(np.concatenate([g.inputs for g in bought]), np.concatenate([g.truth for g in bought])),
        chosen=chosen,
        residual=newest.truth - cross,
        lift=float(np.minimum(spend, np.quantile(spend, 0.99)).mean() / np.exp(cross).mean()),
        errors={name: float(np.sqrt(own.mean())) for name, own in lost.items()},
        differences=differences,
    )


def amounts_without_her(groups: Sequence[Rows], names: Sequence[str], params: ChurnParams, chosen: str) -> Array:
    """The log amount of each customer of the newest window, buyer or not, `[n]`: by buyers without her, as calibrated.

    `chosen` is the candidate of `Amounts`.
    """
    newest, bought, fit = groups[0], [_buyers(group) for group in groups], candidates(names, params)[chosen]
    fold = customer_folds(newest.customers, params.folds)
    found = np.empty(len(fold))
    for f in range(params.folds):
        inside = fold == f
        kept = [~np.isin(g.customers, newest.customers[inside]) for g in bought]
        inputs = np.concatenate([g.inputs[k] for g, k in zip(bought, kept, strict=True)])
        model = fit(inputs, np.concatenate([g.truth[k] for g, k in zip(bought, kept, strict=True)])).model
        found[inside] = model.raw(newest.inputs[inside], names)
    return found


def _buyers(group: Rows) -> Rows:
    some = group.truth > 0
    return Rows(group.cutoff, group.customers[some], group.inputs[some], np.log(group.truth[some]))


def candidates(names: Sequence[str], params: ChurnParams) -> dict[str, Fit]:
    """What may predict the logarithm of an amount, simplest first."""

    def trees(x: Matrix, y: Array) -> Fitted:
        return fit_trees(x, y, names, params.trees, file=FILE, seed=params.seed, objective="regression", rounds=ROUNDS)

    return {
        "mean": lambda x, y: fit_line(x, y, names, []),
        "spend": lambda x, y: fit_line(x, y, names, [n for n in SPEND if n in names]),
        "line": lambda x, y: fit_line(x, y, names, list(names)),
        "trees": trees,
    }


def fit_line(rows: Matrix, truth: Array, names: Sequence[str], inputs: Sequence[str]) -> Fitted:
    """Ridge regression on standardised inputs, those never below 0 as log(1 + x), absent ones as the median.

    Inputs that are absent or equal for everybody are left out.
    """
    x = rows[:, [list(names).index(name) for name in inputs]].astype(np.float64)
    low, high = _bounds(x)
    kept = np.flatnonzero(low < high)  # False where all are absent
    x, logs = x[:, kept], low[kept] >= 0
    x = np.where(logs, np.log1p(np.maximum(x, 0)), x)
    fill = np.nanmedian(x, axis=0) if len(kept) else np.empty(0)
    x = np.where(np.isnan(x), fill, x)
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    coef, intercept = np.zeros(0), float(truth.mean())
    if len(kept):
        line = Ridge(alpha=RIDGE).fit((x - mean) / scale, truth)
        coef, intercept = line.coef_, float(line.intercept_)
    spec = {
        "kind": "linear",
        "inputs": [inputs[j] for j in kept.tolist()],
        "log": logs.tolist(),
        "fill": fill.tolist(),
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "coef": coef.tolist(),
        "intercept": intercept,
    }
    return Fitted(spec, {})


def _bounds(x: Array) -> tuple[Array, Array]:
    """Least and largest known value of each column; +inf and -inf where none is known."""
    absent = np.isnan(x)
    return np.where(absent, np.inf, x).min(axis=0), np.where(absent, -np.inf, x).max(axis=0)
