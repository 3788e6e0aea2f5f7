"""Whom an action moves: learned from a random control group, and claimed only where held-out customers show it.

The candidates are judged out of fold by the squared error to doubly robust single-row effects, whose expectation is the
effect; the simplest that the best does not beat is taken. Its claim is the mean Qini of folds, each judged by a fit to
the folds before it: where the interval includes zero there is no uplift model, only an average effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.leaks import refuse_leaks
from training.metrics import Array, Difference, Floats
from training.qini import EffectOrder, mean_interval, qini
from training.uplift_checks import check_arms
from training.uplift_choice import mean_by_customer, simplest_at_parity
from training.uplift_learners import (
    Effect,
    Fit,
    UpliftRows,
    fit_average,
    fit_dr_learner,
    fit_interactions,
    fit_mean,
    fit_x_learner,
    out_of_fold,
    row_effects,
    walking,
)

FOLDS = 5
DRAWS = 300
SEED = 7
CANDIDATES: Mapping[str, Fit] = {"line": fit_interactions, "x_learner": fit_x_learner, "dr_learner": fit_dr_learner}
"""Simplest first; the mean of the line and the X-learner comes after them."""
MEAN = fit_mean(fit_interactions, fit_x_learner)


@dataclass(frozen=True)
class UpliftResult:
    """What was found. `ranking` is the chosen learner, of use for comparisons even where nothing is claimed."""

    chosen: str
    ranking: Effect
    claimed: bool  # held-out customers show whom the action moves
    average: Difference  # effect on everybody, in chances of the response
    qini: Difference  # of the chosen candidate, on folds judged by those before them
    scores: dict[str, dict[str, float]]  # candidate -> qini, all folds together; gain over the average in squared error
    customers: Array  # of the rows, in order, with
    effects: Floats  # the chosen candidate's, out of fold
    response: float  # share of the treated who responded
    message: str

    @property
    def incrementality(self) -> float:
        """Share of the responses that would not have come without the action, 0 to 1: the catalogue's figure."""
        return min(max(self.average.value / self.response, 0.0), 1.0)

    @property
    def effect(self) -> Effect | None:
        """The uplift model, if there is one to stand by."""
        return self.ranking if self.claimed else None


def train_uplift(rows: UpliftRows) -> UpliftResult:
    """Choose, judge and, where there is something to claim, fit to all rows. The order of rows does not matter.

    Raises `DataError` where no effect can be learned (`training/uplift_checks.py`), or an input knows who will respond.
    """
    rows = rows.in_order()
    check_arms(rows)
    refuse_leaks(rows.inputs, rows.outcome, rows.names, seed=SEED, what="who responded", where="the inputs")
    truth = row_effects(rows, FOLDS)
    found = {name: out_of_fold(rows, fit, FOLDS) for name, fit in CANDIDATES.items()}
    found["mean"] = (found["line"] + found["x_learner"]) / 2
    plain = (truth - out_of_fold(rows, fit_average, FOLDS)) ** 2
    losses = {name: (truth - effect) ** 2 for name, effect in found.items()}
    chosen = simplest_at_parity(rows.customers, losses, DRAWS, SEED)
    fit = MEAN if chosen == "mean" else CANDIDATES[chosen]
    shown = _held_out(rows, fit)
    average = mean_by_customer(rows.customers, truth, DRAWS, SEED)
    response = float(rows.outcome[rows.treated > 0.5].mean())
    scores = {
        name: {"qini": qini(effect, rows.treated, rows.outcome), "gain": float(np.mean(plain - losses[name]))}
        for name, effect in found.items()
    }
    return UpliftResult(
        chosen=chosen,
        ranking=fit(rows),
        claimed=shown.better,
        average=average,
        qini=shown,
        scores=scores,
        customers=rows.customers,
        effects=found[chosen],
        response=response,
        message=_words(rows, response, shown, average),
    )


def _held_out(rows: UpliftRows, fit: Fit) -> Difference:
    """The mean Qini of folds judged by those before them, with its interval over customers."""
    parts = [
        (EffectOrder.of(effect, rows.treated[judged], rows.outcome[judged]), judged)
        for judged, effect in walking(rows, fit, FOLDS)
    ]
    return mean_interval(parts, rows.customers, DRAWS, SEED)


def _words(rows: UpliftRows, response: float, shown: Difference, average: Difference) -> str:
    arms = f"{rows.treated.sum():.0f} treated and {(1 - rows.treated).sum():.0f} controls"
    moves = "moves people" if average.better or average.worse else "cannot be said to move people at all"
    told = f"From {arms}: {response:.2%} of the treated responded; on average the action {moves} ({average}); "
    if shown.better:
        return told + f"whom it moves can be told (Qini of held-out customers {shown})."
    return told + (
        f"whom it moves cannot be told (Qini of held-out customers {shown}: its interval does not lie above zero). No "
        "uplift is claimed. Keep the stated incrementality prior, or the average effect for everybody, and keep a "
        "random control group running."
    )
