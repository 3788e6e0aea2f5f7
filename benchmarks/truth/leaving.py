"""Whether told probabilities of leaving and of a second purchase are true: beside what happened and what was likely."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from benchmarks.comparison import OURS
from benchmarks.truth.worlds import Known, live_to, midnight, order_chances
from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.inputs.frame import customer_inputs, to_columns
from features.inputs.scoring import Model, logit
from pipelines.materialize import build_snapshots
from training.churn import train_churn
from training.labels import lapsed
from training.learners import Matrix, fit_logistic
from training.metrics import Array, Floats, auc, brier, ece
from training.params import ChurnParams
from training.people import Result, Rows
from training.purchases import load_purchases
from training.retrieval import connect
from training.second_purchase import ordered_once, second_purchase_rows, train_second_purchase
from training.short_history import silence_expected

HORIZON_WEEKS, CUTOFFS, STEP_WEEKS = 12, 6, 4
FUTURES = 200
RECENCY, BGNBD, TRUTH = "recency line", "BG/NBD", "the true probability"
PARAMS = ChurnParams(horizon_days=7 * HORIZON_WEEKS)

MOST_ECE = 0.04
"""Mean distance of told and true probability, over ten groups of equal size, at which a model counts as calibrated."""
SLOPES = (0.8, 1.25)
"""Of the line from told to true log-odds: below, probabilities are too extreme; above, too timid."""
MOST_APART = 0.03
"""Of the mean told and the mean true probability."""


@dataclass(frozen=True)
class Asked:
    """One question to one shop: what each method told, what then happened, and the probability that it would; `[n]`."""

    told: dict[str, Floats]
    happened: Floats
    true: Floats
    chosen: str


def ask(shop: Known, week: int) -> dict[str, Asked]:
    """Train churn and second purchase as of the week's first midnight; judge them by the weeks that follow."""
    newest = week - HORIZON_WEEKS
    groups, names = _groups(shop, [week, *(newest - STEP_WEEKS * k for k in range(CUTOFFS))])
    today, known = groups[0], groups[1:]
    lived = live_to(shop.seed, customers=shop.customers, weeks=shop.weeks, until=week)
    chances = order_chances(lived, HORIZON_WEEKS, FUTURES, shop.seed)
    numbers = np.array([int(name[1:]) for name in today.customers.tolist()])
    silent = 1 - chances[numbers]
    expected = np.asarray(silence_expected(today.inputs, names, 7 * HORIZON_WEEKS), np.float64)
    once = ordered_once(today.inputs, names)
    second = second_purchase_rows(today, names)
    return {
        "churn": _judged(
            train_churn(known, names, 7 * HORIZON_WEEKS, PARAMS), known[0], today, names, silent, expected
        ),
        "second purchase": _judged(
            train_second_purchase(known, names, 7 * HORIZON_WEEKS, PARAMS),
            second_purchase_rows(known[0], names),
            second,
            names,
            1 - silent[once],
            1 - expected[once],
        ),
    }


def _groups(shop: Known, weeks: list[int]) -> tuple[list[Rows], list[str]]:
    """Everybody who had bought by each week, through the feature store; the truth: no purchase in the horizon."""
    from training.dataset import load_training_set  # Feast: seconds of import

    moments = [midnight(week) for week in weeks]
    build_snapshots(shop.home, moments)
    frame = load_training_set("churn_v1", home=shop.home, cutoffs=moments)
    frame = frame[frame["last_purchase_at"].notna()].sort_values([EVENT_TIMESTAMP, CUSTOMER_ID], kind="stable")
    groups: list[Rows] = []
    names: list[str] = []
    with connect(load_purchases(shop.home)) as con:
        for week, moment in zip(weeks, moments, strict=True):
            rows = frame[frame[EVENT_TIMESTAMP] == moment].reset_index(drop=True)
            names, inputs = customer_inputs(to_columns(rows), np.full(len(rows), moment.timestamp()))
            who = rows[CUSTOMER_ID].astype(str).to_numpy(dtype=np.str_)
            known_by = midnight(shop.weeks if week == weeks[0] else weeks[0])  # what training knows ends at its moment
            left = lapsed(con, who.tolist(), moment, 7 * HORIZON_WEEKS, known_by)
            groups.append(Rows(moment, who, inputs, left))
    return groups, names


def _judged(result: Result, known: Rows, today: Rows, names: list[str], true: Floats, expected: Floats) -> Asked:
    fitted = result.fitted
    told = {
        OURS: Model(fitted.spec, result.calibration, fitted.boosters).probability(today.inputs, names),
        RECENCY: recency_line(known, today.inputs, names),
        BGNBD: expected,
        TRUTH: true,
    }
    return Asked(told, today.truth.astype(np.float64), true, result.chosen)


def recency_line(known: Rows, asked: Matrix, names: list[str]) -> Floats:
    """A logistic on days since the last order, learned at the newest moment whose truth is known."""
    line = fit_logistic(known.inputs, known.truth, names, ["recency_days"])
    return np.asarray(line.model.raw(asked, names), np.float64)


def figures(asked: Asked) -> dict[str, Any]:
    """By method: AUC and Brier by what happened; distance, slope and intercept to the true probabilities."""
    found: dict[str, Any] = {
        "customers": len(asked.happened),
        "chosen": asked.chosen,
        "happened": float(asked.happened.mean()),
        "true": float(asked.true.mean()),
        "methods": {name: _figures(p, asked) for name, p in asked.told.items()},
    }
    return found | {"calibrated": is_calibrated(found["methods"][OURS])}


def _figures(p: Floats, asked: Asked) -> dict[str, float]:
    slope, intercept = calibration_line(p, asked.true)
    seen_slope, seen_intercept = calibration_line(p, asked.happened)
    return {
        "auc": auc(asked.happened, p),
        "brier": brier(asked.happened, p),
        "ece_seen": ece(asked.happened, p),
        "ece_true": ece(asked.true, p),
        "apart": float(p.mean() - asked.true.mean()),
        "slope": slope,
        "intercept": intercept,
        "slope_seen": seen_slope,
        "intercept_seen": seen_intercept,
        "rank": float(spearmanr(p, asked.true)[0]),
        "distance": float(np.abs(p - asked.true).mean()),
    }


def is_calibrated(ours: dict[str, float]) -> bool:
    """All three of the errors stated above."""
    return ours["ece_true"] <= MOST_ECE and SLOPES[0] <= ours["slope"] <= SLOPES[1] and abs(ours["apart"]) <= MOST_APART


def calibration_line(p: Array, truth: Array) -> tuple[float, float]:
    """(slope, intercept) of the logistic line from told log-odds to `truth`, 0/1 or shares; (1, 0) is perfect (Cox).

    >>> line = calibration_line(np.array([0.2, 0.5, 0.8] * 50), np.array([0.2, 0.5, 0.8] * 50))
    >>> [round(abs(value), 2) for value in line]
    [1.0, 0.0]
    """
    z = np.tile(logit(np.asarray(p, np.float64)), 2)[:, None]
    happened = np.repeat([True, False], len(p))
    weight = np.concatenate([truth, 1 - np.asarray(truth)])
    line = LogisticRegression(C=1e6, tol=1e-8, max_iter=1000).fit(z, happened, sample_weight=weight)
    return float(line.coef_[0, 0]), float(line.intercept_[0])
