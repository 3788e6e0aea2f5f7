"""Learning who is dissatisfied from what people wrote with a score, and from facts beside it.

First a line weighs the text model's scores, each from a fit that never saw the text, and the seed words; then small
boosted trees over the facts add to it, where held-out texts say that they help.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.linear_model import LogisticRegression

from features.inputs.satisfaction import Line, Satisfaction, line_of
from features.inputs.scoring import Matrix, sigmoid
from features.inputs.seed_words import seed_scores
from features.inputs.texts import tokens
from training.learners import fit_trees
from training.metrics import Array, auc, log_losses
from training.params import Trees
from training.split import customer_folds
from training.texts import fit_text

FEWEST = 20  # texts of each kind; with fewer the seed words alone are weighed
FOLDS = 5
FACT_TREES = Trees(num_leaves=6, learning_rate=0.04, rounds=80, min_data_in_leaf=30, feature_fraction=0.6)
FILE = "satisfaction.txt"


@dataclass(frozen=True)
class SatisfactionResult:
    """The model, the out-of-fold probabilities it was judged by, and what was decided, in words."""

    model: Satisfaction
    probability: Array  # [texts], out of fold
    notes: list[str] = field(default_factory=list)
    of_text: Array | None = None  # [texts], log-odds by the words alone, out of fold, where facts were added to them

    def auc(self, truth: Array) -> float:
        """Of the out-of-fold probabilities."""
        return auc(truth, self.probability)


def train_satisfaction(
    texts: Sequence[str], truth: Array, facts: Matrix | None = None, names: Sequence[str] = (), *, seed: int = 0
) -> SatisfactionResult:
    """`truth` is 1 for the dissatisfied; `facts` is `[n, len(names)]`, NaN being absent.

    With fewer than 20 of either kind the seed words' order is kept and only its level is learned.
    """
    if told := _nothing_to_learn(texts, truth):
        model = Satisfaction()
        return SatisfactionResult(model, model.probability(texts), [told])
    fitted = fit_text(texts, truth, folds=FOLDS)
    seeds = seed_scores(texts)
    line = _line(fitted.out_of_fold, seeds, truth)
    model = Satisfaction(line, fitted.model)
    of_text = line_of(line, fitted.out_of_fold, seeds)
    if facts is None or not facts.shape[1]:
        return SatisfactionResult(model, sigmoid(of_text))
    added = _out_of_fold(facts, names, truth, of_text, seed)
    if not _clearly_better(log_losses(truth, sigmoid(of_text + added)), log_losses(truth, sigmoid(of_text))):
        told = f"The facts ({len(names)} columns) tell nothing of held-out texts that the words do not: left out."
        return SatisfactionResult(model, sigmoid(of_text), [told])
    trees = fit_trees(facts, truth, names, FACT_TREES, file=FILE, seed=seed, offset=of_text).boosters[FILE]
    whole = Satisfaction(line, fitted.model, trees, tuple(names))
    return SatisfactionResult(whole, sigmoid(of_text + added), of_text=of_text)


def _nothing_to_learn(texts: Sequence[str], truth: Array) -> str:
    """Why seed words alone must judge; "" where there is something to learn from."""
    rarer = int(min(truth.sum(), (1 - truth).sum()))
    if rarer < FEWEST:
        return f"{len(texts)} rated texts hold {rarer} of the rarer kind; {FEWEST} are needed: seed words alone judge."
    if len({tuple(tokens(text)) for text in texts}) < 2:
        return f"All {len(texts)} rated texts say the same, or nothing: seed words alone judge."
    return ""


def _clearly_better(ours: Array, theirs: Array) -> bool:
    """Held-out losses fall on average by more than one standard error of that average."""
    gain = theirs - ours
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def _line(text: Array, seeds: Array, truth: Array) -> Line:
    """Both scores, never against their meaning: a weight below zero is set to zero."""
    both = np.column_stack([text, seeds])
    for used in ([0, 1], [0], [1]):
        found = LogisticRegression(C=1e3, tol=1e-8, max_iter=1000).fit(both[:, used], truth > 0.5)
        weight = dict(zip(used, found.coef_[0].tolist(), strict=True))
        if min(weight.values()) >= 0:
            return Line(float(found.intercept_[0]), weight.get(0, 0.0), weight.get(1, 0.0))
    rate = float(truth.mean())
    return Line(float(np.log(rate / (1 - rate))), 0.0, 0.0)


def _out_of_fold(facts: Matrix, names: Sequence[str], truth: Array, offset: Array, seed: int) -> Array:
    """What the trees add to each row's log-odds when they learned from others."""
    added, fold = np.zeros(len(truth)), customer_folds(np.arange(len(truth)), FOLDS)
    for number in range(FOLDS):
        inside, outside = fold == number, fold != number
        fitted = fit_trees(
            facts[outside], truth[outside], names, FACT_TREES, file=FILE, seed=seed, offset=offset[outside]
        )
        added[inside] = Satisfaction(trees=fitted.boosters[FILE], facts=tuple(names)).of_facts(facts[inside])
    return added
