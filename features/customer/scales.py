"""Scales of feedback scores: one table of defaults, and one way to bring every score to 0 (worst) .. 1 (best).

A score that comes with its own `scale_min`, `scale_max` and `higher_is_better` uses them; what is missing is filled
from the default of its kind. Customer effort (ces) asks how hard it was, so its lowest answer is the best.
"""

from typing import NamedTuple


class Scale(NamedTuple):
    """The ends of a scale and its direction."""

    low: float
    high: float
    higher_is_better: bool = True


DEFAULT_SCALES: dict[str, Scale] = {
    "rating": Scale(1, 5),
    "review": Scale(1, 5),
    "csat": Scale(1, 5),
    "nps": Scale(0, 10),
    "ces": Scale(1, 7, higher_is_better=False),
    "comment": Scale(1, 5),
    "complaint": Scale(1, 5),
}


def scale_of(
    kind: str, low: float | None = None, high: float | None = None, higher_is_better: bool | None = None
) -> Scale:
    """The scale of a score of `kind`: what it states itself, the kind's default for the rest.

    >>> scale_of("ces")
    Scale(low=1, high=7, higher_is_better=False)
    """
    default = DEFAULT_SCALES[kind]
    return Scale(
        default.low if low is None else low,
        default.high if high is None else high,
        default.higher_is_better if higher_is_better is None else higher_is_better,
    )


def unit_score(score: float, scale: Scale) -> float:
    """The score from 0 (worst) to 1 (best).

    >>> unit_score(2, Scale(1, 5)), unit_score(7, Scale(1, 7, higher_is_better=False))
    (0.25, 0.0)
    """
    unit = (score - scale.low) / (scale.high - scale.low)
    return unit if scale.higher_is_better else 1.0 - unit
