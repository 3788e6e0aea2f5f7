"""The next-offer model: which items a customer buys within the window, chosen against the baselines it must beat.

Rows are candidates (`features/inputs/candidates.py`) at past cutoffs; the truth is 1 if she bought the item in the
window. The ranker is a product: the chance that she orders at all, times the chance of the item if she does, each a
small LightGBM with a binary objective. (lambdarank was measured beside it and ranked no better; its scores are no
probabilities.)
The newest window validates; where no paired interval says that the ranker beats the best baseline, the baseline stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from features.errors import DataError
from features.inputs.candidates import CANDIDATE_INPUTS, CandidateFrame, Histories, Ints, ItemTable, candidates
from features.inputs.places import places
from features.inputs.scoring import Spec, calibrate
from training.calibration import fit_calibration
from training.leaks import refuse_leaks
from training.learners import Fitted, fit_trees, product_of
from training.metrics import (
    Array,
    Difference,
    ListScores,
    auc,
    brier,
    ece,
    log_loss,
    paired_bootstrap,
    reliability,
    score_lists,
)
from training.params import OfferParams, Trees
from training.split import customer_folds

ITEM_FILE, ORDER_FILE = "ranker.txt", "ranker_order.txt"
ORDER_INPUTS = ("orders", "order_size", "order_gap_days", "order_age_days", "order_due", "repeat_share")
ORDER_TREES = Trees(num_leaves=8, learning_rate=0.05, rounds=100, min_data_in_leaf=100)
CALIBRATED_PLACES = 30  # calibration looks at the best of each list, where decisions are made
CUSTOMERS_AT_ONCE = 1000
FEWEST_CUSTOMERS = 2
NAMES = list(CANDIDATE_INPUTS)


@dataclass(frozen=True)
class OfferRows:
    """All candidates of all customers at one cutoff, with what they bought: `bought` is (customer, item) rows."""

    cutoff: datetime
    customers: list[str]
    frame: CandidateFrame
    truth: Array  # [rows of the frame]
    bought: tuple[Ints, Ints]
    recent_buyers: Array  # [items]

    @property
    def came(self) -> Array:
        """Whether each customer bought anything, `[customers]`."""
        return np.isin(np.arange(len(self.customers)), self.bought[0])

    @property
    def orders(self) -> Array:
        """Orders known at the cutoff, `[customers]`; 0 for one without a candidate."""
        known, first = np.unique(self.frame.customer, return_index=True)
        found = np.zeros(len(self.customers))
        found[known] = self.frame.inputs[first, NAMES.index("orders")]
        return found


@dataclass(frozen=True)
class OfferResult:
    """The chosen model, its calibration and what was seen on the validation window."""

    fitted: Fitted
    calibration: Spec
    chosen: str
    scores: dict[str, dict[str, float]]  # candidate -> metric -> mean over customers who bought
    lists: dict[str, ListScores]
    difference: Difference  # NDCG of the ranker less the best baseline's
    best_baseline: str
    candidate_recall: float
    reliability: list[dict[str, float]]
    importance: dict[str, float]
    truth: Array  # of the calibrated rows, with
    probability: Array  # calibrated out of fold, and
    calibrated_customer: Ints  # whose they are
    validated_at: datetime


def offer_rows(
    customers: list[str], histories: Histories, table: ItemTable, cutoff: datetime, bought: tuple[Ints, Ints]
) -> OfferRows:
    """Candidates and truth at a cutoff; histories and table as of it."""
    frame = candidate_frame(histories, table, cutoff)
    wide, known = len(table), bought[1] >= 0
    truth = np.isin(frame.customer * wide + frame.item, (bought[0] * wide + bought[1])[known]).astype(np.float64)
    return OfferRows(cutoff, customers, frame, truth, bought, table.recent_buyers)


def candidate_frame(histories: Histories, table: ItemTable, at: datetime) -> CandidateFrame:
    """Everyone's candidates as of one moment, made a thousand customers at a time."""
    parts = []
    for first in range(0, max(len(histories), 1), CUSTOMERS_AT_ONCE):
        rows = np.arange(first, min(first + CUSTOMERS_AT_ONCE, len(histories)))
        part = candidates(histories.take(rows), table, np.full(len(rows), at.timestamp()))
        parts.append(CandidateFrame(part.customer + first, part.item, part.source, part.inputs))
    return CandidateFrame(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("customer", "item", "source", "inputs"))
    )


def to_learn_from(rows: OfferRows) -> OfferRows:
    """The rows of an older window that `fit_ranker` looks at: all of who bought in it, the first of everybody else."""
    frame = rows.frame
    kept = rows.came[frame.customer]
    kept[np.unique(frame.customer, return_index=True)[1]] = True
    return replace(
        rows,
        frame=CandidateFrame(frame.customer[kept], frame.item[kept], frame.source[kept], frame.inputs[kept]),
        truth=rows.truth[kept],
    )


def train_offers(groups: Sequence[OfferRows], params: OfferParams) -> OfferResult:
    """Choose, fit and calibrate; `groups` are newest first. With one window only the baselines can be chosen from.

    Raises `DataError` for a single customer, if nobody bought anything in a window, or an input knows what came after.
    """
    newest, older = groups[0], groups[1:]
    if len(newest.customers) < FEWEST_CUSTOMERS:
        raise DataError(
            f"Only {len(newest.customers)} customer was known at {newest.cutoff:%Y-%m-%d}: half of them are needed to "
            "judge what is learned from the other half. Ingest purchases of more customers."
        )
    for group in groups:
        if not group.truth.sum():
            raise DataError(
                f"Of {len(group.customers)} customers known at {group.cutoff:%Y-%m-%d} nobody bought a candidate item "
                f"in the {params.window_days} days after it. Ingest more history, or lengthen next_offer.window_days."
            )
        refuse_leaks(group.frame.inputs, group.truth, NAMES, seed=params.seed)
    models = baselines()
    if older:
        models["ranker"] = fit_ranker(older, params)
    raw = {name: fitted.model.raw(newest.frame.inputs, NAMES) for name, fitted in models.items()}
    lists = {name: score_lists(shown(newest, r, params.k), newest.bought, params.k) for name, r in raw.items()}
    best = max(baselines(), key=lambda name: lists[name].ndcg.mean())
    ours = lists.get("ranker", lists[best])
    difference = paired_bootstrap(ours.ndcg, lists[best].ndcg, seed=params.seed)
    recall = paired_bootstrap(ours.recall, lists[best].recall, seed=params.seed)
    chosen = "ranker" if difference.better and not recall.worse else _simplest_at_parity(lists, best, params.seed)

    top = places(newest.frame.customer, -raw[chosen]) < CALIBRATED_PLACES
    score, truth, who = raw[chosen][top], newest.truth[top], newest.frame.customer[top]
    calibration = fit_calibration(score, truth, who)
    probability = _out_of_fold(score, truth, who)
    fitted = fit_ranker(groups[: max(len(older), 1)], params) if chosen == "ranker" else models[chosen]
    scores = {name: _means(s) for name, s in lists.items()}
    scores["champion"] = _means(lists[chosen]) | {
        "auc": auc(truth, probability),
        "brier": brier(truth, probability),
        "log_loss": log_loss(truth, probability),
        "ece": ece(truth, probability),
    }
    return OfferResult(
        fitted=fitted,
        calibration=calibration,
        chosen=chosen,
        scores=scores,
        lists=lists,
        difference=difference,
        best_baseline=best,
        candidate_recall=candidate_recall(newest),
        reliability=reliability(truth, probability),
        importance=_importance(fitted),
        truth=truth,
        probability=probability,
        calibrated_customer=who,
        validated_at=newest.cutoff,
    )


def baselines() -> dict[str, Fitted]:
    """Simple scorers in the form of models, simplest first: popularity, own counts, own counts then popularity."""
    return {
        "popular": _fixed({"recent_buyers": 1.0}),
        "personal": _fixed({"own_count": 3.0}),
        "personal_popular": _fixed({"own_count": 3.0, "recent_buyers": 1e-4}),
        "faded_popular": _fixed({"own_faded": 3.0, "recent_buyers": 1e-4}),
    }


def _fixed(weights: dict[str, float]) -> Fitted:
    """A line with given weights, on log(1 + own counts): order is all that matters, calibration does the rest."""
    n = len(weights)
    spec = {
        "kind": "logistic",
        "inputs": list(weights),
        "log": [name.startswith("own") for name in weights],
        "fill": [0.0] * n,
        "mean": [0.0] * n,
        "scale": [1.0] * n,
        "coef": list(weights.values()),
        "intercept": -8.0,
    }
    return Fitted(spec, {})


def fit_ranker(groups: Sequence[OfferRows], params: OfferParams) -> Fitted:
    """Item model on customers who bought, order model on everybody, multiplied.

    In the item model a row weighs one over the items she bought in the window, so that every customer counts alike, as
    she does in the measures of lists, however full her baskets.
    """
    rows, truth, weight, person, came = [], [], [], [], []
    for group in groups:
        buyers = group.came[group.frame.customer]
        rows.append(group.frame.inputs[buyers])
        truth.append(group.truth[buyers])
        bought = np.bincount(group.bought[0], minlength=len(group.customers))
        weight.append(1 / bought[group.frame.customer[buyers]])
        first = np.unique(group.frame.customer, return_index=True)[1]
        person.append(group.frame.inputs[first][:, [NAMES.index(name) for name in ORDER_INPUTS]])
        came.append(group.came[group.frame.customer[first]].astype(np.float64))
    weights = np.concatenate(weight)
    item = fit_trees(
        np.concatenate(rows),
        np.concatenate(truth),
        NAMES,
        params.trees,
        file=ITEM_FILE,
        seed=params.seed,
        weight=weights / weights.mean(),
    )
    order = fit_trees(
        np.concatenate(person), np.concatenate(came), ORDER_INPUTS, ORDER_TREES, file=ORDER_FILE, seed=params.seed
    )
    return product_of(item, order)


def shown(rows: OfferRows, score: Array, k: int) -> tuple[Ints, Ints, Ints]:
    """The best `k` candidates of each customer as (customer, item, place); ties as in `scoring.rank`."""
    frame = rows.frame
    place = places(frame.customer, -score, -rows.recent_buyers[frame.item], frame.item)
    best = place < k
    return frame.customer[best], frame.item[best], place[best]


def candidate_recall(rows: OfferRows) -> float:
    """Share of what was bought that is among the candidates, mean over customers who bought."""
    n = len(rows.customers)
    size = np.bincount(rows.bought[0], minlength=n)
    found = np.bincount(rows.frame.customer, rows.truth, n)
    return float((found[size > 0] / size[size > 0]).mean())


def _simplest_at_parity(lists: dict[str, ListScores], best: str, seed: int) -> str:
    return next(
        name for name in baselines()
        if name == best or not paired_bootstrap(lists[best].ndcg, lists[name].ndcg, seed=seed).better
    )  # fmt: skip


def _out_of_fold(score: Array, truth: Array, customers: Array) -> Array:
    """Each customer's probabilities by a calibration of the other half."""
    found, half = np.empty(len(score)), customer_folds(customers, 2)
    for f in (0, 1):
        out = half != f
        found[half == f] = calibrate(fit_calibration(score[out], truth[out], customers[out]), score[half == f])
    return found


def _means(lists: ListScores) -> dict[str, float]:
    return {"recall": lists.recall.mean(), "ndcg": lists.ndcg.mean(), "mrr": lists.mrr.mean()}


def _importance(fitted: Fitted) -> dict[str, float]:
    """Shares of total gain in the item model, or of the weights of a baseline."""
    if ITEM_FILE in fitted.boosters:
        gain = fitted.boosters[ITEM_FILE].feature_importance("gain").astype(np.float64)
        return dict(zip(NAMES, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))
    total = sum(fitted.spec["coef"])
    return {name: c / total for name, c in zip(fitted.spec["inputs"], fitted.spec["coef"], strict=True)}
