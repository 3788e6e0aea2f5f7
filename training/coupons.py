"""The coupon model: which coupon of a campaign its receiver will use, learned from campaigns that are over.

Rows are pairs (receiver, coupon) of campaigns, inputs as of the campaign's start, the truth 1 if she used it.
Candidates walk forward: each campaign is predicted by what earlier ones, over before it started, teach. The simplest
candidate that the best does not beat in log loss is fitted to all, and calibrated on what it predicted walking.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.coupons.inputs import PairInputs, pair_inputs
from features.coupons.shop import Campaign, CouponShop, Ints, redeemed
from features.errors import DataError
from features.inputs.scoring import Model, calibrate
from training.calibration import fit_calibration
from training.learners import Fitted, Matrix, fit_logistic, fit_trees, mean_of
from training.metrics import Array, Difference, auc, ece, log_loss, paired_bootstrap
from training.params import Trees

LINE = (
    "own_order_share",
    "own_spend_faded_place",
    "type_lines_place",
    "category_spend",
    "buyers_place",
    "coupons_used_faded",
    "orders_faded",
    "coupons",
)
"""Inputs of the line: places and shares, which mean the same however long the history; how she shops."""
MIN_REDEEMED = 50
MIN_HISTORY_DAYS = 28
TREES = Trees(num_leaves=8, learning_rate=0.03, rounds=200, min_data_in_leaf=100, lambda_l2=10.0, feature_fraction=0.3)
SEED = 7


@dataclass(frozen=True)
class CampaignRows:
    """All pairs of one campaign with their truth `[pairs]`."""

    campaign: Campaign
    pairs: PairInputs
    truth: Array


@dataclass(frozen=True)
class CouponResult:
    """The chosen model, ready to give probabilities, and what was seen walking forward."""

    model: Model
    names: tuple[str, ...]
    chosen: str
    scores: dict[str, dict[str, float]]  # candidate -> metric -> value
    differences: dict[str, Difference]  # candidate -> its log loss less that of the best
    learned_from: tuple[int, ...]  # campaigns
    validated_on: tuple[int, ...]
    importance: dict[str, float]  # input -> share

    def probability(self, pairs: PairInputs) -> Array:
        """Calibrated chance of use of each pair."""
        return self.model.probability(pairs.values, self.names)


Fit = Callable[[Sequence[CampaignRows]], Fitted]


def ended_rows(shop: CouponShop, day: float) -> list[CampaignRows]:
    """Rows of the campaigns that were over by a midnight, oldest first, with enough purchases before them."""
    over = [c for c in shop.campaigns if c.end < day and c.start - shop.first_day >= MIN_HISTORY_DAYS]
    known = shop.redemptions.before(day)
    return [CampaignRows(c, pair_inputs(shop, c), redeemed(c, known).ravel()) for c in over]


def train_coupons(rows: Sequence[CampaignRows]) -> CouponResult:
    """Choose, fit and calibrate. Raises `DataError` where no campaign can be predicted from earlier ones."""
    walked = walk_forward(rows, CANDIDATES)
    walked.raw["mean"] = (walked.raw["line"] + walked.raw["trees"]) / 2
    truth = np.concatenate([r.truth for r in walked.rows])
    customers = np.concatenate([r.pairs.customer for r in walked.rows])
    chosen, differences = _choose(truth, customers, walked.raw)
    fitted = (CANDIDATES | {"mean": fit_both})[chosen](rows)
    calibration = fit_calibration(walked.raw[chosen], truth, customers)
    scores = {name: _scores(truth, raw) for name, raw in walked.raw.items()}
    scores["champion"] = _scores(truth, calibrate(calibration, walked.raw[chosen]))
    return CouponResult(
        model=Model(fitted.spec, calibration, fitted.boosters),
        names=rows[0].pairs.names,
        chosen=chosen,
        scores=scores,
        differences=differences,
        learned_from=tuple(r.campaign.number for r in rows),
        validated_on=tuple(r.campaign.number for r in walked.rows),
        importance=_importance(fitted),
    )


@dataclass(frozen=True)
class Walked:
    """Campaigns that earlier ones could predict, and each candidate's prediction of all their pairs, in that order."""

    rows: list[CampaignRows]
    raw: dict[str, Array]


def walk_forward(rows: Sequence[CampaignRows], candidates: Mapping[str, Fit]) -> Walked:
    """Predict each campaign from those over before it started, if these hold `MIN_REDEEMED` uses."""
    raw: dict[str, list[Array]] = {name: [] for name in candidates}
    fits: dict[tuple[int, ...], dict[str, Fitted]] = {}
    predicted = []
    for row in rows:
        past = [r for r in rows if r.campaign.end < row.campaign.start]
        if sum(r.truth.sum() for r in past) < MIN_REDEEMED:
            continue
        key = tuple(r.campaign.number for r in past)
        if key not in fits:
            fits[key] = {name: fit(past) for name, fit in candidates.items()}
        predicted.append(row)
        for name in candidates:
            raw[name].append(fits[key][name].model.raw(row.pairs.values, row.pairs.names))
    if not predicted:
        raise DataError(
            f"No campaign starts after others in which at least {MIN_REDEEMED} coupons were used had ended: "
            f"{len(rows)} campaigns with {sum(r.truth.sum() for r in rows):.0f} uses. Wait for more of them to end."
        )
    return Walked(predicted, {name: np.concatenate(parts) for name, parts in raw.items()})


def _choose(truth: Array, customers: Ints, raw: Mapping[str, Array]) -> tuple[str, dict[str, Difference]]:
    """The first candidate that the best does not beat: the interval of log loss, over customers, includes zero."""
    _, who = np.unique(customers, return_inverse=True)
    best = min(raw, key=lambda name: log_loss(truth, raw[name]))
    size = np.bincount(who).astype(np.float64)
    losses = {name: np.bincount(who, _losses(truth, p)) for name, p in raw.items()}
    differences = {
        name: paired_bootstrap(lost, losses[best], truth=size, metric=ratio, draws=500, seed=SEED)
        for name, lost in losses.items()
    }
    return next(name for name in raw if name == best or not differences[name].better), differences


def ratio(size: Array, total: Array) -> float:
    """Mean over rows from customers' sizes and sums: a metric for `paired_bootstrap` where a customer has many."""
    return float(total.sum() / size.sum())


def _losses(truth: Array, p: Array) -> Array:
    inside = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-np.where(truth > 0.5, np.log(inside), np.log1p(-inside)))


def _scores(truth: Array, p: Array) -> dict[str, float]:
    return {"auc": auc(truth, p), "log_loss": log_loss(truth, p), "ece": ece(truth, p)}


def _stacked(rows: Sequence[CampaignRows]) -> tuple[Matrix, Array, tuple[str, ...]]:
    return np.concatenate([r.pairs.values for r in rows]), np.concatenate([r.truth for r in rows]), rows[0].pairs.names


def fit_line(rows: Sequence[CampaignRows]) -> Fitted:
    """A line on how well the coupon suits her, how many buy its items, and how she uses coupons."""
    values, truth, names = _stacked(rows)
    return fit_logistic(values, truth, names, LINE)


def fit_trees_of_pairs(rows: Sequence[CampaignRows]) -> Fitted:
    """Trees on all pairs: the chance of use."""
    values, truth, names = _stacked(rows)
    return fit_trees(values, truth, names, TREES, file="coupon.txt", seed=SEED)


def fit_both(rows: Sequence[CampaignRows]) -> Fitted:
    """The mean of the line and the trees."""
    return mean_of(fit_line(rows), fit_trees_of_pairs(rows))


CANDIDATES: dict[str, Fit] = {"line": fit_line, "trees": fit_trees_of_pairs}
"""Simplest first; the mean of both comes after them."""


def _importance(fitted: Fitted) -> dict[str, float]:
    """Share of each input, largest first: of the gain of the trees, of a line's standardised coefficients' sizes."""
    weight: dict[str, float] = {}
    for booster in fitted.boosters.values():
        gains = booster.feature_importance("gain").tolist()
        weight |= dict(zip(booster.feature_name(), gains, strict=True))
    if not weight:
        weight = dict(zip(fitted.spec["inputs"], np.abs(fitted.spec["coef"]).tolist(), strict=True))
    total = sum(weight.values()) or 1.0
    return {name: value / total for name, value in sorted(weight.items(), key=lambda kept: (-kept[1], kept[0]))}
