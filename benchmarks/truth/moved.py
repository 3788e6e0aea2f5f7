"""Whether it can be told whom a letter moves, and by how many controls: told effects beside the true ones."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.comparison import OURS
from benchmarks.truth.contacts import Drawn
from benchmarks.yardsticks.uplift import learn_logistic, learn_trees, s_learner, t_learner
from features.errors import DataError
from training.learners import fit_trees
from training.metrics import Floats
from training.params import Trees
from training.uplift import train_uplift
from training.uplift_learners import Effect, UpliftRows

RECOVERED_SHARE = 0.5
"""Of the rank correlation that the inputs allow, from which an order of effects counts as recovered."""
CEILING = "learned from the true effects"
CEILING_TREES = Trees(num_leaves=15, learning_rate=0.05, rounds=150, min_data_in_leaf=50, feature_fraction=0.7)


def figures(letters: Drawn, limit: Effect) -> dict[str, Any]:
    """What the older letters teach of the newer ones: ranks, error, the average and whether its interval holds it.

    `limit` are effects by `fit_ceiling`, learned in another shop.
    """
    known, asked = letters.known, letters.asked
    found: dict[str, Any] = {
        "learned": len(known),
        "controls": int((1 - known.treated).sum()),
        "true_average": float(letters.effect.mean()),
        "true_spread": float(letters.asked_effect.std()),
    }
    told = {CEILING: limit(asked.inputs)} | yardsticks(known, asked)
    try:
        result = train_uplift(known)
    except DataError as error:
        found |= {"claimed": False, "refused": str(error)}
    else:
        told = {OURS: result.ranking(asked.inputs)} | told
        average = result.average
        found |= {"claimed": result.claimed, "chosen": result.chosen, "average": vars(average)}
        found |= {"covered": bool(average.low <= found["true_average"] <= average.high)}
        found |= {"error": _error(told[OURS], letters.asked_effect)}
        found |= {"error_of_average": _error(np.full(len(asked), average.value), letters.asked_effect)}
    found["rank"] = {name: float(spearmanr(effect, letters.asked_effect)[0]) for name, effect in told.items()}
    return found | {"recovered": is_recovered(found["rank"])}


def is_recovered(rank: dict[str, float]) -> bool:
    """At least half of what the inputs allow.

    >>> is_recovered({OURS: 0.2, CEILING: 0.3}), is_recovered({OURS: 0.1, CEILING: 0.3}), is_recovered({CEILING: 0.3})
    (True, False, False)
    """
    return OURS in rank and rank[OURS] >= RECOVERED_SHARE * rank[CEILING]


def fit_ceiling(letters: Drawn) -> Effect:
    """Trees that are told the true effects of a shop's letters: what the inputs allow to know of people never seen."""
    known = letters.known
    fitted = fit_trees(
        known.inputs, letters.effect, known.names, CEILING_TREES, file="ceiling.txt", seed=0, objective="regression"
    )
    return lambda inputs: np.asarray(fitted.model.raw(inputs, known.names), np.float64)


def yardsticks(known: UpliftRows, asked: UpliftRows) -> dict[str, Floats]:
    """A lottery, T-learners and an S-learner as they come; absent inputs as 0, since the plain logistic takes none."""
    filled, rows = replace(known, inputs=np.nan_to_num(known.inputs)), np.nan_to_num(asked.inputs)
    return {
        "T-learner, logistic": t_learner(filled, rows, learn_logistic),
        "T-learner, LightGBM": t_learner(known, asked.inputs, learn_trees),
        "S-learner, LightGBM": s_learner(known, asked.inputs, learn_trees),
        "random order": np.random.default_rng(0).random(len(asked)),
    }


def _error(told: Floats, true: Floats) -> float:
    """Root mean squared error, in chances of an order."""
    return float(np.sqrt(np.mean((told - true) ** 2)))
