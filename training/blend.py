"""Fitting the blend of several recommenders: what it learns from, its trees, and its calibration.

A lesson is ideas fitted on what came first, asked about what came next: no idea has seen the owners or baskets it is
judged on, so the trees learn how far each idea can be trusted with news. Afterwards the ideas are fitted anew on
everything and put under the same trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from features.inputs.places import places
from features.inputs.scoring import Spec
from features.inputs.scoring import Trees as Predictor
from features.recommenders.blend import OWNERS_AT_ONCE, Blend, Candidates, Pool
from features.recommenders.sequences import Floats, Ints, Sequences
from training.calibration import fit_calibration
from training.learners import fit_trees
from training.params import Trees

FILE = "blend.txt"
CALIBRATED_PLACES = 30  # calibration looks at the best of each list, where decisions are made


@dataclass(frozen=True)
class Lesson:
    """Ideas fitted on what was before, whom they are asked about, and what each of these took next (same owners)."""

    pool: Pool
    asked: Sequences
    taken: Sequences


@dataclass(frozen=True)
class Rows:
    """Candidates of a lesson with the truth; owners are numbered through all lessons that were joined."""

    owner: Ints
    inputs: npt.NDArray[np.float32]
    truth: Floats

    @property
    def group_sizes(self) -> Ints:
        """Candidates of each owner that has any."""
        return np.unique(self.owner, return_counts=True)[1].astype(np.int64)


def lesson_rows(lesson: Lesson) -> Rows:
    """Every candidate of every owner, 1 where it was taken."""
    parts = []
    for first in range(0, len(lesson.asked), OWNERS_AT_ONCE):
        owners = np.arange(first, min(first + OWNERS_AT_ONCE, len(lesson.asked)))
        found = lesson.pool.candidates(lesson.asked.take(owners))
        parts.append(Rows(found.owner + first, found.inputs, truth_of(found, lesson.taken.take(owners))))
    return _joined(parts, lesson.pool)


def truth_of(found: Candidates, taken: Sequences) -> Floats:
    """1 for candidates that their owner took, else 0."""
    wide = max(taken.size, 1)
    return np.isin(found.owner * wide + found.item, taken.owner * wide + taken.item).astype(np.float64)


def join(rows: Sequence[Rows]) -> Rows:
    """The rows of several lessons, owners numbered on."""
    first, parts = 0, []
    for part in rows:
        parts.append(Rows(part.owner + first, part.inputs, part.truth))
        first += int(part.owner.max(initial=-1)) + 1
    return Rows(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("owner", "inputs", "truth")))


def fit_blend(rows: Sequence[Rows], pool: Pool, trees: Trees, *, seed: int, objective: str = "binary") -> Blend:
    """Trees on all rows over the ideas of `pool`; `rows` are by lesson, oldest first, the newest calibrates.

    The calibration is of trees that have not seen the newest lesson; with one lesson only there is none. `objective` is
    LightGBM's: binary or lambdarank. Raises `DataError` where nothing was taken, or everything.
    """
    whole = join(rows)
    if not 0 < whole.truth.sum() < len(whole.truth):
        raise DataError(
            f"Of {len(whole.truth)} candidates {int(whole.truth.sum())} were taken: there is nothing to learn from. "
            "Give more sessions or baskets."
        )
    calibration: Spec = {"kind": "none"}
    if len(rows) > 1 and join(rows[:-1]).truth.sum():
        calibration = _calibration(join(rows[:-1]), rows[-1], pool, trees, seed, objective)
    return Blend(pool, _fit(whole, pool, trees, seed, objective), calibration)


def _calibration(older: Rows, newest: Rows, pool: Pool, trees: Trees, seed: int, objective: str) -> Spec:
    score = np.asarray(_fit(older, pool, trees, seed, objective).predict(newest.inputs, num_threads=1))
    top = places(newest.owner, -score) < CALIBRATED_PLACES
    on = "logit" if objective == "binary" else "score"
    return fit_calibration(score[top], newest.truth[top], newest.owner[top], on=on)


def _fit(rows: Rows, pool: Pool, trees: Trees, seed: int, objective: str) -> Predictor:
    groups = rows.group_sizes if objective == "lambdarank" else None
    fitted = fit_trees(
        rows.inputs, rows.truth, pool.names, trees, file=FILE, seed=seed, objective=objective, groups=groups
    )
    return fitted.boosters[FILE]


def _joined(parts: Sequence[Rows], pool: Pool) -> Rows:
    if not parts:
        return Rows(np.empty(0, np.int64), np.empty((0, len(pool.names)), np.float32), np.empty(0))
    return Rows(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("owner", "inputs", "truth")))
