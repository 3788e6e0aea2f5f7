"""Learning the seasons of categories from what was sold: monthly indices, shrunk to flat by empirical Bayes.

For each category and month, orders are compared with what the category's own level, the shop's growth and the season of
the category above it would give. Part of the difference is chance: with variance `spread` of true indices around 1 and
chance `noise / expected` on top, a month keeps the share spread / (spread + noise / expected) of what was seen (James
and Stein's estimator with a variance for each month; Morris 1983). `spread` is what the twelve differ by beyond chance,
so that a flat category stays flat.

Growth and season are told apart by the same month of two years. With less than a year there is nothing to compare:
everything is flat.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.inputs.seasons import Seasons

Floats = npt.NDArray[np.float64]
FEWEST_DAYS = 364  # of purchases, to speak of seasons at all
FEWEST_ORDERS = 24  # of a category, to look at it
NOISE = 1.5  # variance of a month's orders over their mean: campaigns and weather come on top of chance


def learn_seasons(con: duckdb.DuckDBPyConnection, as_of: datetime, categories: Mapping[str, str]) -> Seasons:
    """The seasons seen in `lines` with occurred_at < as_of and received_at <= as_of; `categories` are paths by item."""
    orders, days = _orders(con, as_of, categories)
    if days.sum() < FEWEST_DAYS or not (days.reshape(-1, 12).sum(axis=0) > 0).all() or not orders:
        return Seasons()
    exposure = days * np.exp(growth(np.sum([n for path, n in orders.items() if "/" not in path], axis=0), days))
    found: dict[str, Floats] = {}
    for path in sorted(orders):
        above = found.get(path.rpartition("/")[0], np.ones(12))
        found[path] = month_index(orders[path], exposure, above)
    kept = sorted(path for path, index in found.items() if np.ptp(index) > 0)
    rows = np.array([found[path] for path in kept]).reshape(-1, 12).round(4)
    return Seasons(np.array(kept, np.str_), rows.astype(np.float32))


def month_index(orders: Floats, exposure: Floats, above: Floats) -> Floats:
    """The index of each month, `[12]` with mean 1, from a category's orders and exposure by month of all years.

    `above` is the index of the category above it, to which it is drawn. Both inputs are `[12 * years]`, January first.
    """
    seen, shown = orders.reshape(-1, 12).sum(axis=0), exposure.reshape(-1, 12).sum(axis=0)
    if seen.sum() < FEWEST_ORDERS:
        return above
    index = above
    for _ in range(3):  # the level depends on the season where some months are seen more often than others
        level = seen.sum() / (index * shown).sum()
        expected = np.maximum(level * above * shown, 1e-9)
        ratio = seen / expected
        kept = spread_of(ratio, expected) / (spread_of(ratio, expected) + NOISE / expected)
        index = above * (1 + kept * (ratio - 1))
        index = index / index.mean()
    return index


def spread_of(ratio: Floats, expected: Floats) -> float:
    """The variance of true ratios around 1: what was seen less what chance alone gives, by weighted moments."""
    chance = NOISE * (len(ratio) - 1)
    seen = (expected * (ratio - 1) ** 2).sum()
    return float(max(seen - chance, 0.0) / expected.sum())


def growth(orders: Floats, days: Floats) -> Floats:
    """The shop's log-linear growth, one value a month, from months seen in two years following each other; else 0."""
    before, after = slice(None, -12), slice(12, None)
    both = (days[before] > 0) & (days[after] > 0)
    past = (orders[before] / np.maximum(days[before], 1))[both].sum()
    later = (orders[after] / np.maximum(days[after], 1))[both].sum()
    yearly = np.log(later / past) if past > 0 and later > 0 else 0.0
    return np.asarray(yearly / 12 * np.arange(len(orders)), np.float64)


def _orders(
    con: duckdb.DuckDBPyConnection, as_of: datetime, categories: Mapping[str, str]
) -> tuple[dict[str, Floats], Floats]:
    """Orders with each category path by month, and the days seen of each month: from the first January on."""
    con.register("item_paths", pa.table({"item_id": list(categories), "path": list(categories.values())}))
    known = "occurred_at < $1 and received_at <= $1"
    asked = con.sql(f"select min(occurred_at), max(occurred_at) from lines where {known}", params=[as_of])
    (bounds,) = asked.fetchall()
    if bounds[0] is None:
        return {}, np.zeros(12)
    first, last = (bound.astimezone(UTC) for bound in bounds)
    years = last.year - first.year + 1
    rows = con.sql(
        f"""with steps as (
              select order_id, occurred_at, unnest(range(1, len(string_split(path, '/')) + 1)) depth, path
              from lines join item_paths using (item_id) where {known})
            select array_to_string(string_split(path, '/')[1:depth], '/') as branch,
              (year(occurred_at) - $2) * 12 + month(occurred_at) - 1 as place, count(distinct order_id)::double orders
            from steps group by all order by all""",
        params=[as_of, first.year],
    ).to_arrow_table()
    orders: dict[str, Floats] = {}
    for branch, place, count in zip(*(rows[name].to_pylist() for name in rows.column_names), strict=True):
        orders.setdefault(branch, np.zeros(12 * years))[place] = count
    return orders, days_seen(first, last, years)


def days_seen(first: datetime, last: datetime, years: int) -> Floats:
    """The days of each month within [first, last], from January of the first year on.

    >>> days_seen(datetime(2025, 1, 31, tzinfo=UTC), datetime(2025, 3, 1, 12, tzinfo=UTC), 1)[:4].tolist()
    [1.0, 28.0, 0.5, 0.0]
    """
    starts = [datetime(first.year + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(12 * years + 1)]
    inside = [min(end, last) - max(start, first) for start, end in pairwise(starts)]
    return np.array([max(one / timedelta(days=1), 0.0) for one in inside])
