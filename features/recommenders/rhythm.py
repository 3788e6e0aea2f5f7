"""When she takes an item again: the chance of it in her next basket, by how often and how long ago she took it.

For everyone's repurchases together: the hazard of an item in the a-th basket after it was last taken, having been taken
c times. Per item: how often it really came back over how often that table expects, pulled towards 1 as by `doubt`
purchases of each (the posterior mean of a gamma-Poisson model).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from features.recommenders.sequences import Floats, Ints, Sequences

MOST_TIMES, LONGEST = 6, 20
"""Purchases and baskets beyond these are counted as these."""


@dataclass(frozen=True)
class Purchases:
    """Runs between purchases: one row each time an owner took an item, ordered by owner, item, basket.

    `times`: the how manieth; `run`: baskets until she took it again, or until her last; `again`: whether she did.
    """

    owner: Ints
    item: Ints
    times: Ints
    run: Ints
    again: np.ndarray

    @classmethod
    def of(cls, known: Sequences) -> "Purchases":
        """Every row of the baskets."""
        order = np.lexsort((known.basket_of, known.item, known.owner))
        owner, item, basket = known.owner[order], known.item[order], known.basket_of[order]
        pair = owner * known.size + item
        again = np.zeros(len(pair), bool)
        again[:-1] = pair[:-1] == pair[1:]
        start = np.concatenate([[True], ~again[:-1]]) if len(pair) else again
        first = np.flatnonzero(start)
        times = np.arange(len(pair)) - np.repeat(first, np.diff([*first, len(pair)])) + 1
        run = known.baskets_ago[order]
        run[again] = np.diff(basket, append=0)[again]
        return cls(owner, item, times, run, again)


@dataclass(frozen=True)
class Rhythm:
    """`hazard[c - 1, a - 1]`, and `factor` of each item."""

    name: ClassVar[str] = "rhythm"
    hazard: Floats  # [MOST_TIMES, LONGEST]
    factor: Floats  # [items]

    @classmethod
    def fit(cls, known: Sequences, *, doubt: float = 5.0) -> "Rhythm":
        """Count the runs."""
        runs = Purchases.of(known)
        row = np.minimum(runs.times, MOST_TIMES) - 1
        hazard = _hazard(row, runs)
        expected = np.concatenate([np.zeros((MOST_TIMES, 1)), np.cumsum(hazard, axis=1)], axis=1)
        of_run = expected[row, np.minimum(runs.run, LONGEST)]
        of_run += np.maximum(runs.run - LONGEST, 0) * hazard[row, LONGEST - 1]
        came = np.bincount(runs.item, runs.again, known.size)
        return cls(hazard, (came + doubt) / (np.bincount(runs.item, of_run, known.size) + doubt))

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`; close to a probability."""
        runs = Purchases.of(of)
        last = ~runs.again
        owner, item, times, run = (each[last] for each in (runs.owner, runs.item, runs.times, runs.run))
        chance = self.hazard[np.minimum(times, MOST_TIMES) - 1, np.minimum(run + 1, LONGEST) - 1]
        return sparse.csr_array((chance * self.factor[item], (owner, item)), shape=(len(of), of.size))


def _hazard(row: Ints, runs: Purchases) -> Floats:
    """Came back in the a-th basket over could have; one in two hundred is assumed where nothing was seen."""
    shape = (MOST_TIMES, LONGEST)
    came, seen = np.zeros(shape), np.zeros((MOST_TIMES, LONGEST + 1))
    place = np.minimum(runs.run, LONGEST)
    np.add.at(came, (row[runs.again], place[runs.again] - 1), 1)
    np.add.at(seen, (row, place), 1)
    at_risk = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1][:, 1:]
    at_risk[:, -1] += np.bincount(row, np.maximum(runs.run - LONGEST, 0), MOST_TIMES)
    return (came + 0.005) / (at_risk + 1)
