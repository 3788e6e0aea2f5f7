"""Fitting the kinds of models a bundle may hold: regularised logistic regression and small LightGBM, deterministic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from features.inputs.scoring import Model, Spec
from training.metrics import Array
from training.params import Trees

Matrix = npt.NDArray[np.floating[Any]]
Boosters = dict[str, lightgbm.Booster]


@dataclass(frozen=True)
class Fitted:
    """A model without calibration: what it is, and the boosters it names."""

    spec: Spec
    boosters: Boosters

    @property
    def model(self) -> Model:
        """Ready to evaluate, uncalibrated."""
        return Model(self.spec, {"kind": "none"}, self.boosters)


def fit_logistic(rows: Matrix, truth: Array, names: Sequence[str], inputs: Sequence[str], c: float = 1.0) -> Fitted:
    """Logistic regression on standardised inputs, long-tailed ones as log(1 + x), absent ones as the median.

    Inputs that are absent or equal for everybody are left out. `c` is scikit-learn's inverse penalty.
    """
    x = rows[:, [list(names).index(name) for name in inputs]].astype(np.float64)
    kept = [j for j in range(len(inputs)) if _varies(x[:, j])]
    x = x[:, kept]
    logs = [_long_tailed(x[:, j]) for j in range(x.shape[1])]
    x = np.where(logs, np.log1p(np.maximum(x, 0)), x)
    fill = np.nanmedian(x, axis=0) if kept else np.empty(0)
    x = np.where(np.isnan(x), fill, x)
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    if kept and 0 < truth.sum() < len(truth):
        line = LogisticRegression(C=c, tol=1e-8, max_iter=2000).fit((x - mean) / scale, truth > 0.5)
        coef, intercept = line.coef_[0], float(line.intercept_[0])
    else:
        rate = (truth.sum() + 0.5) / (len(truth) + 1)
        coef, intercept = np.zeros(len(kept)), float(np.log(rate / (1 - rate)))
    spec = {
        "kind": "logistic",
        "inputs": [inputs[j] for j in kept],
        "log": [bool(v) for v in logs],
        "fill": fill.tolist(),
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "coef": coef.tolist(),
        "intercept": intercept,
    }
    return Fitted(spec, {})


def _varies(values: Array) -> bool:
    """At least two different values are known."""
    known = values[~np.isnan(values)]
    return bool(len(known) and known.min() < known.max())


def _long_tailed(values: Array) -> bool:
    """Never negative, and the largest lies far from the middle."""
    known = values[~np.isnan(values)]
    return bool(known.min() >= 0 and known.max() > 20 and known.max() > 5 * np.median(known))


def fit_trees(
    rows: Matrix,
    truth: Array,
    names: Sequence[str],
    trees: Trees,
    *,
    file: str,
    seed: int,
    objective: str = "binary",
    groups: Array | None = None,
    rounds: int | None = None,
    watch: tuple[Matrix, Array] | None = None,
    weight: Array | None = None,
    offset: Array | None = None,
) -> Fitted:
    """LightGBM on all inputs, one thread, one seed: the same rows give the same text.

    `groups` are sizes of consecutive query groups for lambdarank. With `watch` (rows, truth) it stops early. `weight`
    says how much each row counts. `offset`
    are log-odds the trees start from and add to; what they predict is without them.
    """
    settings: dict[str, Any] = trees.model_dump(exclude={"rounds"}) | {
        "objective": objective,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,  # two threads wait for each other on a busy machine; one gives equal files anyway
        "verbose": -1,
        "max_bin": 127,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "metric": {"binary": "binary_logloss", "regression": "l2"}.get(objective, "ndcg"),
    }
    smallest = max(2, min(trees.min_data_in_leaf, len(rows) // 20))
    settings["min_data_in_leaf"] = smallest
    data = lightgbm.Dataset(
        rows,
        truth,
        weight=weight,
        group=groups,
        init_score=offset,
        feature_name=list(names),
        params={"verbose": -1},
    )
    checks: list[Any] = [] if watch is None else [lightgbm.early_stopping(30, verbose=False)]
    sets = [] if watch is None else [lightgbm.Dataset(watch[0], watch[1], reference=data)]
    booster = lightgbm.train(settings, data, rounds or trees.rounds, valid_sets=sets, callbacks=checks)
    return Fitted({"kind": "lightgbm", "inputs": list(names), "file": file}, {file: booster})


def mean_of(*parts: Fitted) -> Fitted:
    """The plain mean of several models."""
    return _joined("mean", parts)


def product_of(*parts: Fitted) -> Fitted:
    """The product of several models: the chance of one thing and, given it, of another."""
    return _joined("product", parts)


def _joined(kind: str, parts: Sequence[Fitted]) -> Fitted:
    boosters = {name: booster for part in parts for name, booster in part.boosters.items()}
    return Fitted({"kind": kind, "parts": [part.spec for part in parts]}, boosters)


def model_text(booster: lightgbm.Booster) -> str:
    """LightGBM's text of a model, without the settings that change nothing in it."""
    return str(booster.model_to_string())
