"""How sure a figure is: shares and means of values from 0 to 1 over people, their change, and that of a count.

Everyone counts once: who answers ten times is one witness. Intervals are of 95 %.
"""

from math import sqrt
from typing import Literal, NamedTuple

import msgspec

LEAST = 5
"""Of fewer people a figure is not told: too few to tell."""
Z = 1.959964

Direction = Literal["rising", "falling", "unclear", "too_few", "no_history"]
"""`unclear`: the interval of the change holds nought. `no_history`: the log does not reach so far back."""


class Estimate(msgspec.Struct, frozen=True):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


class Trend(msgspec.Struct, frozen=True):
    """The change against the period before: a difference, or for counts a ratio; None where it cannot be told."""

    direction: Direction
    change: float | None = None
    low: float | None = None
    high: float | None = None


class Values(NamedTuple):
    """Values from 0 to 1, one a person: how many, their sum, the sum of their squares."""

    people: int
    total: float
    squares: float

    @classmethod
    def of_share(cls, hits: int, people: int) -> "Values":
        """Of `people`, `hits` have the value 1, the others 0."""
        return cls(people, hits, hits)

    def with_doubt(self, each: int) -> "Values":
        """As if `each` more people had said the best and as many the worst."""
        return Values(self.people + 2 * each, self.total + each, self.squares + each)

    @property
    def mean(self) -> float:
        """Their mean."""
        return self.total / self.people

    @property
    def variance_of_mean(self) -> float:
        """The squared standard error of the mean."""
        return max(self.squares / self.people - self.mean**2, 0.0) / self.people


def estimate(values: Values) -> Estimate | None:
    """The mean with its interval; None for fewer than `LEAST` people.

    Agresti and Coull's interval (*Am. Stat.* 52, 1998), two imagined best answers and two worst beside the real ones,
    with the variance that the values have: five people who all say 1 do not make it certain.

    >>> found = estimate(Values.of_share(5, 5))
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (1.0, 0.51, 1.0)
    >>> estimate(Values.of_share(4, 4)) is None
    True
    """
    if values.people < LEAST:
        return None
    doubted = values.with_doubt(2)
    half = Z * sqrt(doubted.variance_of_mean)
    low, high = max(doubted.mean - half, 0.0), min(doubted.mean + half, 1.0)
    return Estimate(values.mean, min(low, values.mean), max(high, values.mean))


def difference(now: Values, before: Values) -> Trend:
    """The change of the mean; `too_few` where either is of fewer than `LEAST` people.

    Agresti and Caffo's interval (*Am. Stat.* 54, 2000): one imagined best answer and one worst in each period. People
    who answered in both make it wider than it need be, never narrower.

    >>> difference(Values.of_share(80, 100), Values.of_share(50, 100)).direction
    'rising'
    """
    if min(now.people, before.people) < LEAST:
        return Trend("too_few")
    one, other = now.with_doubt(1), before.with_doubt(1)
    middle = one.mean - other.mean
    half = Z * sqrt(one.variance_of_mean + other.variance_of_mean)
    return _trend(now.mean - before.mean, middle - half, middle + half, 0.0)


def ratio(now: int, before: int) -> Trend:
    """The change of a count of people as a ratio to the period before: of so many in both, what share is of now.

    >>> ratio(30, 10).direction, ratio(12, 10).direction, ratio(2, 1).direction
    ('rising', 'unclear', 'too_few')
    """
    if now + before < LEAST:
        return Trend("too_few")
    share = Values.of_share(now, now + before).with_doubt(2)
    half = Z * sqrt(share.variance_of_mean)
    low, high = max(share.mean - half, 0.0), min(share.mean + half, 1.0)
    top = None if high >= 1.0 else high / (1.0 - high)
    return _trend(now / before if before else None, low / (1.0 - low), top, 1.0)


def _trend(change: float | None, low: float, high: float | None, nought: float) -> Trend:
    direction: Direction = "unclear"
    if low > nought:
        direction = "rising"
    elif high is not None and high < nought:
        direction = "falling"
    if change is not None:
        low, high = min(low, change), None if high is None else max(high, change)
    return Trend(direction, change, low, high)
