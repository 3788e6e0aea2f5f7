"""Whether an effect can be learned at all: enough people in both arms, and arms that were really drawn by lot."""

import numpy as np

from features.errors import DataError
from training.learners import fit_logistic
from training.metrics import auc
from training.split import customer_folds
from training.uplift_learners import UpliftRows

FEWEST = 30
"""Responses, and people without one, in each arm: below it not even the average effect has a sensible interval."""
ERRORS = 5.0
"""Standard errors beyond which chance does not explain a difference between the draw as told and as found."""


def check_arms(rows: UpliftRows) -> None:
    """Raises `DataError` where an arm lacks people or responses, or the draw was not what `share` says."""
    for arm, name in ((0.0, "controls"), (1.0, "treated")):
        outcome = rows.outcome[rows.treated == arm]
        responded = int(outcome.sum())
        if min(responded, len(outcome) - responded) < FEWEST:
            raise DataError(
                f"{len(outcome)} {name}, of whom {responded} responded: an effect needs {FEWEST} with and {FEWEST} "
                "without a response among treated and controls each. Draw a larger control group at random, let it run "
                "longer, or take a commoner response; until then the action keeps its stated incrementality prior."
            )
    people = len(np.unique(rows.customers))
    if people < 2 * FEWEST:
        raise DataError(
            f"{len(rows)} rows are of {people} customers: an effect needs at least {2 * FEWEST}. Let the "
            "action reach more of them."
        )
    _check_draw(rows)


def _check_draw(rows: UpliftRows) -> None:
    if not np.all((rows.share > 0) & (rows.share < 1)):
        raise DataError(
            f"The chance of being treated lies between {rows.share.min():g} and {rows.share.max():g}: where it is 0 or "
            "1 nothing was drawn. Leave out the rows for which the policy had no choice."
        )
    expected, found = rows.share.sum(), rows.treated.sum()
    error = float(np.sqrt((rows.share * (1 - rows.share)).sum()))
    if abs(found - expected) > ERRORS * error:
        raise DataError(
            f"{found:.0f} of {len(rows)} were treated, {expected:.0f} were to be expected from the stated chances "
            f"(standard error {error:.1f}): another draw. State its true chance, or leave out what was not drawn."
        )
    foretold = _foretold(rows)
    n = rows.treated.sum(), (1 - rows.treated).sum()
    limit = 0.5 + ERRORS * float(np.sqrt((n[0] + n[1] + 1) / (12 * n[0] * n[1])))
    if foretold > limit:
        raise DataError(
            f"Who was treated can be told from the inputs (AUC {foretold:.3f}, by chance at most {limit:.3f}): these "
            "are no random controls, and their comparison shows who was picked, not what the action does. Use only "
            "contacts held back by lot."
        )


def _foretold(rows: UpliftRows, folds: int = 2) -> float:
    """AUC of telling the arms apart by a line on the inputs fitted to other customers, 0.5 in a draw by lot.

    Rows of several draws with chances of their own must not tell each other apart: the line predicts the treatment,
    and where chances differ each row's own is taken off its score.
    """
    score, fold = np.empty(len(rows)), customer_folds(rows.customers, folds)
    for number in range(folds):
        inside = fold == number
        model = fit_logistic(rows.inputs[~inside], rows.treated[~inside], rows.names, rows.names, 0.1).model
        score[inside] = model.raw(rows.inputs[inside], rows.names) - rows.share[inside]
    return auc(rows.treated, score)
