"""Gates of dissatisfaction: the order of texts, calibration, and both errors at the threshold, in every language."""

from dataclasses import dataclass

import numpy as np

from training.gates.areas import auc_difference
from training.gates.people import against_champion
from training.gates.verdict import FEWEST, Gate, calibrated, not_worse, share_at_most
from training.metrics import Array
from training.params import PromotionParams
from training.segments import ALL, Masks

FEWEST_OF_A_KIND = 10  # texts of each kind to compare with the champion by


@dataclass(frozen=True)
class MoodEvidence:
    """The newest texts: truth (1: dissatisfied), what the challenger and the seed words say without having seen them.

    `threshold` is the probability from which she is held. `champion` is NaN where it learned from a text itself, None
    where there is none. `segments` are masks by name.
    """

    truth: Array
    challenger: Array
    seed_words: Array
    champion: Array | None
    threshold: float
    segments: Masks


def mood_gates(found: MoodEvidence, params: PromotionParams, *, learned: bool) -> list[Gate]:
    """What was learned against the seed words and its limits; what will judge, learned or not, against the champion."""
    gates: list[Gate] = []
    if learned:
        ahead = auc_difference(found.truth, found.challenger, found.seed_words)
        gates = [
            not_worse("dissatisfaction_against_seed_words", ahead, "AUC less that of the seed words"),
            calibrated("dissatisfaction_calibrated", found.truth, found.challenger, params.max_dissatisfaction_ece),
        ]
        for name, inside in found.segments.items():
            gates += _errors("" if name == ALL else f"_of_{name}", found, inside, params)
    return [*gates, *_against_champion(found, params)]


def _errors(suffix: str, found: MoodEvidence, inside: Array, params: PromotionParams) -> list[Gate]:
    """Both errors at the threshold, each where there are enough texts of the kind to err on."""
    bad, held = found.truth > 0.5, found.challenger >= found.threshold
    kinds = (
        ("misses", bad & inside, ~held, params.max_miss_rate, "share of the dissatisfied missed"),
        ("needless", ~bad & inside, held, params.max_needless_rate, "share of the others held"),
    )
    return [
        share_at_most(f"dissatisfaction_{name}{suffix}", wrong[rows], limit, told)
        for name, rows, wrong, limit, told in kinds
        if rows.sum() >= FEWEST
    ]


def _against_champion(found: MoodEvidence, params: PromotionParams) -> list[Gate]:
    if found.champion is None:
        return []
    known = ~np.isnan(found.champion)
    truth = found.truth[known]
    if min(truth.sum(), (1 - truth).sum()) < FEWEST_OF_A_KIND:
        return []
    return against_champion("dissatisfaction", truth, found.challenger[known], found.champion[known], params)
