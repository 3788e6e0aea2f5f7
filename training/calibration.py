"""Scores to probabilities: Platt's line or an isotonic curve, kept as numbers (`features/inputs/scoring.py`).

Always fitted to scores of rows the model did not learn from (`training/split.py`).
"""

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from features.inputs.scoring import SMALLEST, Spec, calibrate, logit
from training.metrics import Array, log_loss
from training.split import customer_folds

ENOUGH_FOR_ISOTONIC = 1000  # of the rarer class; below it the curve's steps are noise


def fit_platt(score: Array, truth: Array, *, on: str = "logit") -> Spec:
    """A line on the logit of a probability, or on any score (Platt, 1999), hardly regularised."""
    z = logit(score) if on == "logit" else np.asarray(score, np.float64)
    if truth.min() == truth.max():  # one class only: the rate itself, kept off 0 and 1 by one observation
        rate = (truth.sum() + 0.5) / (len(truth) + 1)
        return {"kind": "platt", "on": on, "slope": 0.0, "intercept": float(np.log(rate / (1 - rate)))}
    line = LogisticRegression(C=1e4, tol=1e-8, max_iter=1000).fit(z[:, None], truth > 0.5)
    return {"kind": "platt", "on": on, "slope": float(line.coef_[0, 0]), "intercept": float(line.intercept_[0])}


def fit_isotonic(score: Array, truth: Array) -> Spec:
    """The best non-decreasing step curve, as the points to interpolate between."""
    curve = IsotonicRegression(y_min=SMALLEST, y_max=1 - SMALLEST, out_of_bounds="clip").fit(score, truth)
    return {"kind": "isotonic", "x": curve.X_thresholds_.tolist(), "y": curve.y_thresholds_.tolist()}


def fit_calibration(score: Array, truth: Array, customers: Array, *, on: str = "logit", folds: int = 5) -> Spec:
    """Platt, or isotonic where there are enough of both classes and it is better on customers it was not fitted to."""
    platt = fit_platt(score, truth, on=on)
    if min(truth.sum(), (1 - truth).sum()) < ENOUGH_FOR_ISOTONIC:
        return platt
    line, curve = np.empty(len(score)), np.empty(len(score))
    fold = customer_folds(customers, folds)
    for f in range(folds):
        inside, outside = fold == f, fold != f
        line[inside] = calibrate(fit_platt(score[outside], truth[outside], on=on), score[inside])
        curve[inside] = calibrate(fit_isotonic(score[outside], truth[outside]), score[inside])
    return fit_isotonic(score, truth) if log_loss(truth, curve) < log_loss(truth, line) else platt
