"""What customers bought, one row an item: of one, and of many side by side as rows of an item table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from features.inputs.item_table import Floats, Ints, ItemTable


@dataclass(frozen=True)
class ItemHistory:
    """What one customer bought up to the decision, one row an item."""

    items: Sequence[str]
    counts: npt.ArrayLike  # distinct orders with the item
    last_at: npt.ArrayLike  # epoch seconds
    first_at: npt.ArrayLike  # epoch seconds; NaN where not known
    orders: float = 0.0  # distinct orders in all
    first_order_at: float = float("nan")
    last_order_at: float = float("nan")
    units: npt.ArrayLike | None = None  # pieces in all orders with the item, where known
    last_units: npt.ArrayLike | None = None  # those of the latest


def side_by_side(histories: Sequence[ItemHistory], name: str) -> Floats:
    """A column of several histories, one after the other."""
    if len(histories) == 1:
        return np.asarray(getattr(histories[0], name), np.float64)
    return np.concatenate([np.empty(0), *(np.asarray(getattr(h, name), np.float64) for h in histories)])


@dataclass(frozen=True)
class Histories:
    """Many customers' histories side by side: rows `start[i]:start[i + 1]` are customer i's, items as table rows."""

    start: Ints
    item: Ints
    count: Floats
    last_at: Floats
    first_at: Floats
    orders: Floats
    first_order_at: Floats
    last_order_at: Floats

    def __len__(self) -> int:
        return len(self.orders)

    @cached_property
    def lengths(self) -> Ints:
        """How many items each customer bought."""
        return self.start[1:] - self.start[:-1]

    @cached_property
    def owner(self) -> Ints:
        """Whose each row is."""
        return np.arange(len(self)).repeat(self.lengths)

    @classmethod
    def of(cls, histories: Sequence[ItemHistory], table: ItemTable) -> "Histories":
        """Lay histories side by side; items the table does not know are left out."""
        row = table.index.get
        item = np.array([row(i, -1) for h in histories for i in h.items], np.int64)
        lengths = np.array([len(h.items) for h in histories], np.int64)
        columns = [side_by_side(histories, name) for name in ("counts", "last_at", "first_at")]
        known = item >= 0
        if np.count_nonzero(known) < len(item):
            lengths = np.bincount(np.arange(len(histories)).repeat(lengths)[known], minlength=len(histories))
            item, columns = item[known], [column[known] for column in columns]
        start = np.zeros(len(histories) + 1, np.int64)
        np.cumsum(lengths, out=start[1:])
        orders = np.array([(h.orders, h.first_order_at, h.last_order_at) for h in histories], np.float64).reshape(-1, 3)
        return cls(start, item, *columns, *orders.T)

    def take(self, customers: Ints) -> "Histories":
        """The given customers only, in that order."""
        lengths = self.lengths[customers]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(self.start[customers] - start[:-1], lengths) + np.arange(start[-1])
        values: dict[str, Any] = {
            f.name: getattr(self, f.name)[rows if f.name in ("item", "count", "last_at", "first_at") else customers]
            for f in fields(self)
            if f.name != "start"
        }
        return Histories(start=start, **values)
