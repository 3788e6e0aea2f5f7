"""Qini: how much better treating in the order of predicted effects is than treating at random.

The definition of scikit-uplift (`qini_curve`, `perfect_qini_curve` with negative effects, `qini_auc_score`), after
Radcliffe (2007): among the k highest effects the curve is `Y_t - Y_c * N_t / N_c`, responses of the treated less those
of the controls put on the number of treated, and 0 controls subtract nothing. Equal effects are one step. The score is
the area between curve and chord, divided by that of the perfect order (who responded treated first, who responded
untreated last): 0 for any order without knowledge, also where all effects are equal; below 0 for a harmful order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from training.metrics import Array, Difference, Floats

DRAWS = 500
CHUNK = 50  # draws held in memory at once


@dataclass(frozen=True)
class EffectOrder:
    """Rows in the order of their predicted effects, highest first; any weights of the rows can be scored quickly."""

    order: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]  # place of the last row of each distinct effect
    treated: Floats  # [n], in that order
    outcome: Floats

    @classmethod
    def of(cls, effect: Array, treated: Array, outcome: Array) -> "EffectOrder":
        """`effect` any real numbers `[n]`; `treated` and `outcome` 0/1 `[n]`."""
        order = np.argsort(-np.asarray(effect, np.float64), kind="stable")
        steps = np.flatnonzero(np.diff(np.asarray(effect)[order]))
        ends = np.append(steps, len(order) - 1)
        return cls(order, ends, np.asarray(treated, np.float64)[order], np.asarray(outcome, np.float64)[order])

    def curve(self, weight: Floats | None = None) -> tuple[Floats, Floats]:
        """People reached (from 0) and responses gained, `[..., steps + 1]`; `weight` `[..., n]` counts each row."""
        sums = self._sums(weight)
        return sums.reached, sums.gained

    def score(self, weight: Floats | None = None) -> Floats:
        """The Qini score, `[...]`; NaN where nobody was treated, nobody was not, or nobody responded."""
        sums = self._sums(weight)
        x, y = sums.reached, sums.gained
        chord = x[..., -1] * y[..., -1] / 2
        perfect = np.asarray(sums.perfect() - chord)
        area = np.asarray(np.trapezoid(y, x, axis=-1) - chord)
        known = (perfect > 1e-9) & sums.both_arms()
        return np.asarray(np.divide(area, perfect, out=np.full(area.shape, np.nan), where=known))

    def _sums(self, weight: Floats | None) -> "_Sums":
        counted = np.ones(len(self.order)) if weight is None else np.asarray(weight, np.float64)[..., self.order]
        treated = counted * self.treated
        responded = treated * self.outcome
        return _Sums(*(self._running(part) for part in (counted, treated, responded, counted * self.outcome)))

    def _running(self, values: Floats) -> Floats:
        sums = np.cumsum(values, axis=-1)[..., self.ends]
        return np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums], axis=-1)


@dataclass(frozen=True)
class _Sums:
    """Running sums over the steps of an order, `[..., steps + 1]`: people, treated, and who of them responded."""

    reached: Floats
    treated: Floats
    treated_responded: Floats
    responded: Floats

    @property
    def gained(self) -> Floats:
        controls = self.reached - self.treated
        per_control = np.divide(self.treated, controls, out=np.zeros_like(controls), where=controls > 0.5)
        return np.asarray(self.treated_responded - (self.responded - self.treated_responded) * per_control)

    def both_arms(self) -> npt.NDArray[np.bool_]:
        treated = self.treated[..., -1]
        return np.asarray((treated > 0.5) & (self.reached[..., -1] - treated > 0.5))

    def perfect(self) -> Floats:
        """Area under the perfect curve: up with the treated who responded, level, down with such controls."""
        n, top, responded = self.reached[..., -1], self.treated_responded[..., -1], self.responded[..., -1]
        controls, last = responded - top, self.gained[..., -1]
        return np.asarray(top * top / 2 + (n - responded) * top + controls * (top + last) / 2)


Part: TypeAlias = tuple[EffectOrder, npt.NDArray[np.int64]]
"""An order of some rows, and their numbers among all rows."""


def qini(effect: Array, treated: Array, outcome: Array) -> float:
    """The normalised Qini score of predicted effects.

    >>> qini(np.array([4, 3, 2, 1]), np.array([1, 0, 1, 0]), np.array([1, 0, 0, 1]))
    1.0
    """
    return float(EffectOrder.of(effect, treated, outcome).score())


def mean_interval(parts: Sequence[Part], customers: Array, draws: int = DRAWS, seed: int = 0) -> Difference:
    """The mean score over `parts` with its 95 % interval."""
    return interval_of(mean_scores(parts, customers, draws, seed))


def mean_scores(parts: Sequence[Part], customers: Array, draws: int = DRAWS, seed: int = 0) -> Floats:
    """The mean score over `parts` as found, then `draws` times with customers drawn with replacement, `[1 + draws]`.

    Each draw counts customers anew, the same for all parts, so that rows shared by parts (repeated splits) are not
    taken for independent ones; and the same for any other orders of the same customers, so that differences of two
    results are paired.
    """
    _, who = np.unique(customers, return_inverse=True)
    n, generator = int(who.max()) + 1, np.random.default_rng(seed)
    found = [np.mean([order.score() for order, _ in parts], keepdims=True)]
    for start in range(0, draws, CHUNK):
        counts = generator.multinomial(n, np.full(n, 1 / n), min(CHUNK, draws - start))
        found.append(np.mean([order.score(counts[:, who[rows]].astype(np.float64)) for order, rows in parts], axis=0))
    return np.concatenate(found)


def interval_of(scores: Floats) -> Difference:
    """`mean_scores`, or the difference of two, as a value with its 95 % interval."""
    known = scores[1:][np.isfinite(scores[1:])]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Difference(float(scores[0]), float(low), float(high))
