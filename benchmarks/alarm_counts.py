"""Made-up hourly counts of unhappy customers whose truth is known, and the rules that alarms are compared with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from serving.alarms.jump import Floats, Judged, judge

Flags: TypeAlias = npt.NDArray[np.bool_]

DAYS, GAP, HOURS = 28, 1, 24
WARM_UP = DAYS + GAP + 1
_HOURLY = np.array([2, 1, 1, 1, 1, 2, 5, 9, 12, 14, 15, 15, 15, 14, 14, 14, 15, 16, 17, 17, 16, 13, 8, 4], dtype=float)
_WEEKLY = np.array([1.25, 1.1, 1.05, 1.0, 1.0, 0.8, 0.8])


@dataclass(frozen=True)
class Course:
    """How a group's days go when nothing is wrong."""

    name: str
    weekly: str = "none"
    """none, shared by all groups, or own: each group has its own weekdays."""
    scatter: float = 1.0
    """Variance over mean of the days (negative binomial); 1 is Poisson."""
    growth: float = 0.0
    """Share by which it grows a week while nothing says that the shop does."""


def hourly_rates(draw: np.random.Generator, base: Floats, days: int, course: Course) -> Floats:
    """Customers an hour of each group (groups, days * 24), for `base` customers a day."""
    day = np.arange(days)
    weekdays = np.ones((len(base), 7))
    if course.weekly == "shared":
        weekdays = np.tile(_WEEKLY, (len(base), 1))
    elif course.weekly == "own":
        weekdays = draw.gamma(8, 1 / 8, (len(base), 7))
        weekdays /= weekdays.mean(axis=1, keepdims=True)
    mean = base[:, None] * weekdays[:, day % 7] * (1 + course.growth) ** (day / 7)
    if course.scatter > 1:
        mean = draw.gamma(mean / (course.scatter - 1), course.scatter - 1)
    rates: Floats = (mean[:, :, None] * (_HOURLY / _HOURLY.sum())).reshape(len(base), -1)
    return rates


def windows(counts: Floats, hours: int, ends: npt.NDArray[np.int64]) -> Floats:
    """Counts (groups, hours) in windows that end at `ends` and on the baseline days: (ends, groups, 1 + DAYS)."""
    summed = np.concatenate([np.zeros((len(counts), 1)), counts.cumsum(axis=1)], axis=1)
    places = ends[:, None] - HOURS * np.array([0, *(GAP + 1 + day for day in range(DAYS))])
    found: Floats = (summed[:, places] - summed[:, places - hours]).transpose(1, 0, 2)
    return found


class Look(NamedTuple):
    """What a rule may look at: counts now (..., groups) and before (..., groups, days), what `judge` makes of them."""

    now: Floats
    before: Floats
    judged: Judged
    level: float


def look(now: Floats, before: Floats, activity: Floats, level: float) -> Look:
    """Judged once for all rules; the arrays are those of `judge`, `level` is that of one test."""
    return Look(now, before, judge(now, before, activity, gap_days=GAP), level)


def ours(seen: Look) -> Flags:
    """The product's rule."""
    flags: Flags = seen.judged.p_value < seen.level
    return flags


def divided_counts(seen: Look) -> Flags:
    """The exact test on counts divided by the scatter (quasi-Poisson): the right variance, a thinner tail than ours."""
    from scipy.special import betainc

    total, scatter = seen.before.sum(axis=-1), seen.judged.scatter
    share = np.where(total > 0, seen.judged.expected / np.maximum(total, 1), 1 / DAYS)
    flags: Flags = betainc(np.maximum(seen.now, 1) / scatter, total / scatter + 1, share / (1 + share)) < seen.level
    return flags


def plain_poisson(seen: Look) -> Flags:
    """A Poisson test against the mean of the same days, at the same level: no scatter, no weekdays."""
    from scipy.special import gammainc

    flags: Flags = gammainc(np.maximum(seen.now, 1), seen.before.mean(axis=-1)) < seen.level
    return flags


def three_sigma(seen: Look) -> Flags:
    """More than three standard deviations above the mean of the same days."""
    flags: Flags = seen.now > seen.before.mean(axis=-1) + 3 * seen.before.std(axis=-1, ddof=1)
    return flags


RULES: dict[str, Callable[[Look], Flags]] = {
    "ours": ours,
    "counts divided by scatter": divided_counts,
    "plain Poisson": plain_poisson,
    "3 sigma": three_sigma,
}


def episodes(alarming: Flags, *, rest: int) -> int:
    """Alarms (looks, groups) as staff would count them: a group that alarms again within `rest` looks is the same."""
    found = 0
    for group in range(alarming.shape[1]):
        looks = np.flatnonzero(alarming[:, group])
        found += int(len(looks) > 0) + int((np.diff(looks) > rest).sum())
    return found
