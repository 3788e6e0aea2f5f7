"""Uplift as it is done without much thought: S- and T-learner, untuned LightGBM or a plain logistic; and a lottery.

S-learner: one model on the inputs and the treatment, asked twice. T-learner: a model an arm. (Künzel et al., 2019.)
"""

from collections.abc import Callable

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.learners import Matrix
from training.metrics import Floats
from training.uplift_learners import UpliftRows

Chance = Callable[[Matrix], Floats]
Learn = Callable[[Matrix, Floats], Chance]
ROUNDS = 100  # LightGBM's default, like all else here


def score_yardsticks(learned: UpliftRows, asked: Matrix, seed: int) -> dict[str, Floats]:
    """Effects `[n]` of the rows asked for, by each yardstick."""
    return {
        "S-learner, LightGBM": s_learner(learned, asked, learn_trees),
        "S-learner, logistic": s_learner(learned, asked, learn_logistic),
        "T-learner, LightGBM": t_learner(learned, asked, learn_trees),
        "T-learner, logistic": t_learner(learned, asked, learn_logistic),
        "random": np.random.default_rng(seed).random(len(asked)),
    }


def s_learner(learned: UpliftRows, asked: Matrix, learn: Learn) -> Floats:
    """One model, the treatment being an input among others."""
    chance = learn(np.column_stack([learned.inputs, learned.treated]), learned.outcome)
    ones = np.ones(len(asked))
    return chance(np.column_stack([asked, ones])) - chance(np.column_stack([asked, 0 * ones]))


def t_learner(learned: UpliftRows, asked: Matrix, learn: Learn) -> Floats:
    """A model of the treated less a model of the controls."""
    treated = learned.treated > 0.5
    with_it, without = (learn(learned.inputs[arm], learned.outcome[arm]) for arm in (treated, ~treated))
    return with_it(asked) - without(asked)


def learn_trees(inputs: Matrix, outcome: Floats) -> Chance:
    """LightGBM as it comes."""
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 0, "deterministic": True}
    booster = lightgbm.train(settings, lightgbm.Dataset(inputs, outcome, params={"verbose": -1}), ROUNDS)
    return lambda rows: np.asarray(booster.predict(rows, num_threads=1))


def learn_logistic(inputs: Matrix, outcome: Floats) -> Chance:
    """Standardised inputs, scikit-learn's penalty as it comes."""
    line = make_pipeline(StandardScaler(), LogisticRegression()).fit(inputs, outcome > 0.5)
    return lambda rows: np.asarray(line.predict_proba(rows)[:, 1])
