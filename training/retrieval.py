"""The item table: popularity, repeat rhythm, price, category and co-purchase neighbours as of a moment.

Input is a purchases table, one row a line (`training/purchases.py`). Only lines with occurred_at < as_of and
received_at <= as_of count.
"""

from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
from scipy import sparse

from features.inputs.candidates import Histories, Ints, ItemTable

NEIGHBOURS = 30  # kept an item
LARGEST_BASKET = 60  # a larger one says little about what goes together: a sample of its rarest items is used
POPULAR_LISTED = 200
ITEMS_AT_ONCE = 4000  # whose neighbours are looked for in one sparse product: bounds the memory


def connect(purchases: pa.Table) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with the purchases as `lines`."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'; set threads = 2")
    con.register("arrow_lines", purchases)
    con.execute("create table lines as select * from arrow_lines")
    return con


def item_table(
    con: duckdb.DuckDBPyConnection,
    as_of: datetime,
    *,
    categories: dict[str, str] | None = None,
    half_life_days: float = 30.0,
    shrink: float = 5.0,
) -> ItemTable:
    """Everything known per item as of `as_of`; `half_life_days` fades both popularity and co-purchase."""
    con.execute(
        """create or replace temp table known as select customer_id, order_id, item_id, quantity, paid, occurred_at
        from lines where occurred_at < $1 and received_at <= $1""",
        [as_of],
    )
    items = con.sql(
        """with bought as (
             select item_id, customer_id, count(distinct order_id) n, sum(paid) paid, sum(quantity) quantity,
               epoch(min(occurred_at)) first_at, epoch(max(occurred_at)) last_at
             from known group by all)
           select item_id, count(*)::float buyers,
             sum(pow(0.5, (epoch($1) - last_at) / ($2 * 86400.0)))::float recent_buyers,
             count(*) filter (where n > 1) repeaters,
             median((last_at - first_at) / (n - 1) / 86400.0) filter (where n > 1 and last_at > first_at) gap_days,
             sum(paid) / nullif(sum(quantity), 0) as price
           from bought group by item_id order by item_id""",
        params=[as_of, half_life_days],
    ).to_arrow_table()
    item_id = np.array(items["item_id"].to_pylist(), dtype=np.str_)
    buyers = items["buyers"].to_numpy()
    repeaters = items["repeaters"].to_numpy().astype(np.float64)
    prior = repeaters.sum() / max(buyers.sum(), 1)
    recent = items["recent_buyers"].to_numpy().round(4)  # summation order must not show
    category, names = _categories(item_id, categories or {})
    start, neighbour, score = _neighbours(con, as_of, len(item_id), half_life_days=6 * half_life_days, shrink=shrink)
    return ItemTable(
        item_id=item_id,
        buyers=buyers.astype(np.float32),
        recent_buyers=recent.astype(np.float32),
        repeat_rate=((repeaters + 10 * prior) / (buyers + 10)).astype(np.float32),
        gap_days=np.maximum(_floats(items["gap_days"]), 1.0),
        price=_floats(items["price"]),
        category=category,
        categories=names,
        popular=np.lexsort((np.arange(len(item_id)), -recent))[:POPULAR_LISTED].astype(np.int32),
        neighbour_start=start,
        neighbour_item=neighbour,
        neighbour_score=score,
        as_of=np.array(as_of.timestamp()),
    )


def histories(con: duckdb.DuckDBPyConnection, as_of: datetime, table: ItemTable) -> tuple[list[str], Histories]:
    """Customers known as of `as_of`, ascending, and what each bought by then (the rules of the item table)."""
    con.register("item_rows", pa.table({"item_id": table.item_id.tolist(), "row": np.arange(len(table))}))
    rows = con.sql(
        """select customer_id, i.row, count(distinct order_id)::double n,
             epoch(max(occurred_at)) last_at, epoch(min(occurred_at)) first_at
        from lines join item_rows i using (item_id) where occurred_at < $1 and received_at <= $1
        group by all order by customer_id, i.row""",
        params=[as_of],
    ).to_arrow_table()
    people = con.sql(
        """select customer_id, count(distinct order_id)::double orders,
             epoch(min(occurred_at)) first_at, epoch(max(occurred_at)) last_at
        from lines where occurred_at < $1 and received_at <= $1 group by all order by customer_id""",
        params=[as_of],
    ).to_arrow_table()
    names = people["customer_id"].to_pylist()
    # both are in the same order, so run lengths are enough
    ids = rows["customer_id"].combine_chunks().dictionary_encode()
    lengths = np.bincount(ids.indices.to_numpy(), minlength=len(names)) if len(rows) else np.zeros(len(names), np.int64)
    return names, Histories(
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        item=rows["row"].to_numpy().astype(np.int64),
        count=rows["n"].to_numpy(),
        last_at=rows["last_at"].to_numpy(),
        first_at=rows["first_at"].to_numpy(),
        orders=people["orders"].to_numpy(),
        first_order_at=people["first_at"].to_numpy(),
        last_order_at=people["last_at"].to_numpy(),
    )


def bought_between(
    con: duckdb.DuckDBPyConnection,
    names: list[str],
    table: ItemTable,
    start: datetime,
    end: datetime,
    known_by: datetime,
) -> tuple[Ints, Ints]:
    """The truth: (customer row, item row) of what was bought in [start, end) and received by `known_by`.

    Items the table does not know get negative rows of their own: they count as truth that nobody could find.
    """
    con.register("item_rows", pa.table({"item_id": table.item_id.tolist(), "row": np.arange(len(table))}))
    con.register("people", pa.table({"customer_id": names, "person": np.arange(len(names))}))
    rows = con.sql(
        """select distinct p.person, coalesce(i.row, -1 - (dense_rank() over (order by item_id))) item
        from lines join people p using (customer_id) left join item_rows i using (item_id)
        where occurred_at >= $1 and occurred_at < $2 and received_at <= $3 order by all""",
        params=[start, end, known_by],
    ).to_arrow_table()
    return rows["person"].to_numpy().astype(np.int64), rows["item"].to_numpy().astype(np.int64)


def _neighbours(
    con: duckdb.DuckDBPyConnection, as_of: datetime, n: int, *, half_life_days: float, shrink: float
) -> tuple[Ints, np.ndarray, np.ndarray]:
    """Items bought in the same order or by the same customer: time-decayed cosine, shrunk; CSR, best first."""
    lines = con.sql(
        """with items as (
             select item_id, row_number() over (order by item_id) - 1 as row, count(distinct order_id) orders
             from known group by item_id),
           baskets as (
             select 'order ' || order_id as basket, item_id, occurred_at from known
             union all select 'customer ' || customer_id, item_id, occurred_at from known),
           once as (
             select basket, i.row, i.orders, epoch(max(occurred_at)) seen
             from baskets join items i using (item_id) where i.orders > 2 group by all),
           placed as (select *, row_number() over (partition by basket order by orders, row) place from once)
           select dense_rank() over (order by basket) - 1 as basket, row,
             pow(0.5, (epoch($1) - seen) / ($2 * 86400.0)) as w
           from placed where place <= $3 order by basket, row""",
        params=[as_of, half_life_days, LARGEST_BASKET],
    ).to_arrow_table()
    if not len(lines):
        return np.zeros(n + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    basket, row = lines["basket"].to_numpy(), lines["row"].to_numpy()
    weight = np.sqrt(lines["w"].to_numpy())
    orders = sparse.csr_matrix((weight, (basket, row)), shape=(int(basket.max()) + 1, n))
    items = orders.T.tocsr()
    own = np.asarray(items.multiply(items).sum(axis=1)).ravel()
    parts = [_nearest(items, orders, own, first, shrink) for first in range(0, n, ITEMS_AT_ONCE)]
    a, b, grains = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    start = np.concatenate([[0], np.cumsum(np.bincount(a, minlength=n))]).astype(np.int64)
    return start, b.astype(np.int32), (grains / 10**6).astype(np.float32)


def _nearest(
    items: sparse.csr_matrix, orders: sparse.csr_matrix, own: np.ndarray, first: int, shrink: float
) -> tuple[Ints, Ints, Ints]:
    """Item, neighbour and score in millionths for a block of items from `first` on, best first."""
    n = items.shape[0]
    together = (items[first : first + ITEMS_AT_ONCE] @ orders).tocsr()
    a = np.repeat(np.arange(together.shape[0]) + first, np.diff(together.indptr))
    b = together.indices.astype(np.int64)
    score = together.data / (np.sqrt(own[a] * own[b]) + shrink)
    grains = (score * 10**6).round().astype(np.int64)
    keep = (a != b) & (grains > 0)
    # one integer sorts by item, then score downwards, then neighbour
    keys = np.sort(((a[keep] + 1) * 10**6 - grains[keep]) * n + b[keep])
    a, b = keys // n // 10**6, keys % n
    sizes = np.bincount(a, minlength=n)
    top = np.arange(len(a)) - np.repeat(np.cumsum(sizes) - sizes, sizes) < NEIGHBOURS
    return a[top], b[top], (a[top] + 1) * 10**6 - keys[top] // n


def _categories(item_id: np.ndarray, categories: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    own = [categories.get(item) or "" for item in item_id.tolist()]
    names = sorted(set(own) - {""})
    index = {name: row for row, name in enumerate(names)}
    return np.array([index.get(c, -1) for c in own], np.int32), np.array(names or [""], np.str_)


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float64).round(4).astype(np.float32)
