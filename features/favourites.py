"""The favourites list: what a customer is about to run out of, how much she takes of it, when it runs out, how surely.

How long an item lasts her is log-logistic (Bennett 1983, survival with S(t) = 1 / (1 + (t / m)^b)), around her own mean
gap, to which the item's typical gap is added as if she had seen it a few times. What she took last time counts: twice
the usual lasts longer. The fewer gaps of hers are known, the wider the spread. After each purchase she may have given
the item up (as in BG/NBD, Fader, Hardie and Lee 2005): the longer she stays away, the likelier that is.

Times are epoch seconds (float64), spans are days. Nothing here looks at the order of rows.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.errors import BundleError
from features.inputs.candidates import ItemTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAY = 86_400.0
ONE_VISIT_DAYS = 0.5  # purchases less than this apart, on average, are one and no rhythm
EARLY, LATE = 0.1, 0.9  # the span told has four fifths of the chance
_SHARES = np.array([[0.5], [EARLY], [LATE]])
FARTHEST_DAYS = 1826
HORIZON_DAYS = 14.0  # within which she needs it again, or the list puts it further down


@dataclass(frozen=True)
class Rhythm:
    """How customers of a shop use things up; the defaults were fitted to a grocer's (docs/models.md).

    `centre` is the median of a gap over the mean of those before. `steadiness` is the log-logistic's shape where many
    gaps are known, `doubt` the number of gaps at which it is down by the square root of two. `borrowed` is how many
    gaps of her own an item's typical gap is worth. `amount` is the power with which the amount taken counts, 0 to 1.
    `stays` is the share of purchases after which she goes on, where the item says nothing; `stays_weight` is how many
    purchases of hers that is worth.
    """

    centre: float = 1.18
    steadiness: float = 2.0
    doubt: float = 5.1
    borrowed: float = 2.1
    amount: float = 0.07
    stays: float = 0.5
    stays_weight: float = 0.8


def read_rhythm(file: Path) -> Rhythm:
    """The rhythm that training wrote as JSON; raises `BundleError` for anything else."""
    try:
        told = json.loads(file.read_text("utf-8"))
        rhythm = Rhythm(**{name: float(value) for name, value in told.items()})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BundleError(f"{file} is no rhythm ({error}). Promote again, or roll back to another bundle.") from error
    if not all(value > 0 for value in asdict(rhythm).values()):
        raise BundleError(f"{file} has a value that is not above 0. Promote again, or roll back to another bundle.")
    return rhythm


@dataclass(frozen=True)
class Habits:
    """What is known of how things are used up here: the customers' rhythm, and how long each item lasts others."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    table: ItemTable | None = None

    def of(self, items: Sequence[str]) -> tuple[Floats, Floats]:
        """`gap_days` and `repeat_rate` of items by id, NaN where the table does not know them."""
        index = {} if self.table is None else self.table.index
        return self.at(np.array([index.get(item, -1) for item in items], np.int64))

    def at(self, rows: Ints) -> tuple[Floats, Floats]:
        """The same of rows of the table, -1 for an item it does not know."""
        if self.table is None or not len(self.table):
            nothing = np.full(len(rows), np.nan)
            return nothing, nothing
        gaps, rates = (np.asarray(column[rows], np.float64) for column in (self.table.gap_days, self.table.repeat_rate))
        if np.count_nonzero(unknown := rows < 0):
            gaps[unknown] = rates[unknown] = np.nan
        return gaps, rates


@dataclass(frozen=True)
class Bought:
    """Items bought, one row an item of a customer, in any order; all columns `[n]`.

    `counts` are orders with the item, `units` pieces in all of them, `last_units` those of the latest. `gap_days` is
    what the item usually lasts others, `repeat_rate` the share of its buyers who bought it again; NaN where not known.
    """

    counts: Floats
    units: Floats
    last_units: Floats
    first_at: Floats
    last_at: Floats
    gap_days: Floats
    repeat_rate: Floats


@dataclass(frozen=True)
class RunOut:
    """When each item runs out; all columns `[n]`, NaN where no rhythm is known, hers or the item's.

    `at` is the median of the moment she needs it again, given that she has not bought it by now; `early` and `late`
    hold four fifths of the chance between them (epoch seconds). `probability` is the chance that she needs it again
    here within the horizon: what she gave up, she does not. `quantity` is the pieces she usually takes.
    """

    at: Floats
    early: Floats
    late: Floats
    probability: Floats
    quantity: Ints


def run_out(bought: Bought, now: Floats | float, rhythm: Rhythm, *, horizon_days: float = HORIZON_DAYS) -> RunOut:
    """When what she bought runs out, as of `now` (epoch seconds, one or one a row).

    >>> coffee = Bought(*(np.array([x]) for x in (10.0, 20.0, 2.0, 0.0, 90 * DAY, np.nan, np.nan)))
    >>> found = run_out(coffee, 94 * DAY, Rhythm(centre=1.0, steadiness=6.0, doubt=0.0))
    >>> np.round((found.at - 94 * DAY) / DAY, 1), found.quantity
    (array([6.]), array([2]))
    """
    since = np.maximum((now - bought.last_at) / DAY, 0.0)
    median, shape, stays = lasting(bought, rhythm)
    gone = (since / median) ** shape
    left, later = 1 / (1 + gone), survival(since + horizon_days, median, shape)

    odds = (gone + _SHARES) / (1 - _SHARES)
    at, early, late = bought.last_at + median * odds ** (1 / shape) * DAY
    return RunOut(
        at=at,
        early=early,
        late=late,
        probability=stays * (left - later) / (stays * left + 1 - stays),
        quantity=np.maximum(np.rint(bought.units / np.maximum(bought.counts, 1)), 1).astype(np.int64),
    )


def lasting(bought: Bought, rhythm: Rhythm) -> tuple[Floats, Floats, Floats]:
    """The median days that her latest purchase lasts, the shape of their distribution, the chance that she goes on."""
    gaps, span = bought.counts - 1, (bought.last_at - bought.first_at) / DAY
    habit = (gaps > 0) & (span >= ONE_VISIT_DAYS * gaps)
    gaps, span = np.where(habit, gaps, 0.0), np.where(habit, span, 0.0)
    typical = bought.gap_days == bought.gap_days
    borrowed = np.where(typical, rhythm.borrowed, 0.0)
    seen = gaps + borrowed
    known = np.where(seen > 0, seen, np.nan)
    mean = (span + borrowed * np.where(typical, bought.gap_days, 0.0)) / known
    before = (bought.units - bought.last_units) / np.maximum(gaps, 1)
    more = before > 0
    taken = np.where(habit & more, bought.last_units / np.where(more, before, 1), 1.0)
    shape = rhythm.steadiness * np.sqrt(known / (known + rhythm.doubt))
    expected = np.where(bought.repeat_rate == bought.repeat_rate, bought.repeat_rate, rhythm.stays)
    stays = (rhythm.stays_weight * expected + gaps) / (rhythm.stays_weight + gaps)
    return rhythm.centre * mean * taken**rhythm.amount, shape, stays


def survival(days: Floats, median: Floats, shape: Floats) -> Floats:
    """The share of purchases that last longer than `days`."""
    return np.asarray(1 / (1 + (days / median) ** shape))


def soonest(probability: Floats, last_at: Floats, items: npt.NDArray[np.str_]) -> Ints:
    """The rows most likely first; ties go to what was bought longer ago, then to the smaller item id; NaN left out."""
    order = np.lexsort((items, last_at, -probability))
    likely = probability[order]
    return np.asarray(order[likely == likely], np.int64)


def no_later(moments: Floats, now: Floats | float) -> Floats:
    """Moments in epoch seconds, those more than five years ahead of `now` put there: "no time soon"."""
    return np.minimum(moments, now + FARTHEST_DAYS * DAY)
