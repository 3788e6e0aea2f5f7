"""Models of people: several candidates on one validation window; the simplest at parity with the best is chosen.

Rows are customers at cutoffs; the truth is 0 or 1: what happened in the horizon after it. The newest cutoff validates;
a customer there is predicted by models that learned from older cutoffs of other customers (`training/split.py`). The
chosen one is then fitted again to all cutoffs, and calibrated on the newest, each customer predicted without her.

Every model of people is one file with a `Question` and a function of the same shape: groups of rows (newest first), the
names of their inputs, the horizon and the parameters in, a `Result` out (`churn.py`, `second_purchase.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from features.errors import DataError
from features.inputs.scoring import Spec, calibrate
from training.calibration import fit_calibration, fit_platt
from training.leaks import refuse_leaks
from training.learners import Fitted, Matrix, fit_logistic, fit_trees, mean_of
from training.metrics import Array, Difference, auc, brier, ece, log_loss, paired_bootstrap, reliability
from training.params import ChurnParams
from training.source_worth import source_worth
from training.split import customer_folds

PENALTY = 0.3  # scikit-learn's C of the logistic candidates


@dataclass(frozen=True)
class Rows:
    """All customers at one cutoff: ids `[n]`, model inputs `[n, p]`, truth `[n]`."""

    cutoff: datetime
    customers: Array
    inputs: Matrix
    truth: Array


@dataclass(frozen=True)
class Question:
    """What is asked of people: its name, the inputs of its simple lines, and the words of a refusal.

    `lines` are simplest first; a line on all inputs, trees and their mean follow them. `who` did or did not `act`. With
    fewer than `enough` of them in the newest window nothing can be chosen: the first line is taken.
    """

    name: str
    lines: Mapping[str, Sequence[str]]
    who: str
    act: str
    enough: int = 0

    @property
    def file(self) -> str:
        """LightGBM's file."""
        return f"{self.name}.txt"

    def candidates(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Inputs of the logistic candidates among `names`, simplest first."""
        return {line: [n for n in inputs if n in names] for line, inputs in self.lines.items()} | {
            "logistic": list(names)
        }


@dataclass(frozen=True)
class Result:
    """The chosen model, its calibration and what was seen on the validation window."""

    fitted: Fitted
    calibration: Spec
    chosen: str
    scores: dict[str, dict[str, float]]  # candidate -> metric -> value
    differences: dict[str, Difference]  # candidate -> AUC of the best less its own
    reliability: list[dict[str, float]]
    importance: dict[str, float]
    customers: Array  # of the validation window, with
    truth: Array
    probability: Array  # calibrated out of fold
    baseline: Array  # the same of the simplest line
    validated_at: datetime
    source_worth: dict[str, Difference]  # source -> AUC with everything less AUC without it
    note: str = ""  # what was done otherwise than usual, in words


Fit = Callable[[Matrix, Array], Fitted]


def train(
    question: Question, groups: Sequence[Rows], names: Sequence[str], horizon_days: int, params: ChurnParams
) -> Result:
    """Choose, fit and calibrate. `groups` are newest first; `names` are the columns of their inputs.

    Raises `DataError` if the newest window has too few customers, too few of one kind, or no input that tells anything,
    and where one input alone tells everything.
    """
    newest, older = groups[0], groups[1:]
    _check(question, newest, params)
    _refuse_leaks(question, groups, names, params)
    if sum(len(g.truth) for g in older) < 2 * params.folds:  # too few to learn from apart: fitted across the newest
        groups, older = groups[:1], []
    fold = customer_folds(newest.customers, params.folds)
    overlap = any(g.cutoff + timedelta(days=horizon_days) > newest.cutoff for g in older)
    rounds: list[int] = []
    raw: dict[str, Array] = {}
    thin = len(newest.truth) < question.enough
    for name, inputs in list(question.candidates(names).items())[: 1 if thin else None]:
        raw[name] = predict_newest(groups, names, fold, overlap, _line(names, inputs))
    if older and not thin:  # trees need a window of their own to be stopped on
        raw["trees"], rounds = _predict_with_trees(question, groups, names, fold, overlap, params)
        raw["mean"] = (raw["trees"] + raw["logistic"]) / 2
    levelled = {name: _level(p, newest, fold) for name, p in raw.items()}
    scores = {name: _scores(newest.truth, p) for name, p in levelled.items()}
    chosen, differences = choose(newest.truth, levelled, params.seed)

    final_rounds = int(np.median(rounds)) if rounds else 0
    fit = _fitter(question, chosen, names, final_rounds, params)
    fitted = fit(np.concatenate([g.inputs for g in groups]), np.concatenate([g.truth for g in groups]))
    cross = predict_newest(groups, names, fold, True, fit, with_newest=True)
    calibration = fit_calibration(cross, newest.truth, newest.customers)
    probability = _level(cross, newest, fold, calibration["kind"])
    worth = source_worth(groups, names, fold % 2, fit, seed=params.seed)
    scores["champion"] = _scores(newest.truth, probability)
    return Result(
        fitted=fitted,
        calibration=calibration,
        chosen=chosen,
        scores=scores,
        differences=differences,
        reliability=reliability(newest.truth, probability),
        importance=importance_of(fitted),
        customers=newest.customers,
        truth=newest.truth,
        probability=probability,
        baseline=levelled[next(iter(levelled))],
        validated_at=newest.cutoff,
        source_worth=worth,
        note=f"only {len(newest.truth)} {question.who}, too few to choose by: {chosen} alone" if thin else "",
    )


def choose(truth: Array, candidates: dict[str, Array], seed: int) -> tuple[str, dict[str, Difference]]:
    """The first (simplest) candidate that the best one does not beat: its paired interval of AUC includes zero."""
    best = max(candidates, key=lambda name: auc(truth, candidates[name]))
    differences = {
        name: paired_bootstrap(candidates[best], p, truth=truth, metric=auc, draws=500, seed=seed)
        for name, p in candidates.items()
    }
    return next(name for name in candidates if name == best or not differences[name].better), differences


def _check(question: Question, newest: Rows, params: ChurnParams) -> None:
    n, ones, at = len(newest.truth), int(newest.truth.sum()), f"{newest.cutoff:%Y-%m-%d}"
    words = question.name.replace("_", " ")
    if n < 2 * params.folds:
        raise DataError(
            f"Only {n} {question.who} were known at {at}; {words} needs at least {2 * params.folds}. "
            "Ingest more customers, or train as of a later date."
        )
    if ones < params.folds or n - ones < params.folds:
        raise DataError(
            f"After {at} {ones} of {n} {question.who} {question.act}: {words} needs at least {params.folds} of each "
            "kind. Change churn.horizon_days in params.yaml, or train as of another date."
        )
    if np.isnan(newest.inputs).all():
        raise DataError(
            f"At {at} none of the {newest.inputs.shape[1]} inputs of {words} is known of any of {n} {question.who}. "
            "Ingest their purchases, and build the snapshots again with `tahdikas snapshots`."
        )


def _refuse_leaks(question: Question, groups: Sequence[Rows], names: Sequence[str], params: ChurnParams) -> None:
    """All windows together: what knows the future does so in each."""
    inputs, truth = np.concatenate([g.inputs for g in groups]), np.concatenate([g.truth for g in groups])
    what = f"which {question.who} {question.act} in the horizon"
    refuse_leaks(inputs, truth, names, seed=params.seed, what=what, where="CHURN_INPUTS")


def _fitter(question: Question, chosen: str, names: Sequence[str], rounds: int, params: ChurnParams) -> Fit:
    def trees(x: Matrix, y: Array) -> Fitted:
        return fit_trees(x, y, names, params.trees, file=question.file, seed=params.seed, rounds=rounds)

    wide = _line(names, list(names))
    match chosen:
        case "trees":
            return trees
        case "mean":
            return lambda x, y: mean_of(wide(x, y), trees(x, y))
        case _:
            return _line(names, question.candidates(names)[chosen])


def _line(names: Sequence[str], inputs: Sequence[str]) -> Fit:
    return lambda x, y: fit_logistic(x, y, names, inputs, PENALTY)


def _rows_for(groups: Sequence[Rows], without: Array, with_newest: bool) -> tuple[Matrix, Array]:
    """Rows to learn from: older cutoffs (and the newest, if asked), without the given customers."""
    used = groups if with_newest or len(groups) == 1 else groups[1:]
    keep = [~np.isin(g.customers, without) for g in used]
    return (
        np.concatenate([g.inputs[k] for g, k in zip(used, keep, strict=True)]),
        np.concatenate([g.truth[k] for g, k in zip(used, keep, strict=True)]),
    )


def predict_newest(
    groups: Sequence[Rows],
    names: Sequence[str],
    fold: Array,
    overlap: bool,
    fit: Fit,
    *,
    with_newest: bool = False,
) -> Array:
    """Each newest row predicted by a model of older cutoffs, of other customers where windows overlap."""
    newest = groups[0]
    if not overlap and len(groups) > 1:
        return fit(*_rows_for(groups, np.empty(0, newest.customers.dtype), False)).model.raw(newest.inputs, names)
    found = np.empty(len(newest.truth))
    for f in range(int(fold.max()) + 1):
        inside = fold == f
        model = fit(*_rows_for(groups, newest.customers[inside], with_newest)).model
        found[inside] = model.raw(newest.inputs[inside], names)
    return found


def _predict_with_trees(
    question: Question,
    groups: Sequence[Rows],
    names: Sequence[str],
    fold: Array,
    overlap: bool,
    params: ChurnParams,
) -> tuple[Array, list[int]]:
    """As `predict_newest`; a fold is predicted with as many rounds as were best on the other folds."""
    newest = groups[0]
    folds = range(int(fold.max()) + 1)
    models, rounds = [], []
    for f in folds:
        inside = fold == f
        without = newest.customers[inside] if overlap else np.empty(0, newest.customers.dtype)
        model = fit_trees(
            *_rows_for(groups, without, False), names, params.trees,
            file=question.file, seed=params.seed, watch=(newest.inputs[inside], newest.truth[inside]),
        )  # fmt: skip
        models.append(model.boosters[question.file])
        rounds.append(max(models[-1].best_iteration, 10))
    found = np.empty(len(newest.truth))
    for f in folds:
        others = int(np.median([r for g, r in enumerate(rounds) if g != f]))
        found[fold == f] = models[f].predict(newest.inputs[fold == f], num_iteration=others, num_threads=1)
    return found, rounds


def _level(p: Array, newest: Rows, fold: Array, kind: str = "platt") -> Array:
    """Probabilities on the level of the newest window, each customer's by a calibration without her."""
    found = np.empty(len(p))
    for f in range(int(fold.max()) + 1):
        inside, out = fold == f, fold != f
        spec = (
            fit_platt(p[out], newest.truth[out])
            if kind == "platt"
            else fit_calibration(p[out], newest.truth[out], newest.customers[out])
        )
        found[inside] = calibrate(spec, p[inside])
    return found


def _scores(truth: Array, p: Array) -> dict[str, float]:
    return {"auc": auc(truth, p), "brier": brier(truth, p), "log_loss": log_loss(truth, p), "ece": ece(truth, p)}


def importance_of(fitted: Fitted) -> dict[str, float]:
    """Shares that sum to 1: total gain of trees, or |coefficient| of a line on standardised inputs."""
    found: dict[str, float] = {}
    for part in fitted.spec.get("parts", [fitted.spec]):
        if part["kind"] == "lightgbm":
            weights = fitted.boosters[part["file"]].feature_importance("gain").astype(np.float64)
        else:
            weights = np.abs(part["coef"])
        total = max(float(np.sum(weights)), 1e-12)
        for name, weight in zip(part["inputs"], weights.tolist(), strict=True):
            found[name] = found.get(name, 0.0) + weight / total
    return {name: weight / len(fitted.spec.get("parts", [0])) for name, weight in found.items()}
