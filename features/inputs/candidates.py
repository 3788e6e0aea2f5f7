"""Candidate items of a customer and their features: one function for training and serving, whole batches at once.

Three ways into the list: what she bought before, what goes with it, and what is popular now. All knowledge per item is
in an `ItemTable` made as of a past moment; all knowledge per customer is an `ItemHistory` as of the decision. Times are
epoch seconds (float64), money is minor units, absent is NaN.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.inputs.forest import Block
from features.inputs.histories import Histories, ItemHistory
from features.inputs.item_table import Floats, Ints, ItemTable, ratio
from features.inputs.places import first_of, grouped, places, rows_at

__all__ = ["Floats", "Histories", "Ints", "ItemHistory", "ItemTable"]

DAY = 86400.0
PERSONAL, NEIGHBOUR, POPULAR = 1, 2, 4
SOURCES = {PERSONAL: "personal", NEIGHBOUR: "neighbour", POPULAR: "popular"}
MOST_PERSONAL, MOST_NEIGHBOURS = 80, 40  # candidates of each source, beside `item_table.MOST_POPULAR`
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
_COLUMN = {name: j for j, name in enumerate(CANDIDATE_INPUTS)}
_OWN = slice(_COLUMN["own_count"], _COLUMN["own_rank"] + 1)
_ITEM = slice(_COLUMN["recent_buyers"], _COLUMN["price"] + 1)
_NEAR = slice(_COLUMN["neighbour_score"], _COLUMN["neighbour_score"] + 1)
_PRICE = slice(_COLUMN["price_ratio"], _COLUMN["price_ratio"] + 1)
_CATEGORY = slice(_COLUMN["category_share"], _COLUMN["category_age_days"] + 1)
_CUSTOMER = slice(_COLUMN["orders"], _COLUMN["repeat_share"] + 1)


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
    near, score = _neighbours(histories, table, first_key, age, fade)
    popular = table.shown if n == 1 else (np.arange(n)[:, None] * size + table.shown).ravel()
    keys, which = grouped(np.concatenate((own, near, popular)))
    others = len(own) + len(near)
    of_own, of_near, of_popular = which[: len(own)], which[len(own) : others], which[others:]
    source = np.zeros(len(keys), np.uint8)
    source[of_own] = PERSONAL
    source[of_near] |= NEIGHBOUR
    source[of_popular] |= POPULAR
    at_own = np.full(len(keys), len(own))
    at_own[of_own] = np.arange(len(own))
    near_score = np.where(source & NEIGHBOUR, np.bincount(of_near, score, len(keys)), np.nan)

    out = np.zeros(len(keys), np.bool_)
    out[of_own] = place >= MOST_PERSONAL
    fresh = np.flatnonzero((source & (PERSONAL | NEIGHBOUR)) == NEIGHBOUR)
    out[fresh] = ~first_of(MOST_NEIGHBOURS, keys[fresh] // size, -near_score[fresh])
    out[of_popular] = False
    if np.count_nonzero(out):
        kept = ~out
        keys, source, at_own, near_score = keys[kept], source[kept], at_own[kept], near_score[kept]
    customer, item = np.divmod(keys, size)

    bought = np.bincount(owner, histories.count, n).astype(np.float64)
    own_inputs = _own(histories, table, now, age, faded, place)
    price = table.inputs[item, _COLUMN["price"] - _ITEM.start]
    dearer = price - np.log1p(_mean_price(histories, table))[customer]
    of_category, category = _category(histories, table, age, bought, customer, item)
    blocks = (
        Block(_OWN, own_inputs, at_own),
        Block(_NEAR, near_score.astype(np.float32)[:, None]),
        Block(_ITEM, table.inputs, item, lasts=True),
        Block(_PRICE, dearer.astype(np.float32)[:, None]),
        Block(_CATEGORY, of_category, category),
        Block(_CUSTOMER, _of_customers(histories, at, bought), customer),
    )
    return Candidates(customer, item, source, blocks)


def _own(
    histories: Histories, table: ItemTable, now: Floats, age: Floats, faded: Floats, place: Ints
) -> npt.NDArray[np.float32]:
    """The inputs from `own_count` to `own_rank` of each item that she bought; the last row is what nobody bought."""
    count = histories.count
    gap = ratio(histories.last_at - histories.first_at, (count - 1) * DAY)
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
    return ratio(np.bincount(owner, np.where(price == price, price, 0.0) * counted, n), np.bincount(owner, counted, n))


def _neighbours(
    histories: Histories, table: ItemTable, first_key: Ints, age: Floats, fade: Floats
) -> tuple[Ints, Floats]:
    """Keys (customer * items + item) and scores of what goes with each of her latest items."""
    item = histories.item
    if len(item) > SEEDS:
        seed = np.flatnonzero(first_of(SEEDS, histories.owner, age, -histories.count, item))
        item, first_key, fade = item[seed], first_key[seed], fade[seed]
    lengths = table.neighbours[item]
    ends = lengths.cumsum()
    at = (table.neighbour_start[item] - ends + lengths).repeat(lengths) + np.arange(ends[-1] if len(ends) else 0)
    return first_key.repeat(lengths) + table.neighbour_item[at], table.neighbour_score[at] * fade.repeat(lengths)


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
    at = rows_at(keys, customer * wide + category + 1)
    return found, np.where(category < 0, len(keys) + 1, np.where(at < 0, len(keys), at))
