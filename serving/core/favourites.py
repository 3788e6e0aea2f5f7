"""Her favourites: what she buys again, the likeliest to run out first, with how much she takes and when it runs out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np

from features.favourites import Bought, Habits, RunOut, no_later, run_out, soonest
from features.inputs.candidates import PERSONAL, ItemHistory
from serving.core.conditions import Floats
from serving.core.evidence import RunsOut
from serving.core.items import Scored

LISTED = 60  # of the likeliest; no action shows nearly as many


def favourites_of(histories: Sequence[ItemHistory], at: Floats, habits: Habits) -> list[list[Scored]]:
    """The favourites of each customer as of `at` (epoch seconds, one a customer), most likely first.

    A list depends on its own customer only. Nothing here looks at stock, or at what came back; nobody asks a model for
    the chance that she buys them, which is NaN.
    """
    lengths = np.array([len(history.items) for history in histories])
    items = [item for history in histories for item in history.items]
    if not items:
        return [[] for _ in histories]
    bought = _bought(histories, items, habits)
    found = run_out(bought, np.repeat(at, lengths), habits.rhythm)
    ids = np.array(items)
    lists = []
    for end, length, now in zip(np.cumsum(lengths).tolist(), lengths.tolist(), at.tolist(), strict=True):
        mine = slice(end - length, end)
        rows = end - length + soonest(found.probability[mine], bought.last_at[mine], ids[mine])[:LISTED]
        lists.append([_favourite(items[row], found, row, now) for row in rows.tolist()])
    return lists


def _favourite(item: str, found: RunOut, row: int, now: float) -> Scored:
    on, early, late = (_day(float(no_later(column[row], now))) for column in (found.at, found.early, found.late))
    runs_out = RunsOut(on, early, late, float(found.probability[row]))
    return Scored(item, float("nan"), PERSONAL, int(found.quantity[row]), runs_out)


def _day(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).date()


def _bought(histories: Sequence[ItemHistory], items: Sequence[str], habits: Habits) -> Bought:
    """All histories one after another; where the pieces are not known, one an order."""

    def column(name: str) -> Floats:
        return np.concatenate([np.asarray(getattr(history, name), np.float64) for history in histories])

    counts = [np.asarray(history.counts, np.float64) for history in histories]
    units = [n if h.units is None else np.asarray(h.units, np.float64) for h, n in zip(histories, counts, strict=True)]
    latest = [
        np.ones(len(n)) if h.last_units is None else np.asarray(h.last_units, np.float64)
        for h, n in zip(histories, counts, strict=True)
    ]
    gap_days, repeat_rate = habits.of(items)
    return Bought(
        counts=np.concatenate(counts),
        units=np.concatenate(units),
        last_units=np.concatenate(latest),
        first_at=column("first_at"),
        last_at=column("last_at"),
        gap_days=gap_days,
        repeat_rate=repeat_rate,
    )
