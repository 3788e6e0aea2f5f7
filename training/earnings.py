"""What purchase lines bring the shop: their margin where the catalogue knows it of nearly all that is sold, else spend.

The margin of a line is what was paid for it less what its pieces cost: the catalogue's price less its margin. So a
discount comes off the margin whole. Returns are not taken off.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from training.metrics import Floats
from training.retrieval import connect

ENOUGH = 0.8
"""Share of what was paid whose margin must be known; the rest is taken to earn as that does."""


@dataclass(frozen=True)
class Earnings:
    """Purchase lines with what each `brought`, int64 minor units; which of both that is, and how much was known.

    `earned` is the margin in a unit of spend; None where spend is summed. `known` is the share of what was paid whose
    margin the catalogue knows.
    """

    lines: pa.Table
    earned: float | None
    known: float

    @property
    def sums(self) -> str:
        """What is summed: "margin" or "spend"."""
        return "spend" if self.earned is None else "margin"

    def told(self) -> str:
        """The same in a sentence."""
        return f"value sums {self.sums}: the catalogue knows the margin of {self.known:.0%} of what was paid"


def earnings_of(items: pa.Table, lines: pa.Table) -> Earnings:
    """Of purchase lines (`PURCHASE_SCHEMA`), by catalogue rows valid at one moment (`load_items(home, at)`)."""
    with connect(lines) as con:
        con.register("items", items.select(["item_id", "price", "margin"]))
        con.execute(
            """create table costed as select l.*, paid - quantity * (i.price - i.margin) as margin
               from lines l left join items i using (item_id)"""
        )
        paid, covered, margin = con.sql(
            """select sum(paid), sum(paid) filter (where margin is not null), sum(margin) from costed"""
        ).fetchall()[0]
        known = float(covered or 0) / float(paid) if paid else 0.0
        earned = float(margin) / float(covered) if covered and margin > 0 and known >= ENOUGH else None
        brought = "paid" if earned is None else "coalesce(margin, round(paid * $1)::bigint)"
        found = con.sql(
            f"select * exclude margin, {brought} as brought from costed order by all",
            params=[] if earned is None else [earned],
        ).to_arrow_table()
    return Earnings(found, earned, known)


def brought(
    con: duckdb.DuckDBPyConnection, customers: list[str], cutoff: datetime, horizon_days: int, known_by: datetime
) -> Floats:
    """What each customer brought in [cutoff, cutoff + horizon), `[n]`, minor units; only lines received by `known_by`.

    Nothing is who ordered nothing: an order that brought nothing, or a loss, counts as one unit. `con` has the lines of
    `Earnings`.
    """
    rows = con.sql(
        """select customer_id, greatest(sum(brought), 1)::double from lines
           where occurred_at >= $1 and occurred_at < $2 and received_at <= $3 group by customer_id""",
        params=[cutoff, cutoff + timedelta(days=horizon_days), known_by],
    ).fetchall()
    found = dict(rows)
    return np.array([found.get(customer, 0.0) for customer in customers], np.float64)
