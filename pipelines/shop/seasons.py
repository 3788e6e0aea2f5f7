"""When people buy: the year's course by department, and the hours of a day."""

from datetime import date, timedelta

import numpy as np

from pipelines.shop.arrays import Floats, Ints

#                    Jan  Feb  Mar  Apr  May  Jun  Jul  Aug  Sep  Oct  Nov  Dec
COURSE = {
    "bicycles":         (0.2, 0.3, 1.2, 2.4, 2.6, 1.7, 1.2, 1.0, 0.6, 0.3, 0.2, 0.3),
    "bicycle_gear":     (0.4, 0.4, 1.0, 1.8, 1.6, 1.1, 0.9, 0.9, 1.2, 1.6, 1.3, 0.5),
    "skis":             (2.2, 1.8, 0.7, 0.2, 0.1, 0.1, 0.1, 0.1, 0.3, 0.9, 1.8, 2.6),
    "ski_care":         (2.0, 2.1, 1.6, 0.8, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 1.4, 1.9),
    "shoes":            (0.7, 0.7, 1.0, 1.3, 1.2, 0.9, 0.8, 1.1, 1.3, 1.2, 1.1, 0.9),
    "outdoor_clothing": (0.9, 0.8, 0.8, 0.8, 0.7, 0.6, 0.6, 0.9, 1.3, 1.5, 1.6, 1.4),
    "children":         (0.8, 0.8, 0.9, 0.9, 0.9, 0.8, 0.7, 1.2, 1.1, 1.0, 1.3, 1.9),
    "books":            (0.8, 0.8, 0.8, 0.8, 0.8, 1.2, 1.2, 0.8, 0.9, 1.0, 1.4, 2.0),
    "coffee":           (1.0,) * 12,
    "groceries":        (0.9, 0.9, 1.0, 1.0, 1.0, 1.0, 0.9, 1.0, 1.0, 1.0, 1.1, 1.3),
    "household":        (1.0,) * 12,
    "pets":             (1.0,) * 12,
    "home":             (0.9, 0.8, 0.8, 0.9, 0.9, 0.9, 0.8, 0.9, 1.0, 1.1, 1.5, 1.9),
}  # fmt: skip
_HOURS = np.array([1, 0.4, 0.2, 0.1, 0.1, 0.3, 1, 2, 3, 4, 4, 5, 5, 4, 4, 5, 6, 7, 8, 9, 9, 8, 5, 3], dtype=np.float64)
HOURS = np.cumsum(_HOURS) / _HOURS.sum()


def week_months(start: date, weeks: int) -> Ints:
    """The calendar month, 1..12, in the middle of each week."""
    return np.array([(start + timedelta(days=7 * w + 3)).month for w in range(weeks)], dtype=np.int64)


def course(departments: tuple[str, ...]) -> Floats:
    """Demand relative to the year's mean, [13, departments]; row 0 is unused."""
    table = np.array([COURSE[d] for d in departments]).T
    table = table / table.mean(axis=0)
    return np.vstack([np.ones(len(departments)), table])


def sale_weeks(start: date, weeks: int) -> Floats:
    """The shop's general reduction in each week: end of November, after Christmas, end of June."""
    middles = [start + timedelta(days=7 * w + 3) for w in range(weeks)]
    return np.array(
        [
            0.2
            if (d.month == 11 and d.day >= 22) or (d.month == 6 and d.day >= 20)
            else 0.25
            if d.month == 1 and d.day <= 14
            else 0.0
            for d in middles
        ]
    )


def time_of_day(rng: np.random.Generator, size: int, *, store: bool = False) -> Floats:
    """A moment of the day as a share of it; stores are open from 8 to 18 UTC."""
    if store:
        return (8 + 10 * rng.beta(1.6, 1.3, size)) / 24
    return (np.searchsorted(HOURS, rng.random(size)) + rng.random(size)) / 24
