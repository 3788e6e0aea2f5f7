"""Candidate items of a customer and their features: one function for training and serving, whole batches at once.

Three ways into the list: what she bought before, what goes with it, and what is popular now. All knowledge per item is
in an `ItemTable` made as of a past moment; all knowledge per customer is an `ItemHistory` as of the decision. Times are
epoch seconds (float64), money is minor units, absent is NaN.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from features.errors import BundleError
from features.inputs.forest import Block
from features.inputs.places import Rows, distinct, first_of, grouped, places, values_at

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAY = 86400.0
PERSONAL, NEIGHBOUR, POPULAR = 1, 2, 4
_PERSONAL, _NEIGHBOUR, _POPULAR = np.array([PERSONAL, NEIGHBOUR, POPULAR], np.uint8)
SOURCES = {PERSONAL: "personal", NEIGHBOUR: "neighbour", POPULAR: "popular"}
MOST_PERSONAL, MOST_NEIGHBOURS, MOST_POPULAR = 80, 40, 30  # candidates of each source
SEEDS = 30  # latest bought items whose neighbours are looked at
FADE_DAYS = 90.0  # half-life of a past purchase when candidates are picked

CANDIDATE_INPUTS = {
    "own_count": "orders of hers with the item",
    "own_share": "that, of all her orders",
    "own_age_days": "days since she last bought it",
    "own_gap_days": "mean days between her purchases of it",
    "own_due": "days since she last bought it / her gap, or the item's typical gap after one purchase",
    "own_rate": "her purchases of it per 30 days since the first",
    "own_faded": "own_count, halved every 90 days since the last",
    "own_rank": "place among her items by own_faded, 0 = first",
    "neighbour_score": "summed scores of what she bought lately towards the item",
    "recent_buyers": "log of the item's recent buyers",
    "buyers": "log of all its buyers",
    "trend": "recent buyers / all buyers",
    "popular_rank": "place among the popular items, NaN = not among them",
    "repeat_rate": "share of its buyers who bought it again",
    "gap_days": "typical days between two purchases of the item",
    "price": "log of its mean paid minor units",
    "price_ratio": "log of its price / her mean price",
    "category_share": "share of her purchases in its category",
    "category_age_days": "days since she bought in its category",
    "orders": "her orders",
    "order_size": "her mean items an order",
    "order_gap_days": "mean days between her orders",
    "order_age_days": "days since her last order",
    "order_due": "order_age_days / order_gap_days",
    "repeat_share": "share of her purchases that were repeats",
}
ITEM_INPUTS = ("recent_buyers", "buyers", "trend", "popular_rank", "repeat_rate", "gap_days", "price")
_COLUMN = {name: j for j, name in enumerate(CANDIDATE_INPUTS)}
_OWN = slice(_COLUMN["own_count"], _COLUMN["own_rank"] + 1)
_ITEM = slice(_COLUMN["recent_buyers"], _COLUMN["price"] + 1)
_NEAR = slice(_COLUMN["neighbour_score"], _COLUMN["neighbour_score"] + 1)
_PRICE = slice(_COLUMN["price_ratio"], _COLUMN["price_ratio"] + 1)
_CATEGORY = slice(_COLUMN["category_share"], _COLUMN["category_age_days"] + 1)
_CUSTOMER = slice(_COLUMN["orders"], _COLUMN["repeat_share"] + 1)


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
class ItemTable:
    """What is known per item as of `as_of`; the arrays are described in docs/bundle.md."""

    item_id: npt.NDArray[np.str_]
    buyers: npt.NDArray[np.float32]
    recent_buyers: npt.NDArray[np.float32]
    repeat_rate: npt.NDArray[np.float32]
    gap_days: npt.NDArray[np.float32]
    price: npt.NDArray[np.float32]
    category: npt.NDArray[np.int32]
    categories: npt.NDArray[np.str_]
    popular: npt.NDArray[np.int32]
    neighbour_start: npt.NDArray[np.int64]
    neighbour_item: npt.NDArray[np.int32]
    neighbour_score: npt.NDArray[np.float32]
    as_of: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.item_id)

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each item id."""
        return {item: row for row, item in enumerate(self.item_id.tolist())}

    @cached_property
    def names(self) -> list[str]:
        """The item id of each row."""
        return list(self.index)

    @cached_property
    def popular_place(self) -> Floats:
        """Place of each item among the popular ones, NaN for the rest."""
        place = np.full(len(self), np.nan)
        place[self.popular] = np.arange(len(self.popular))
        return place

    @cached_property
    def shown(self) -> Ints:
        """The rows of the most popular items: candidates of everybody."""
        return self.popular[:MOST_POPULAR].astype(np.int64)

    @cached_property
    def neighbours(self) -> Ints:
        """How many neighbours each item has."""
        return np.diff(self.neighbour_start)

    @cached_property
    def inputs(self) -> npt.NDArray[np.float32]:
        """`ITEM_INPUTS` of every item, worked out once: a decision must not take longer in a larger shop."""
        told = {
            "recent_buyers": np.log1p(self.recent_buyers),
            "buyers": np.log1p(self.buyers),
            "trend": _ratio(self.recent_buyers, self.buyers),
            "popular_rank": self.popular_place,
            "repeat_rate": self.repeat_rate,
            "gap_days": self.gap_days,
            "price": np.log1p(self.price),
        }
        return np.column_stack([told[name] for name in ITEM_INPUTS]).astype(np.float32)

    def save(self, file: Path | BinaryIO) -> None:
        """Write all arrays, uncompressed; the same table gives the same bytes."""
        np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, file: Path) -> "ItemTable":
        """Read what `save` wrote; raises `BundleError` for anything else."""
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                table = cls(**{f.name: arrays[f.name] for f in fields(cls)})
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise BundleError(
                f"{file} is not an item table ({error}). Promote again, or roll back to another bundle."
            ) from error
        if len(table.neighbour_start) != len(table) + 1 or table.neighbour_start[-1] != len(table.neighbour_item):
            raise BundleError(f"{file} has neighbours for other items. Promote again, or roll back to another bundle.")
        return table


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


@dataclass(frozen=True)
class CandidateFrame:
    """One row a customer and candidate item, grouped by customer in order, items ascending within."""

    customer: Ints
    item: Ints
    source: npt.NDArray[np.uint8]  # bits PERSONAL | NEIGHBOUR | POPULAR
    inputs: npt.NDArray[np.float32]  # [rows, len(CANDIDATE_INPUTS)]

    @property
    def names(self) -> list[str]:
        """Names of the columns of `inputs`."""
        return list(CANDIDATE_INPUTS)


@dataclass(frozen=True)
class Candidates:
    """The same with inputs in blocks: what is hers, what is the item's, and what is of the two together."""

    customer: Ints
    item: Ints
    source: npt.NDArray[np.uint8]
    blocks: tuple[Block, ...]

    @cached_property
    def frame(self) -> CandidateFrame:
        """With the inputs of each row side by side."""
        inputs = np.empty((len(self.item), len(CANDIDATE_INPUTS)), np.float32)
        for block in self.blocks:
            inputs[:, block.columns] = block.values if block.of is None else block.values[block.of]
        return CandidateFrame(self.customer, self.item, self.source, inputs)


def candidates(histories: Histories, table: ItemTable, at: Floats) -> CandidateFrame:
    """The candidates of each customer and their `CANDIDATE_INPUTS` as of `at[i]` (epoch seconds, one a customer)."""
    return candidates_of(histories, table, at).frame


def candidates_of(histories: Histories, table: ItemTable, at: Floats) -> Candidates:
    """The same in blocks.

    A row depends on its own customer only: one customer alone gives the rows she gets in a batch, bit for bit.
    """
    n, size, owner = len(histories), max(len(table), 1), histories.owner
    now, first_key = at[owner], owner * size
    age = (now - histories.last_at) / DAY
    fade = 0.5 ** (age / FADE_DAYS)
    faded = histories.count * fade

    place = places(owner, -faded, histories.item)
    own = first_key + histories.item
    own_rows = Rows.of(own)
    near, near_score = _neighbours(histories, table, first_key, age, fade)
    new = own_rows.at(near) < 0
    fresh, fresh_score = near[new], near_score[new]
    if len(fresh) > MOST_NEIGHBOURS:
        fresh = fresh[first_of(MOST_NEIGHBOURS, fresh // size, -fresh_score, fresh % size)]
    popular = table.shown if n == 1 else (np.arange(n)[:, None] * size + table.shown).ravel()
    keys = distinct(np.concatenate((own[place < MOST_PERSONAL], fresh, popular)))
    customer, item = np.divmod(keys, size)
    at_own, at_near = own_rows.at(keys), Rows(near).at(keys)
    shown = table.popular_place[item] < MOST_POPULAR
    source = ((at_own >= 0) * _PERSONAL) | ((at_near >= 0) * _NEIGHBOUR) | (shown * _POPULAR)

    bought = np.bincount(owner, histories.count, n).astype(np.float64)
    own_inputs = _own(histories, table, now, age, faded, place)
    price = table.inputs[item, _COLUMN["price"] - _ITEM.start]
    ratio = price - np.log1p(_mean_price(histories, table))[customer]
    of_category, category = _category(histories, table, age, bought, customer, item)
    blocks = (
        Block(_OWN, own_inputs, np.where(at_own < 0, len(own_inputs) - 1, at_own)),
        Block(_NEAR, values_at(near_score, at_near).astype(np.float32)[:, None]),
        Block(_ITEM, table.inputs, item, lasts=True),
        Block(_PRICE, ratio.astype(np.float32)[:, None]),
        Block(_CATEGORY, of_category, category),
        Block(_CUSTOMER, _of_customers(histories, at, bought), customer),
    )
    return Candidates(customer, item, source, blocks)


def _own(
    histories: Histories, table: ItemTable, now: Floats, age: Floats, faded: Floats, place: Ints
) -> npt.NDArray[np.float32]:
    """The inputs from `own_count` to `own_rank` of each item that she bought; the last row is what nobody bought."""
    count = histories.count
    gap = _ratio(histories.last_at - histories.first_at, (count - 1) * DAY)
    gap = np.where(gap > 0, gap, np.nan)
    found = np.empty((_OWN.stop - _OWN.start, len(count) + 1), np.float32)
    found[:, -1] = np.nan
    told = (
        count,
        count / np.maximum(histories.orders[histories.owner], 1),
        age,
        gap,
        age / np.where(gap == gap, gap, table.gap_days[histories.item]),
        count / np.maximum((now - histories.first_at) / DAY, 1.0) * 30,
        faded,
        place,
    )
    for row, column in zip(found, told, strict=True):
        row[:-1] = column
    return found.T


def _of_customers(histories: Histories, at: Floats, bought: Floats) -> npt.NDArray[np.float32]:
    """The inputs from `orders` to `repeat_share` of each customer, who `bought` so many items in her orders."""
    columns = (at, bought, histories.lengths, histories.orders, histories.first_order_at, histories.last_order_at)
    rows = [_of_customer(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    return np.array(rows, np.float32).reshape(len(rows), _CUSTOMER.stop - _CUSTOMER.start)


def _of_customer(at: float, bought: float, items: int, orders: float, first: float, last: float) -> tuple[float, ...]:
    """Of one: in a batch columns would save a microsecond each, for one alone they would cost thirty."""
    span, age = (orders - 1) * DAY, (at - last) / DAY
    gap = (last - first) / span if span > 0 else math.nan
    size = bought / orders if orders > 0 else math.nan
    return orders, size, gap, age, age / gap if gap > 0 else math.nan, 1 - items / bought if bought > 0 else math.nan


def _mean_price(histories: Histories, table: ItemTable) -> Floats:
    """What each customer paid for an item on average, where prices are known; NaN where none is."""
    n, owner, price = len(histories), histories.owner, table.price[histories.item].astype(np.float64)
    counted = np.where(price == price, histories.count, 0.0)
    return _ratio(np.bincount(owner, np.where(price == price, price, 0.0) * counted, n), np.bincount(owner, counted, n))


def _neighbours(
    histories: Histories, table: ItemTable, first_key: Ints, age: Floats, fade: Floats
) -> tuple[Ints, Floats]:
    """Keys (customer * items + item, ascending) and summed scores of what goes with her latest items."""
    item = histories.item
    if len(item) > SEEDS:
        seed = np.flatnonzero(first_of(SEEDS, histories.owner, age, -histories.count, item))
        item, first_key, fade = item[seed], first_key[seed], fade[seed]
    lengths = table.neighbours[item]
    ends = lengths.cumsum()
    at = (table.neighbour_start[item] - ends + lengths).repeat(lengths) + np.arange(ends[-1] if len(ends) else 0)
    score = table.neighbour_score[at] * fade.repeat(lengths)
    keys, which = grouped(first_key.repeat(lengths) + table.neighbour_item[at])
    return keys, np.bincount(which, score, len(keys)).astype(np.float64)


def _category(
    histories: Histories, table: ItemTable, age: Floats, bought: Floats, customer: Ints, item: Ints
) -> tuple[npt.NDArray[np.float32], Ints]:
    """Share of her purchases in a category, and days since the last one there, and which of these rows each candidate
    has; the last two rows are of a category she never bought in, and of items without one.
    """
    wide = len(table.categories) + 1
    keys, which = grouped(histories.owner * wide + table.category[histories.item] + 1)
    found = np.empty((len(keys) + 2, 2), np.float32)
    found[:-2, 0] = np.bincount(which, histories.count, len(keys)) / np.maximum(bought[keys // wide], 1)
    latest = np.full(len(keys), np.inf)
    np.minimum.at(latest, which, age)
    found[:-2, 1] = latest
    found[-2:] = (0.0, np.nan), (np.nan, np.nan)
    category = table.category[item]
    at = Rows(keys).at(customer * wide + category + 1)
    return found, np.where(category < 0, len(keys) + 1, np.where(at < 0, len(keys), at))


def _ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> Floats:
    """`above / below`, NaN where `below` is not positive."""
    return np.asarray(above / np.where(below > 0, below, np.nan), np.float64)
