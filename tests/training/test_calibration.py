"""Calibrations: exported numbers give what scikit-learn gives."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from features.inputs.scoring import calibrate, evaluate, logit
from training.calibration import fit_calibration, fit_isotonic, fit_platt
from training.learners import fit_logistic
from training.metrics import ece


def _scores(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    p = generator.random(n)
    return p**2, (generator.random(n) < p).astype(float)  # the score understates


def test_platt_equals_scikit_learn() -> None:
    score, truth = _scores()
    z = logit(score)[:, None]
    theirs = LogisticRegression(C=1e4, tol=1e-8, max_iter=1000).fit(z, truth > 0.5).predict_proba(z)[:, 1]
    assert calibrate(fit_platt(score, truth), score) == pytest.approx(theirs, abs=1e-12)


def test_isotonic_equals_scikit_learn() -> None:
    score, truth = _scores()
    curve = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(score, truth)
    new = np.linspace(-0.5, 1.5, 997)
    assert calibrate(fit_isotonic(score, truth), new) == pytest.approx(curve.predict(new), abs=1e-12)


def test_logistic_equals_scikit_learn_and_fills_what_is_absent() -> None:
    generator = np.random.default_rng(4)
    rows = generator.normal(size=(300, 3))
    truth = (rows[:, 0] + generator.normal(size=300) > 0).astype(float)
    fitted = fit_logistic(rows, truth, ["a", "b", "c"], ["c", "a"], 1.0)
    x = rows[:, [2, 0]]
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(tol=1e-8, max_iter=2000).fit(scaled, truth > 0.5).predict_proba(scaled)[:, 1]
    assert fitted.model.raw(rows, ["a", "b", "c"]) == pytest.approx(theirs, abs=1e-12)
    absent = evaluate(fitted.spec, {}, np.array([[np.nan, 0.0, np.nan]]), ["a", "b", "c"])
    middle = evaluate(fitted.spec, {}, np.array([[np.median(rows[:, 0]), 0.0, np.median(rows[:, 2])]]), ["a", "b", "c"])
    assert absent == pytest.approx(middle)


def test_calibration_repairs_a_score_that_understates() -> None:
    score, truth = _scores()
    spec = fit_calibration(score[:3000], truth[:3000], np.arange(3000))
    assert ece(truth[3000:], calibrate(spec, score[3000:])) < 0.07 < 0.1 < ece(truth[3000:], score[3000:])


def test_one_class_gives_its_rate() -> None:
    assert calibrate(fit_platt(np.array([0.2, 0.4, 0.6]), np.zeros(3)), np.array([0.9])) == pytest.approx(0.125)
