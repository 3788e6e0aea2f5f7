"""Learning how a shop's customers use things up: the `Rhythm` of the favourites list, by maximum likelihood.

A row is a customer's item at a cutoff, with what she had bought of it by then; what is learned from is when she bought
it again within the window, or that she did not.
"""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
from scipy.optimize import minimize

from features.favourites import DAY, Bought, Floats, Habits, Rhythm, lasting, survival
from features.inputs.candidates import ItemTable

FEWEST = 200  # rows in which she bought again; with fewer nothing is learned
SAMPLE = 40_000
BOUNDS = ((0.5, 1.5), (0.8, 8.0), (0.01, 20.0), (0.01, 20.0), (0.01, 1.0), (0.01, 0.99), (0.1, 50.0))  # as `Rhythm`


@dataclass(frozen=True)
class BoughtRows:
    """What customers had bought by a moment, one row a customer and item, ascending; items as rows of the table."""

    customers: list[str]
    customer: np.ndarray  # int64, place in `customers`
    item: np.ndarray  # int64
    bought: Bought


def bought_rows(con: duckdb.DuckDBPyConnection, as_of: datetime, table: ItemTable) -> BoughtRows:
    """All items of the table bought with occurred_at < as_of and received_at <= as_of, by whom."""
    con.register("item_rows", pa.table({"item_id": table.item_id.tolist(), "row": np.arange(len(table))}))
    rows = con.sql(
        """with orders as (
             select customer_id, i.row as item, order_id, sum(quantity)::double units, max(occurred_at) moment
             from lines join item_rows i using (item_id) where occurred_at < $1 and received_at <= $1 group by all)
           select customer_id, item, count(*)::double counts, sum(units) units,
             arg_max(units, row(moment, order_id)) last_units, epoch(min(moment)) first_at,
             epoch(max(moment)) last_at
           from orders group by all order by customer_id, item""",
        params=[as_of],
    ).to_arrow_table()
    who = rows["customer_id"].combine_chunks().dictionary_encode()
    item = rows["item"].to_numpy().astype(np.int64)
    told = {name: rows[name].to_numpy() for name in ("counts", "units", "last_units", "first_at", "last_at")}
    gap_days, repeat_rate = Habits(table=table).at(item)
    return BoughtRows(
        customers=who.dictionary.to_pylist(),
        customer=who.indices.to_numpy().astype(np.int64),
        item=item,
        bought=Bought(**told, gap_days=gap_days, repeat_rate=repeat_rate),
    )


def bought_again(
    con: duckdb.DuckDBPyConnection, rows: BoughtRows, table: ItemTable, start: datetime, end: datetime
) -> Floats:
    """When (epoch seconds) each was bought next within [start, end), NaN where it was not."""
    con.register("item_rows", pa.table({"item_id": table.item_id.tolist(), "row": np.arange(len(table))}))
    con.register("people", pa.table({"customer_id": rows.customers, "person": np.arange(len(rows.customers))}))
    found = con.sql(
        """select person, i.row as item, epoch(min(occurred_at)) moment
        from lines join item_rows i using (item_id) join people using (customer_id)
        where occurred_at >= $1 and occurred_at < $2 group by all order by person, item""",
        params=[start, end],
    ).to_arrow_table()
    keys = found["person"].to_numpy() * len(table) + found["item"].to_numpy()
    wanted = rows.customer * len(table) + rows.item
    if not len(keys):
        return np.full(len(wanted), np.nan)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, found["moment"].to_numpy()[place], np.nan)


def learn_rhythm(con: duckdb.DuckDBPyConnection, table: ItemTable, cutoff: datetime, window_days: int) -> Rhythm:
    """The rhythm seen in the window from `cutoff`; all lines of `con` must be known by now, the table as of then."""
    rows = bought_rows(con, cutoff, table)
    again = bought_again(con, rows, table, cutoff, cutoff + timedelta(days=window_days))
    return fit_rhythm(rows.bought, again, cutoff.timestamp(), window_days)


def fit_rhythm(bought: Bought, again: Floats, cutoff: float, window_days: float, *, seed: int = 7) -> Rhythm:
    """The likeliest rhythm; the default where too few bought anything again.

    `again` is when each was bought next, in the window from `cutoff` (epoch seconds), NaN where it was not.
    """
    rows = np.flatnonzero(np.isfinite(lasting(bought, Rhythm())[0]))
    rows = rows[(cutoff - bought.last_at[rows]) <= 365 * DAY]
    if np.isfinite(again[rows]).sum() < FEWEST:
        return Rhythm()
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False))
    part = Bought(**{name: column[rows] for name, column in vars(bought).items()})
    at = again[rows]

    def cost(values: Floats) -> float:
        return -log_likelihood(part, at, cutoff, window_days, Rhythm(*values.tolist()))

    found = minimize(cost, np.array(astuple(Rhythm())), method="L-BFGS-B", bounds=BOUNDS)
    return Rhythm(*np.round(found.x, 4).tolist())


def log_likelihood(bought: Bought, again: Floats, cutoff: float, window_days: float, rhythm: Rhythm) -> float:
    """Mean log-likelihood a row of when each was bought again, given that it was not by the cutoff, in nats.

    Rows of which no rhythm is known are left out.
    """
    since = np.maximum((cutoff - bought.last_at) / DAY, 0.0)
    median, shape, stays = lasting(bought, rhythm)
    here = stays * survival(since, median, shape) + 1 - stays
    came = np.isfinite(again)
    until = np.where(came, (again - bought.last_at) / DAY, since + window_days)
    left = survival(until, median, shape)
    days = np.maximum(until, 1 / 24)
    density = stays * left * (1 - left) * shape / days
    likely = np.where(came, density, stays * left + 1 - stays)
    return float(np.nanmean(np.log(np.maximum(likely, 1e-12) / np.maximum(here, 1e-12))))
