"""Whether a count has jumped: the exact conditional test of two Poisson rates, widened where days scatter more.

Przyborowski and Wilenski (Biometrika 31, 1940) compare two Poisson counts by their sum: with `x` now in an exposure
`t` and `X` before in an exposure `T`, the `x` of all `x + X` are binomial with chance t / (t + T). The upper tail of
that binomial is the tail of a negative binomial of mean m = t (X + 1) / T and size X + 1: so it is worked out here.

Real days scatter more than Poisson. The scatter `phi` (variance over mean) is estimated from the residuals of the
baseline days, as Farrington et al. (J. R. Stat. Soc. A 159, 1996) do, and the tail is that of a negative binomial of
the variance phi m + m^2 / (X + 1), as Noufaily et al. (Stat. Med. 32, 2013) advise, because a normal tail is too thin
for small counts. With phi = 1 it is the exact test again.

Arrays: groups come before days, any number of axes before groups. Day `i` of a baseline ended `gap + 1 + i` days ago.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

WEEK = 7
STEADY = 20.0
"""Customers a weekday's total is blended with, so that a small shop's weekdays are not read off its noise."""


class Judged(NamedTuple):
    """Of every group: the customers to be expected, the scatter of its days, and the chance of such a jump."""

    expected: Floats
    scatter: Floats
    p_value: Floats


def judge(now: Floats, before: Floats, activity: Floats, *, gap_days: int) -> Judged:
    """Judge counts `now` (..., groups) against `before` (..., groups, days); days are whole weeks.

    `activity` (..., groups, 1 + days) says how much went on that could go wrong, today first, in any unit; 0 where the
    group was not there yet: such days do not count. Where less goes on than usual, as much as usual is taken: a quiet
    shop never makes a complaint graver. A group that never was there is not judged (chance 1).
    """
    of_weekday = weekday_factors(before, activity[..., 1:], gap_days=gap_days)
    there = np.maximum(np.count_nonzero(activity[..., 1:], axis=-1), 1)
    exposed_now = np.maximum(activity[..., 0], activity[..., 1:].sum(axis=-1) / there) * of_weekday[..., :1]
    exposed = activity[..., 1:] * of_weekday[..., _weekdays(before.shape[-1], gap_days)][..., None, :]
    total, exposure = np.where(exposed > 0, before, 0).sum(axis=-1), exposed.sum(axis=-1)
    known = exposure > 0
    exposure = np.where(known, exposure, 1)
    spread = scatter(before, exposed * (total / exposure)[..., None], exposed > 0)
    share = np.where(known, exposed_now / exposure, 1)
    return Judged(share * total, spread, np.where(known, tail(now, share, total, spread), 1))


def tail(now: Floats, share: Floats, before: Floats, scatter: Floats) -> Floats:
    """The chance of at least `now`, given `before` in `1 / share` times the exposure.

    Five after two in as many as ten times the hours: `binomtest(5, 7, 1 / 11, alternative="greater")` says the same.

    >>> f"{tail(np.array([5.0]), np.array([0.1]), np.array([2.0]), np.array([1.0]))[0]:.3e}"
    '1.114e-04'
    """
    from scipy.special import betainc  # heavy to import, and no decision needs it

    mean = share * (before + 1)
    size = 1 / (1 / (before + 1) + (scatter - 1) / mean)
    chance: Floats = np.where(now > 0, betainc(np.maximum(now, 1), size, mean / (mean + size)), 1.0)
    return chance


def scatter(before: Floats, fitted: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """Variance over mean of each group's days around what was `fitted` (..., groups, days); at least 1.

    It is the larger of the group's own and that of all groups together: a few quiet days say little about scatter.
    Only days on which a group was `there` count.
    """
    days = there.sum(axis=-1)
    widen = np.where(there, days[..., None] / np.maximum(days[..., None] - 1, 1), 0)
    squares = (before - fitted) ** 2 * widen
    own = np.where(fitted > 0, squares / np.where(fitted > 0, fitted, 1), 0).sum(axis=-1) / np.maximum(days, 1)
    total = fitted.sum(axis=(-1, -2))
    together = np.where(total > 0, squares.sum(axis=(-1, -2)) / np.where(total > 0, total, 1), 1)
    wider: Floats = np.maximum(np.maximum(own, together[..., None]), 1.0)
    return wider


def weekday_factors(before: Floats, activity: Floats, *, gap_days: int) -> Floats:
    """How much more than on other days happens on today's weekday, yesterday's and so on: (..., 7).

    Of all groups together, because one group has too few days of each weekday to tell; by the days that any was there.
    """
    there = np.asarray(np.any(activity > 0, axis=-2))
    days = np.where(activity > 0, before, 0).sum(axis=-2)
    weekday = _weekdays(before.shape[-1], gap_days)
    count = np.stack([days[..., weekday == day].sum(axis=-1) for day in range(WEEK)], axis=-1)
    share = np.stack([there[..., weekday == day].sum(axis=-1) for day in range(WEEK)], axis=-1)
    share = share / np.maximum(there.sum(axis=-1, keepdims=True), 1)
    factors: Floats = (count + STEADY) / (days.sum(axis=-1, keepdims=True) * share + STEADY)
    return factors


def level(*, false_alarms_per_year: float, looks_a_day: float, tests: int) -> float:
    """The chance below which one test alarms (Bonferroni): all together expect at most so many false alarms a year.

    Expectations add up whatever depends on whatever, so that overlapping windows and groups need no assumption.

    >>> f"{level(false_alarms_per_year=4, looks_a_day=24, tests=30):.2e}"
    '1.52e-05'
    """
    return false_alarms_per_year / (365.25 * looks_a_day * max(1, tests))


def _weekdays(days: int, gap_days: int) -> npt.NDArray[np.int64]:
    """Of each baseline day, how many weekdays before today's it is."""
    return (np.arange(days) + gap_days + 1) % WEEK
