"""Promotion gates: what a challenger must show on its validation window before customers see it.

Each gate is a figure and a limit; all are evaluated, and each says by how much it was missed. A difference counts only
where its paired 95 % interval excludes zero.
"""

from dataclasses import dataclass

import numpy as np

from training.metrics import Array, Difference, auc, brier, ece, paired_bootstrap
from training.params import PromotionParams

SMALLEST_SEGMENT = 50  # customers; a smaller segment's rate is mostly chance


@dataclass(frozen=True)
class Gate:
    """One gate: the figure found, the limit, and whether it holds."""

    name: str
    passed: bool
    value: float
    limit: float
    text: str

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'} {self.name}: {self.text}"


@dataclass(frozen=True)
class ChurnEvidence:
    """Validation customers: truth, probabilities of challenger, baseline and champion (if any), and segment of each."""

    truth: Array
    challenger: Array
    baseline: Array
    champion: Array | None
    segment: Array


@dataclass(frozen=True)
class OfferEvidence:
    """Validation customers who bought: NDCG@k of the challenger, the best baseline and the champion; and, of calibrated
    rows, truth and probability."""

    challenger: Array
    baseline: Array
    champion: Array | None
    truth: Array
    probability: Array


def churn_gates(found: ChurnEvidence, params: PromotionParams) -> list[Gate]:
    """Enough customers, better than chance, not worse than recency or the champion, calibrated, each segment too."""
    n = len(found.truth)
    area = auc(found.truth, found.challenger)
    gates = [
        _at_least("churn_customers", n, params.min_customers, "customers in the validation window"),
        _at_least("churn_auc", area, params.min_churn_auc, "AUC"),
        _not_worse("churn_against_recency", _auc_gain(found, found.baseline), "AUC less that of recency alone"),
        _calibrated("churn_calibrated", found.truth, found.challenger, params.max_churn_ece),
    ]
    if found.champion is not None:
        gates.append(_not_worse("churn_against_champion", _auc_gain(found, found.champion), "AUC less the champion's"))
        loss = paired_bootstrap(-found.challenger, -found.champion, truth=found.truth, metric=_less_brier)
        gates.append(_not_worse("churn_brier_against_champion", loss, "the champion's Brier score less its own"))
    for name in np.unique(found.segment):
        inside = found.segment == name
        if inside.sum() >= SMALLEST_SEGMENT:
            gates.append(_level(f"churn_fair_to_{name}", found.truth[inside], found.challenger[inside], params))
    return gates


def offer_gates(found: OfferEvidence, params: PromotionParams) -> list[Gate]:
    """Enough customers, not worse than the best baseline or the champion, calibrated."""
    gates = [
        _at_least("offer_customers", len(found.challenger), params.min_customers, "customers who bought in the window"),
        _not_worse(
            "offer_against_baseline",
            paired_bootstrap(found.challenger, found.baseline),
            "NDCG less that of the best baseline",
        ),
        _calibrated("offer_calibrated", found.truth, found.probability, params.max_offer_ece),
    ]
    if found.champion is not None:
        difference = paired_bootstrap(found.challenger, found.champion)
        gates.append(_not_worse("offer_against_champion", difference, "NDCG less the champion's"))
    return gates


def _auc_gain(found: ChurnEvidence, other: Array) -> Difference:
    return paired_bootstrap(found.challenger, other, truth=found.truth, metric=auc)


def _less_brier(truth: Array, negated: Array) -> float:
    return -brier(truth, -negated)


def _at_least(name: str, value: float, limit: float, what: str) -> Gate:
    short = (
        ""
        if value >= limit
        else f", {limit - value:.4g} too few"
        if value == int(value)
        else f", {limit - value:.4f} short"
    )
    return Gate(
        name, bool(value >= limit), float(value), float(limit), f"{value:.4g} {what}, at least {limit:g}{short}"
    )


def _not_worse(name: str, difference: Difference, what: str) -> Gate:
    text = f"{what} {difference}"
    if difference.worse:
        text += f": worse by {-difference.value:.4f}, and the interval excludes zero"
    return Gate(name, not difference.worse, difference.value, 0.0, text)


def _calibrated(name: str, truth: Array, p: Array, limit: float) -> Gate:
    """The error allowed is the limit and what a perfectly calibrated model of so few rows would show by chance."""
    chance = np.sqrt(2 / np.pi) * np.sqrt(np.mean(p * (1 - p)) / (len(p) / 10))
    found = ece(truth, p)
    allowed = limit + float(chance)
    text = f"calibration error {found:.4f}, at most {allowed:.4f} ({limit:g} and {chance:.4f} by chance)"
    if found > allowed:
        text += f": {found - allowed:.4f} too much"
    return Gate(name, bool(found <= allowed), found, allowed, text)


def _level(name: str, truth: Array, p: Array, params: PromotionParams) -> Gate:
    gap = abs(float(p.mean() - truth.mean()))
    allowed = params.max_churn_ece + 2 * float(np.sqrt(np.mean(p * (1 - p)) / len(p)))
    text = f"predicted {p.mean():.3f}, observed {truth.mean():.3f} of {len(p)} customers, apart at most {allowed:.3f}"
    if gap > allowed:
        text += f": {gap - allowed:.3f} too much"
    return Gate(name, gap <= allowed, gap, allowed, text)
