"""Figures of coupon scores, each with what a bootstrap over households needs: sums that add up over households.

A list is one household's coupons of one campaign. Equal scores count as if drawn in random order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.coupons import CampaignRows, ratio
from training.metrics import Difference, auc, paired_bootstrap

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """All pairs of some campaigns: who, whether used, and the size of each pair's list."""

    rows: tuple[CampaignRows, ...]
    household: Ints  # [pairs], numbered from 0
    used: Floats

    @classmethod
    def of(cls, rows: list[CampaignRows]) -> "Truth":
        """From campaigns with their truth."""
        _, household = np.unique(np.concatenate([r.pairs.customer for r in rows]), return_inverse=True)
        return cls(tuple(rows), household, np.concatenate([r.truth for r in rows]))

    @property
    def households(self) -> int:
        """How many there are."""
        return int(self.household.max()) + 1


@dataclass(frozen=True)
class ListFigures:
    """One number a list with any use: the household, the AUC inside (NaN if all were used) and the recall."""

    household: Ints
    auc: Floats
    recall: Floats


def list_figures(truth: Truth, scores: Floats, k: int = 10) -> ListFigures:
    """AUC inside each list with a use, and the expected share of its used coupons among its `k` best."""
    household, aucs, recalls = [], [], []
    start = 0
    for rows in truth.rows:
        shape = (len(rows.campaign.customers), len(rows.campaign.coupons))
        cells = slice(start, start + shape[0] * shape[1])
        start = cells.stop
        used, score, who = (a[cells].reshape(shape) for a in (truth.used, scores, truth.household))
        for i in np.flatnonzero(used.any(axis=1)):
            household.append(int(who[i, 0]))
            aucs.append(auc(used[i], score[i]))
            recalls.append(_recall(used[i] > 0.5, score[i], k))
    return ListFigures(np.array(household, np.int64), np.array(aucs), np.array(recalls))


def _recall(used: npt.NDArray[np.bool_], score: Floats, k: int) -> float:
    hits = score[used]
    better = (score[None] > hits[:, None]).sum(axis=1)
    equal = (score[None] == hits[:, None]).sum(axis=1)
    return float(np.clip((k - better) / equal, 0.0, 1.0).mean())


def mean_difference(household: Ints, ours: Floats, theirs: Floats, *, draws: int) -> Difference:
    """Difference of means over rows, rows of a household drawn together; rows where either is NaN are left out."""
    known = ~(np.isnan(ours) | np.isnan(theirs))
    _, who = np.unique(household[known], return_inverse=True)
    sums = [np.bincount(who, values[known]) for values in (ours, theirs)]
    return paired_bootstrap(sums[0], sums[1], truth=np.bincount(who).astype(np.float64), metric=ratio, draws=draws)


def auc_difference(truth: Truth, ours: Floats, theirs: Floats, *, draws: int, seed: int = 0) -> Difference:
    """Difference of AUC over all pairs, households drawn with replacement, the same for both."""
    drawn = np.random.default_rng(seed).multinomial(
        truth.households, np.ones(truth.households) / truth.households, draws
    )
    one = np.ones((1, truth.households))
    value, found = (
        weighted_auc(truth, ours, weights.astype(np.float64)) - weighted_auc(truth, theirs, weights.astype(np.float64))
        for weights in (one, drawn)
    )
    low, high = np.nanquantile(found, [0.025, 0.975])
    return Difference(float(value[0]), float(low), float(high))


def weighted_auc(truth: Truth, scores: Floats, weights: Floats) -> Floats:
    """AUC with each household counted `weights[draw, household]` times, `[draws]`.

    The scores of used coupons cut the line into cells: uses lie on cuts, other pairs on or between them.
    """
    positive = truth.used > 0.5
    cuts = np.unique(scores[positive])
    on, above = np.searchsorted(cuts, scores), np.searchsorted(cuts, scores, side="right")
    cell = on + above  # odd on a cut, even between cuts
    width = 2 * len(cuts) + 1
    ones, zeros = (
        np.bincount(truth.household[kept] * width + cell[kept], minlength=truth.households * width)
        .reshape(truth.households, width)
        .astype(np.float64)
        for kept in (positive, ~positive)
    )
    uses, others = weights @ ones, weights @ zeros
    below = np.cumsum(others, axis=1) - others
    won = (uses * (below + 0.5 * others)).sum(axis=1)
    return np.asarray(won / (uses.sum(axis=1) * others.sum(axis=1)))
