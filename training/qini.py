"""Qini: how much better treating in the order of predicted effects is than treating at random.

The definition of scikit-uplift (`qini_curve`, `perfect_qini_curve` with negative effects, `qini_auc_score`), after
Radcliffe (2007): among the k highest effects the curve is `Y_t - Y_c * N_t / N_c`, responses of the treated less those
of the controls put on the number of treated, and 0 controls subtract nothing. Equal effects are one step. The score is
the area between curve and chord, divided by that of the perfect order (who responded treated first, who responded
untreated last): 0 for any order without knowledge, also where all effects are equal; below 0 for a harmful order.
"""

from dataclasses import dataclass

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
        counted = np.ones(len(self.order)) if weight is None else np.asarray(weight, np.float64)[..., self.order]
        reached = self._running(counted)
        n_treated = self._running(counted * self.treated)
        y_treated = self._running(counted * self.treated * self.outcome)
        y_control = self._running(counted * (1 - self.treated) * self.outcome)
        n_control = reached - n_treated
        per_control = np.divide(n_treated, n_control, out=np.zeros_like(n_treated), where=n_control > 0.5)
        return reached, y_treated - y_control * per_control

    def score(self, weight: Floats | None = None) -> Floats:
        """The Qini score, `[...]`; NaN where nobody was treated, nobody was not, or nobody responded."""
        x, y = self.curve(weight)
        chord = x[..., -1] * y[..., -1] / 2
        perfect = np.asarray(self._perfect(weight) - chord)
        gained = np.asarray(np.trapezoid(y, x, axis=-1) - chord)
        return np.asarray(np.divide(gained, perfect, out=np.full(gained.shape, np.nan), where=perfect > 1e-9))

    def _running(self, values: Floats) -> Floats:
        sums = np.cumsum(values, axis=-1)[..., self.ends]
        return np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums], axis=-1)

    def _perfect(self, weight: Floats | None) -> Floats:
        """Area under the perfect curve, a rise, a plain and a fall; NaN if an arm is empty."""
        counted = np.ones(len(self.order)) if weight is None else np.asarray(weight, np.float64)[..., self.order]
        n, n_treated = counted.sum(axis=-1), (counted * self.treated).sum(axis=-1)
        y_treated = (counted * self.treated * self.outcome).sum(axis=-1)
        y_control = (counted * (1 - self.treated) * self.outcome).sum(axis=-1)
        n_control = n - n_treated
        empty = (n_control < 0.5) | (n_treated < 0.5)
        last = y_treated - y_control * n_treated / np.where(empty, np.nan, n_control)
        rise, plain = y_treated * y_treated / 2, (n - y_control - y_treated) * y_treated
        return np.asarray(rise + plain + y_control * (y_treated + last) / 2)


def qini(effect: Array, treated: Array, outcome: Array) -> float:
    """The normalised Qini score of predicted effects.

    >>> qini(np.array([4, 3, 2, 1]), np.array([1, 0, 1, 0]), np.array([1, 0, 0, 1]))
    1.0
    """
    return float(EffectOrder.of(effect, treated, outcome).score())


def qini_interval(
    effect: Array, treated: Array, outcome: Array, customers: Array, *, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """The score with its 95 % interval, all rows of a customer drawn together with replacement."""
    return mean_interval(
        [(EffectOrder.of(effect, treated, outcome), np.arange(len(customers)))], customers, draws, seed
    )


def mean_interval(
    parts: list[tuple[EffectOrder, npt.NDArray[np.int64]]],
    customers: Array,
    draws: int = DRAWS,
    seed: int = 0,
    less: list[EffectOrder] | None = None,
) -> Difference:
    """The mean score over `parts`, less that of other orders of the same rows if given, with its 95 % interval.

    A part is an order of some rows and their numbers among `customers`: each draw counts customers anew, the same for
    all parts and both sides, so that rows shared by parts (repeated splits) are not taken for independent ones.
    """
    _, who = np.unique(customers, return_inverse=True)
    n, generator = int(who.max()) + 1, np.random.default_rng(seed)

    def mean(counts: Floats | None) -> Floats:
        found = []
        for place, (order, rows) in enumerate(parts):
            weight = None if counts is None else counts[:, who[rows]]
            found.append(order.score(weight) - (less[place].score(weight) if less else 0.0))
        return np.asarray(np.mean(found, axis=0))

    drawn = [
        mean(generator.multinomial(n, np.full(n, 1 / n), min(CHUNK, draws - start)).astype(np.float64))
        for start in range(0, draws, CHUNK)
    ]
    values = np.concatenate(drawn)
    low, high = np.nanquantile(values, [0.025, 0.975]) if np.isfinite(values).any() else (np.nan, np.nan)
    return Difference(float(mean(None)), float(low), float(high))
