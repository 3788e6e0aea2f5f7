"""Purchases of a made-up shop of any size: favourites of one's own, a long tail of items, one year.

Each customer orders once to seven times, one to five items at a time. Every second line is one of her six favourites;
the others, and the favourites themselves, are drawn by a power law: the item of rank r is drawn in proportion to about
1 / r, so that a tenth of the items has most of the buyers, as in a shop.
"""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from training.purchases import PURCHASE_SCHEMA

START, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 365
MOST_ORDERS, MOST_LINES, FAVOURITES = 7, 5, 6
DAY_MICROSECONDS = 86_400_000_000

Ints = npt.NDArray[np.int64]


def made_up_purchases(customers: int, items: int, seed: int) -> pa.Table:
    """`PURCHASE_SCHEMA`, about 12 lines a customer, ordered by customer; the same arguments give the same table."""
    draw = np.random.default_rng(seed)
    orders = draw.integers(1, MOST_ORDERS + 1, customers)
    owner = np.repeat(np.arange(customers), orders)
    at = draw.integers(0, DAYS * DAY_MICROSECONDS, len(owner)) + int(START.timestamp()) * 10**6
    lines = draw.integers(1, MOST_LINES + 1, len(owner))
    order = np.repeat(np.arange(len(owner)), lines)
    favourites = power_law(draw, (customers, FAVOURITES), items)
    own = favourites[owner[order], draw.integers(0, FAVOURITES, len(order))]
    item = np.where(draw.random(len(order)) < 0.5, own, power_law(draw, len(order), items))
    occurred = pa.array(at[order]).cast(PURCHASE_SCHEMA.field("occurred_at").type)
    columns = {
        "customer_id": _named("c", owner[order]),
        "order_id": _named("o", order),
        "item_id": _named("i", item),
        "quantity": pa.array(np.ones(len(order), np.int64)),
        "paid": pa.array(100 + item * 7919 % 9_900),  # an item has one price, of 1 to 100 euros
        "occurred_at": occurred,
        "received_at": occurred,
    }
    return pa.table(columns, schema=PURCHASE_SCHEMA)


def power_law(draw: np.random.Generator, size: int | tuple[int, int], items: int) -> Ints:
    """Items from 0, the earlier the likelier: the logarithm of (rank + 1) is uniform."""
    rank = np.exp(draw.random(size) * np.log(items + 1)).astype(np.int64) - 1
    return np.asarray(np.minimum(rank, items - 1), np.int64)


def _named(letter: str, numbers: Ints) -> pa.Array:
    return pc.binary_join_element_wise(letter, pa.array(numbers).cast(pa.string()), "")
