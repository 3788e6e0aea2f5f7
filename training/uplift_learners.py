"""Learners of what an action adds: the chance of the response with it, less the chance without it, per customer.

Each takes rows whose treatment was drawn at random and returns a function from inputs to effects. X-learner (Künzel et
al., 2019) and DR-learner (Kennedy, 2023) are LightGBM around plain chances; `fit_interactions` is a logistic line.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from features.inputs.scoring import sigmoid
from training.learners import Matrix, fit_logistic, fit_trees
from training.metrics import Array, Floats
from training.params import Trees
from training.split import customer_folds

Effect = Callable[[Matrix], Floats]
"""Inputs `[n, p]` to effects `[n]`, in chances of the response: -1 to 1."""

EFFECT_TREES = Trees(
    num_leaves=3, learning_rate=0.03, rounds=80, min_data_in_leaf=400, lambda_l2=200.0, feature_fraction=0.5
)
CHANCE_TREES = Trees(
    num_leaves=6, learning_rate=0.05, rounds=80, min_data_in_leaf=200, lambda_l2=20.0, feature_fraction=0.5
)
CHANCE_PENALTY = 0.3  # scikit-learn's C of the lines for the chances of each arm
INTERACTION = 0.3  # how readily the line lets an effect depend on an input: the scale of the interactions
NUISANCE_FOLDS = 2
SEED = 7


@dataclass(frozen=True)
class UpliftRows:
    """Customers who were, by a draw, treated or not.

    `inputs` `[n, p]` as known before the draw, `treated` and `outcome` 0/1 `[n]`, `share` the chance of being treated,
    `[n]`: known from the draw, not learned. A customer may have several rows.
    """

    customers: Array
    inputs: Matrix
    names: tuple[str, ...]
    treated: Floats
    outcome: Floats
    share: Floats

    def __len__(self) -> int:
        return len(self.treated)

    def take(self, rows: Array) -> "UpliftRows":
        """Some of the rows, by number or mask."""
        return UpliftRows(
            self.customers[rows], self.inputs[rows], self.names, self.treated[rows], self.outcome[rows],
            self.share[rows],
        )  # fmt: skip

    def in_order(self) -> "UpliftRows":
        """The same rows in an order that depends on them alone."""
        keys = [*self.inputs.T[::-1], self.share, self.outcome, self.treated, self.customers]
        return self.take(np.lexsort(keys))


Fit = Callable[[UpliftRows], Effect]


def fit_average(rows: UpliftRows) -> Effect:
    """The same effect for everybody."""
    effect = average_effect(rows)
    return lambda inputs: np.full(len(inputs), effect)


def average_effect(rows: UpliftRows) -> float:
    """Mean outcome of the treated less that of the controls, rows weighed by the inverse chance of their arm."""
    ours, theirs = rows.treated / rows.share, (1 - rows.treated) / (1 - rows.share)
    return float((rows.outcome * ours).sum() / ours.sum() - (rows.outcome * theirs).sum() / theirs.sum())


def fit_interactions(rows: UpliftRows, readiness: float = INTERACTION) -> Effect:
    """One logistic line on the inputs, the treatment, and their products, which are shrunk hardest.

    The treatment counts from its share, so that the inputs' own weights mean the average of both arms.
    """
    base = fit_logistic(rows.inputs, rows.outcome, rows.names, rows.names).spec

    def standardised(inputs: Matrix) -> Floats:
        x = inputs[:, [rows.names.index(name) for name in base["inputs"]]].astype(np.float64)
        x = np.where(base["log"], np.log1p(np.maximum(x, 0)), x)
        return np.asarray((np.where(np.isnan(x), base["fill"], x) - base["mean"]) / base["scale"])

    def design(z: Floats, treated: Floats) -> Floats:
        drawn = (treated - rows.share.mean())[:, None]
        return np.hstack([z, drawn, drawn * z * readiness])

    line = LogisticRegression(C=1.0, tol=1e-8, max_iter=2000)
    line.fit(design(standardised(rows.inputs), rows.treated), rows.outcome > 0.5)
    coef, intercept = line.coef_[0], float(line.intercept_[0])

    def effect(inputs: Matrix) -> Floats:
        z = standardised(inputs)
        ones = np.ones(len(z))
        with_it, without = (design(z, arm) @ coef + intercept for arm in (ones, 0 * ones))
        return np.asarray(sigmoid(with_it) - sigmoid(without))

    return effect


def fit_x_learner(rows: UpliftRows) -> Effect:
    """X-learner: what each arm's responses differ by from the other arm's chances, regressed per arm, then mixed.

    The mix gives each arm's regression the share of the other arm, as the authors advise.
    """
    treated = rows.treated > 0.5
    chances = [_chances(rows.take(arm)) for arm in (~treated, treated)]
    of_treated, of_controls = rows.take(treated), rows.take(~treated)
    gained = of_treated.outcome - chances[0](of_treated.inputs)
    forgone = chances[1](of_controls.inputs) - of_controls.outcome
    effects = [_regression(of_controls, forgone), _regression(of_treated, gained)]
    share = float(rows.share.mean())
    return lambda inputs: share * effects[0](inputs) + (1 - share) * effects[1](inputs)


def fit_dr_learner(rows: UpliftRows) -> Effect:
    """DR-learner: doubly robust single-row effects, by chances that never saw the row, regressed on inputs."""
    return _regression(rows, row_effects(rows))


def row_effects(rows: UpliftRows, folds: int = NUISANCE_FOLDS) -> Floats:
    """Doubly robust effect of each row, `[n]`: unbiased given its inputs, very noisy, for the draw is known.

    `m1 - m0 + (t - e) / (e (1 - e)) (y - m_t)` with lines m0, m1 for the chances of both arms, fitted to other
    customers, and e the known chance of being treated.
    """
    found, fold = np.empty(len(rows)), customer_folds(rows.customers, folds)
    for number in range(folds):
        inside = rows.take(fold == number)
        chances = [_line(rows.take((fold != number) & (rows.treated == arm))) for arm in (0, 1)]
        without, with_it = (chance(inside.inputs) for chance in chances)
        own = np.where(inside.treated > 0.5, with_it, without)
        drawn = (inside.treated - inside.share) / (inside.share * (1 - inside.share))
        found[fold == number] = with_it - without + drawn * (inside.outcome - own)
    return found


def fit_mean(*fits: Fit) -> Fit:
    """The mean of several learners' effects."""

    def fit(rows: UpliftRows) -> Effect:
        effects = [one(rows) for one in fits]
        return lambda inputs: np.asarray(np.mean([effect(inputs) for effect in effects], axis=0))

    return fit


def _line(rows: UpliftRows) -> Effect:
    model = fit_logistic(rows.inputs, rows.outcome, rows.names, rows.names, CHANCE_PENALTY).model
    return lambda inputs: model.raw(inputs, rows.names)


def _chances(rows: UpliftRows) -> Effect:
    model = fit_trees(rows.inputs, rows.outcome, rows.names, CHANCE_TREES, file="chance.txt", seed=SEED).model
    return lambda inputs: model.raw(inputs, rows.names)


def _regression(rows: UpliftRows, values: Floats) -> Effect:
    model = fit_trees(
        rows.inputs, values, rows.names, EFFECT_TREES, file="effect.txt", seed=SEED, objective="regression"
    ).model
    return lambda inputs: model.raw(inputs, rows.names)


def out_of_fold(rows: UpliftRows, fit: Fit, folds: int) -> Floats:
    """Each row's effect by a fit to other customers, `[n]`."""
    found, fold = np.empty(len(rows)), customer_folds(rows.customers, folds)
    for number in range(folds):
        found[fold == number] = fit(rows.take(fold != number))(rows.inputs[fold == number])
    return found


def walking(rows: UpliftRows, fit: Fit, folds: int) -> list[tuple[Array, Floats]]:
    """Row numbers and effects of all folds but the first, each by a fit to the folds before it.

    Nobody who is judged helps to judge those before her. In ordinary cross-validation everybody does, and what chance
    put into the whole sample shows up in every fold: intervals are then too narrow for a claim.
    """
    fold = customer_folds(rows.customers, folds)
    steps = [(np.flatnonzero(fold == number), rows.take(fold < number)) for number in range(1, folds)]
    return [(inside, fit(before)(rows.inputs[inside])) for inside, before in steps]
