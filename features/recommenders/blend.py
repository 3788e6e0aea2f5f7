"""A second stage over several recommenders: their candidates together, ranked by boosted trees.

Each idea proposes its best items. What every idea says of every proposed item, and facts of owner and item, are the
inputs of one LightGBM model (`training/blend.py` fits it). Two stages as in Covington, Adams & Sargin, "Deep Neural
Networks for YouTube Recommendations" (RecSys 2016), with simple ideas in place of the networks.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.inputs.places import places
from features.inputs.scoring import Spec, Trees, calibrate
from features.recommenders.base import Recommender, best, look_up
from features.recommenders.sequences import Floats, Ints, Sequences

OWNERS_AT_ONCE = 500
ORDER = 1e-8  # how much of the trees' own output is left in a score, so that equal chances keep their order
LOWEST = 1e-9  # a score is positive by contract, also where the trees are sure of the opposite


class Facts(Protocol):
    """Inputs beside the ideas' scores, fitted on the same sequences as the ideas."""

    @property
    def names(self) -> tuple[str, ...]:
        """One word a column."""

    def values(self, of: Sequences, owner: Ints, item: Ints) -> Floats:
        """`[rows, len(names)]` for (owner, item) pairs, NaN where unknown; a row depends on its own owner only."""


@dataclass(frozen=True)
class NoFacts:
    """Nothing beside the ideas."""

    names: ClassVar[tuple[str, ...]] = ()

    def values(self, of: Sequences, owner: Ints, item: Ints) -> Floats:
        """`[rows, 0]`."""
        return np.empty((len(owner), 0))


@dataclass(frozen=True)
class Candidates:
    """One row an (owner, item), grouped by owner in order, items ascending within."""

    owner: Ints
    item: Ints
    inputs: npt.NDArray[np.float32]  # [rows, columns of the pool]


@dataclass(frozen=True)
class Pool:
    """Ideas fitted on the same sequences, and the facts beside them: where candidates and their inputs come from."""

    ideas: tuple[Recommender, ...]
    facts: Facts
    most: int = 50  # candidates each idea proposes

    @property
    def names(self) -> list[str]:
        """Names of the input columns: per idea its score, the score relative to its best, its place; then the facts."""
        told = ("score", "relative", "place")
        return [f"{idea.name}_{word}" for idea in self.ideas for word in told] + list(self.facts.names)

    def candidates(self, of: Sequences) -> Candidates:
        """Everything any idea proposes for each owner; NaN where an idea says nothing of an item."""
        said = [idea.scores(of) for idea in self.ideas]
        lists = [best(scores, self.most) for scores in said]
        keys = np.unique(np.concatenate([ranked.owner * of.size + ranked.item for ranked in lists]))
        owner, item = keys // max(of.size, 1), keys % max(of.size, 1)
        columns = [column for scores in said for column in _told(scores, owner, item)]
        facts = self.facts.values(of, owner, item)
        return Candidates(owner, item, np.column_stack([*columns, facts]).astype(np.float32))


def _told(scores: sparse.csr_array, owner: Ints, item: Ints) -> tuple[Floats, Floats, Floats]:
    score = look_up(scores, owner, item)
    score[score == 0] = np.nan
    highest = np.full(scores.shape[0], np.nan)
    np.fmax.at(highest, owner, score)
    place = places(owner, -score, item).astype(np.float64)
    return score, score / highest[owner], np.where(np.isnan(score), np.nan, place)


@dataclass(frozen=True)
class Blend:
    """The pool's candidates by the trees; `calibration` turns the trees' output into the chance of being taken."""

    name: ClassVar[str] = "blend"
    pool: Pool
    trees: Trees
    calibration: Spec

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`; probabilities where the calibration says so."""
        parts = [self._part(of, first) for first in range(0, len(of), OWNERS_AT_ONCE)]
        return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, of.size))

    def _part(self, of: Sequences, first: int) -> sparse.csr_array:
        some = of.take(np.arange(first, min(first + OWNERS_AT_ONCE, len(of))))
        rows = self.pool.candidates(some)
        score = np.maximum(self._calibrated(rows.inputs), LOWEST)
        indptr = np.searchsorted(rows.owner, np.arange(len(some) + 1))
        return sparse.csr_array((score, rows.item, indptr), shape=(len(some), of.size))

    def _calibrated(self, inputs: npt.NDArray[np.float32]) -> Floats:
        if not len(inputs):
            return np.empty(0)
        raw = np.asarray(self.trees.predict(inputs, num_threads=1), np.float64)
        chance = calibrate(self.calibration, raw)
        return np.asarray((1 - ORDER) * chance + ORDER * raw / (1 + np.abs(raw)))
