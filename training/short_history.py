"""The level of a model of people where history is short: drawn half way to what BG/NBD expects of everybody today.

While a file is young nobody in it can have been gone for long, so the share that stays away after the newest cutoff
with a known truth is lower than the share that will after today. BG/NBD needs no known truth: fitted to every history
as it stands today it knows how far that has gone. The mean of both in log-odds becomes the level; the order of the
customers stays. With two horizons of history before the newest cutoff nothing is drawn.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from scipy.optimize import brentq

from features.inputs.rates import WEEK_DAYS, purchase_histories
from features.inputs.scoring import Model, Spec, logit, sigmoid
from training.bgnbd import fit_bgnbd
from training.learners import Fitted, Matrix
from training.metrics import Array

DRAWN = 0.5  # of the way, in log-odds; on windows of Online Retail that end by 2011-04-09 better than 0 and 1
HORIZONS = 2


def is_short(first_event: datetime, newest_cutoff: datetime, horizon_days: int) -> bool:
    """Less than two horizons lie before the newest cutoff whose truth is known."""
    return newest_cutoff - first_event < timedelta(days=HORIZONS * horizon_days)


def silence_expected(inputs: Matrix, names: Sequence[str], horizon_days: int) -> Array:
    """BG/NBD's probability of no purchase in the horizon, `[n]`, fitted to these same customers.

    Raises `ValueError` if the fit does not end, or the three inputs it is made from are not there.
    """
    told = purchase_histories(inputs, names)
    return fit_bgnbd(*told).silent(*told, ahead=horizon_days / WEEK_DAYS)


def draw_level(
    fitted: Fitted, calibration: Spec, inputs: Matrix, names: Sequence[str], expected: float
) -> tuple[Spec, str]:
    """The calibration with its level drawn half way to `expected`, the mean probability of these customers; in words.

    `inputs` `[n, p]` are those of everybody the question is asked of, today.
    """
    now = Model(fitted.spec, calibration, fitted.boosters).probability(inputs, names)
    z = logit(now)
    wanted = float(np.clip(expected, 1e-3, 1 - 1e-3))
    step = DRAWN * float(brentq(lambda shift: float(sigmoid(z + shift).mean()) - wanted, -15.0, 15.0))
    drawn = _moved(calibration, step)
    words = f"level {now.mean():.3f} by known windows, {wanted:.3f} by BG/NBD: {sigmoid(z + step).mean():.3f}"
    return drawn, words


def _moved(calibration: Spec, step: float) -> Spec:
    """All probabilities moved by `step` in log-odds."""
    match calibration["kind"]:
        case "platt":
            return calibration | {"intercept": calibration["intercept"] + step}
        case _:
            return calibration | {"y": sigmoid(logit(np.array(calibration["y"])) + step).tolist()}
