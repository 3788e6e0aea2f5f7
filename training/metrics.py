"""Figures of merit, each a plain function of arrays, and the paired interval that says whether a difference is one.

Probabilities: `truth` is 0/1 `[n]`, `p` the probability of 1. Ranked lists: one row a (customer, item) that was shown,
with its place, and one a (customer, item) that was bought; every list metric is one number a customer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


def auc(truth: Array, score: Array) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney U); NaN if only one class is there.

    >>> auc(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    positive = truth > 0.5
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return float("nan")
    return float((rankdata(score)[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def brier(truth: Array, p: Array) -> float:
    """Mean squared error of the probabilities."""
    return float(np.mean((np.asarray(p) - truth) ** 2))


def log_losses(truth: Array, p: Array) -> Array:
    """Negative log-likelihood of each row in nats; p clipped to [1e-12, 1 - 1e-12]."""
    inside = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-np.where(truth > 0.5, np.log(inside), np.log1p(-inside)))


def log_loss(truth: Array, p: Array) -> float:
    """The mean of `log_losses`."""
    return float(np.mean(log_losses(truth, p)))


def reliability(truth: Array, p: Array, bins: int = 10) -> list[dict[str, float]]:
    """Mean probability, observed rate and size of bins of equal mass, lowest first; ties stay together."""
    order = np.argsort(p, kind="stable")
    edges = np.unique(np.asarray(p)[order][np.linspace(0, len(order), bins, endpoint=False).astype(int)])
    which = np.searchsorted(edges, p, side="right") - 1
    return [
        {"predicted": float(np.mean(p[inside])), "observed": float(np.mean(truth[inside])), "n": int(inside.sum())}
        for b in range(len(edges))
        if (inside := which == b).any()
    ]


def ece(truth: Array, p: Array, bins: int = 10) -> float:
    """Expected calibration error: mean gap of predicted and observed over bins of equal mass, weighted by size."""
    return sum(abs(b["predicted"] - b["observed"]) * b["n"] for b in reliability(truth, p, bins)) / len(truth)


@dataclass(frozen=True)
class ListScores:
    """One number a customer who bought something, `[customers with truth]`."""

    customer: npt.NDArray[np.int64]
    recall: Floats
    ndcg: Floats
    mrr: Floats


def score_lists(shown: tuple[Array, Array, Array], bought: tuple[Array, Array], k: int = 10) -> ListScores:
    """Recall@k, NDCG@k (binary gain, the ideal over the whole truth, not cut at k) and MRR@k of ranked lists.

    `shown` is (customer, item, place from 0), `bought` (customer, item), both integers without duplicates. A customer
    who bought but was shown nothing scores 0; one who bought nothing is left out. As in "A Next Basket Recommendation
    Reality Check" (Li et al., 2023).
    """
    customer, item, place = (np.asarray(a)[np.asarray(shown[2]) < k] for a in shown)
    truth_customer, truth_item = (np.asarray(a, np.int64) for a in bought)
    low = min(item.min(initial=0), truth_item.min(initial=0))
    wide = int(max(item.max(initial=0), truth_item.max(initial=0)) - low + 1)
    hit = np.isin(customer * wide + item - low, truth_customer * wide + truth_item - low)
    who, size = np.unique(truth_customer, return_counts=True)
    n = int(max(customer.max(initial=-1), who.max(initial=-1)) + 1)
    ideal = np.cumsum(1 / np.log2(np.arange(2, size.max(initial=1) + 2)))[size - 1]
    first = np.zeros(n)
    np.maximum.at(first, customer[hit], 1 / (place[hit] + 1))
    return ListScores(
        customer=who,
        recall=np.bincount(customer, hit, n)[who] / size,
        ndcg=np.bincount(customer, hit / np.log2(place + 2), n)[who] / ideal,
        mrr=first[who],
    )


@dataclass(frozen=True)
class Difference:
    """A paired difference with its 95 % percentile interval."""

    value: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """The interval lies above zero: a win."""
        return self.low > 0

    @property
    def worse(self) -> bool:
        """The interval lies below zero: a loss."""
        return self.high < 0

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def _mean(_truth: Array, values: Array) -> float:
    return float(np.mean(values))


def _of_rows(metric: Callable[[Array, Array], float], truth: Array, values: Array) -> Callable[[Array], float]:
    """`metric` of drawn rows; the area under the curve without sorting them anew each time."""
    if metric is auc and len(values) and not np.isnan(values).any():
        return _auc_of_rows(truth, values)
    return lambda rows: metric(truth[rows], values[rows])


def _auc_of_rows(truth: Array, score: Array) -> Callable[[Array], float]:
    """What `auc` gives for drawn rows, to the bit: ranks are halves of whole numbers, whose sums are exact."""
    n, order = len(score), np.argsort(score, kind="stable")
    positive = truth[order] > 0.5
    starts = np.flatnonzero(np.append(True, np.diff(score[order]) > 0))

    def of(rows: Array) -> float:
        times = np.bincount(rows, minlength=n)[order]
        ties = np.add.reduceat(times, starts)
        of_ties = np.add.reduceat(times * positive, starts)
        ones = int(of_ties.sum())
        zeros = len(rows) - ones
        if not ones or not zeros:
            return float("nan")
        ranks = float((of_ties * (2 * np.cumsum(ties) - ties + 1)).sum()) / 2
        return (ranks - ones * (ones + 1) / 2) / (ones * zeros)

    return of


def paired_bootstrap(
    ours: Array,
    theirs: Array,
    *,
    truth: Array | None = None,
    metric: Callable[[Array, Array], float] = _mean,
    draws: int = 1000,
    seed: int = 0,
) -> Difference:
    """`metric(ours) - metric(theirs)` with an interval over customers drawn with replacement, the same for both.

    One row a customer. Without `metric` the values are averaged; with one it is called as metric(truth, values).
    """
    n = len(ours)
    labels = np.zeros(n) if truth is None else truth
    value = metric(labels, ours) - metric(labels, theirs)
    generator = np.random.default_rng(seed)
    found = np.empty(draws)
    of_ours, of_theirs = (_of_rows(metric, labels, np.asarray(values)) for values in (ours, theirs))
    for draw in range(draws):
        rows = generator.integers(0, n, n)
        found[draw] = of_ours(rows) - of_theirs(rows)
    low, high = np.nanquantile(found, [0.025, 0.975])
    return Difference(float(value), float(low), float(high))
