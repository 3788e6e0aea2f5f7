"""Her favourites: what she buys again, the likeliest to run out first, with how much she takes and when it runs out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import numpy as np

from features.favourites import DAY, Bought, Habits, no_later, run_out, soonest
from features.inputs.candidates import PERSONAL
from features.inputs.histories import ItemHistory, side_by_side
from serving.core.conditions import Floats
from serving.core.evidence import RunsOut
from serving.core.items import Scored

LISTED = 60  # of the likeliest; no action shows nearly as many
_EPOCH = date(1970, 1, 1).toordinal()


class Favourites(NamedTuple):
    """One customer's favourites, most likely first, in parallel columns; days are counted from 1970 in UTC.

    Nobody has asked a model yet for the chance that she buys them: that is NaN.
    """

    items: list[str]
    quantities: list[int]
    on: list[int]
    early: list[int]
    late: list[int]
    chances: list[float]

    def told(self) -> Iterator[Scored]:
        """Each with the pieces she takes and when it runs out."""
        for item, quantity, *days, chance in zip(*self, strict=True):
            on, early, late = (date.fromordinal(_EPOCH + day) for day in days)
            yield Scored(item, float("nan"), PERSONAL, quantity, RunsOut(on, early, late, chance))


NONE = Favourites([], [], [], [], [], [])


def favourites_of(histories: Sequence[ItemHistory], at: Floats, habits: Habits) -> list[Favourites]:
    """The favourites of each customer as of `at` (epoch seconds, one a customer).

    A list depends on its own customer only. Nothing here looks at stock, or at what came back.
    """
    lengths = np.array([len(history.items) for history in histories], np.int64)
    items = [item for history in histories for item in history.items]
    if not items:
        return [NONE] * len(histories)
    bought, ids, now = _bought(histories, items, habits), np.array(items), at.repeat(lengths)
    found = run_out(bought, now, habits.rhythm)
    days = np.floor(no_later(np.array((found.at, found.early, found.late)), now) / DAY)
    lists = []
    for end, length in zip(np.cumsum(lengths).tolist(), lengths.tolist(), strict=True):
        mine = slice(end - length, end)
        rows = end - length + soonest(found.probability[mine], bought.last_at[mine], ids[mine])[:LISTED]
        on, early, late = days[:, rows].astype(np.int64).tolist()
        lists.append(
            Favourites(
                [items[row] for row in rows.tolist()],
                found.quantity[rows].tolist(),
                on,
                early,
                late,
                found.probability[rows].tolist(),
            )
        )
    return lists


def _bought(histories: Sequence[ItemHistory], items: Sequence[str], habits: Habits) -> Bought:
    """All histories one after another; where the pieces are not known, one an order."""

    columns = [side_by_side(histories, name) for name in ("counts", "first_at", "last_at")]
    if any(history.units is None or history.last_units is None for history in histories):
        histories = [_with_units(history) for history in histories]
    units, last_units = side_by_side(histories, "units"), side_by_side(histories, "last_units")
    gap_days, repeat_rate = habits.of(items)
    counts, first_at, last_at = columns
    return Bought(counts, units, last_units, first_at, last_at, gap_days, repeat_rate)


def _with_units(history: ItemHistory) -> ItemHistory:
    return replace(
        history,
        units=history.counts if history.units is None else history.units,
        last_units=np.ones(len(history.items)) if history.last_units is None else history.last_units,
    )
