"""The chance of the wanted response to an action, learned from those who got it; the simplest model at parity.

This is what a decision calls `response_probability`. It says nothing of what the action adds: who would have come
anyway responds, too (`training/uplift.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.errors import DataError
from features.inputs.scoring import Model, calibrate
from training.calibration import fit_calibration
from training.leaks import refuse_leaks
from training.learners import Fitted, fit_logistic, fit_trees, mean_of
from training.metrics import Floats, auc, brier, ece, log_loss, log_losses
from training.params import Trees
from training.split import customer_folds
from training.uplift_choice import simplest_at_parity
from training.uplift_learners import UpliftRows

FEWEST = 30  # responses, and people without one
FOLDS = 5
DRAWS = 500
SEED = 7
PENALTY = 0.3
TREES = Trees(num_leaves=6, learning_rate=0.05, rounds=80, min_data_in_leaf=200, lambda_l2=20.0, feature_fraction=0.5)


@dataclass(frozen=True)
class ResponseResult:
    """The chosen model, calibrated, and what held-out customers say of it."""

    model: Model
    names: tuple[str, ...]
    chosen: str
    scores: dict[str, dict[str, float]]  # candidate -> metric -> value; "champion": the choice, calibrated
    rows: int

    def probability(self, rows: UpliftRows) -> Floats:
        """Chance of the response if she gets the action, `[n]`."""
        return self.model.probability(rows.inputs, self.names)


def fit_line(rows: UpliftRows) -> Fitted:
    """A logistic line on all inputs."""
    return fit_logistic(rows.inputs, rows.outcome, rows.names, rows.names, PENALTY)


def fit_boosted(rows: UpliftRows) -> Fitted:
    """Small LightGBM on all inputs."""
    return fit_trees(rows.inputs, rows.outcome, rows.names, TREES, file="response.txt", seed=SEED)


def fit_both(rows: UpliftRows) -> Fitted:
    """The mean of the line and the trees."""
    return mean_of(fit_line(rows), fit_boosted(rows))


CANDIDATES: Mapping[str, Callable[[UpliftRows], Fitted]] = {"line": fit_line, "trees": fit_boosted, "mean": fit_both}
"""Simplest first."""


def train_response(rows: UpliftRows, action: str) -> ResponseResult:
    """Choose by log loss out of fold, fit to all the treated, calibrate. Controls among the rows are left out.

    Raises `DataError` where too few got the action, too few of them did or did not respond, or an input knows who will.
    """
    told = rows.take(rows.treated > 0.5).in_order()
    responded = int(told.outcome.sum())
    if min(responded, len(told) - responded) < FEWEST:
        raise DataError(
            f"Action {action!r} reached {len(told)}, of whom {responded} responded: a model needs {FEWEST} with and "
            f"{FEWEST} without a response. Let it run longer, or take a commoner response; until then it keeps its "
            "stated response."
        )
    refuse_leaks(told.inputs, told.outcome, told.names, seed=SEED, what="who responded", where="the inputs")
    raw = {name: _out_of_fold(told, fit) for name, fit in CANDIDATES.items()}
    losses = {name: log_losses(told.outcome, p) for name, p in raw.items()}
    chosen = simplest_at_parity(told.customers, losses, DRAWS, SEED)
    fitted = CANDIDATES[chosen](told)
    calibration = fit_calibration(raw[chosen], told.outcome, told.customers)
    scores = {name: _scores(told.outcome, p) for name, p in raw.items()}
    scores["champion"] = _scores(told.outcome, calibrate(calibration, raw[chosen]))
    return ResponseResult(Model(fitted.spec, calibration, fitted.boosters), rows.names, chosen, scores, len(told))


def _out_of_fold(rows: UpliftRows, fit: Callable[[UpliftRows], Fitted]) -> Floats:
    found, fold = np.empty(len(rows)), customer_folds(rows.customers, FOLDS)
    for number in range(FOLDS):
        inside = fold == number
        found[inside] = fit(rows.take(~inside)).model.raw(rows.inputs[inside], rows.names)
    return found


def _scores(truth: Floats, p: Floats) -> dict[str, float]:
    return {"auc": auc(truth, p), "brier": brier(truth, p), "log_loss": log_loss(truth, p), "ece": ece(truth, p)}
