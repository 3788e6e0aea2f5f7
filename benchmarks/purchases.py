"""What was bought and given back, straight from a source's events: yardsticks never touch the product's own store."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.base import SourceBatch

DAY_SECONDS = 86_400.0
ENVELOPE = ["customer_id", "order_id", "occurred_at", "received_at"]


@dataclass(frozen=True)
class Purchases:
    """`lines`: customer, order, item, at, known, paid (minor units); `returns`: customer, order, at, known.

    `at` and `known` are epoch seconds: when it happened, and when the shop's records had it.

    Customers, orders and items are whole numbers; `customer_ids` and `item_ids` name them. Sorted by (at, order).
    """

    lines: pd.DataFrame
    returns: pd.DataFrame
    customer_ids: npt.NDArray[np.object_]
    item_ids: npt.NDArray[np.object_]

    def before(self, cutoff: datetime) -> "Purchases":
        """What was known at the cutoff: at < cutoff and known <= cutoff, the same rule as the product's."""
        moment = cutoff.timestamp()
        lines, returns = (t[(t["at"] < moment) & (t["known"] <= moment)] for t in (self.lines, self.returns))
        return Purchases(lines, returns, self.customer_ids, self.item_ids)

    def within(self, cutoff: datetime, horizon_days: int) -> pd.DataFrame:
        """The lines of [cutoff, cutoff + horizon)."""
        start = cutoff.timestamp()
        at = self.lines["at"]
        return self.lines[(at >= start) & (at < start + horizon_days * DAY_SECONDS)]


def read_purchases(batches: Iterable[SourceBatch]) -> Purchases:
    """Flatten the `purchase` and `return` events of a source."""
    bought, returned = [], []
    for batch in batches:
        events = batch.events
        kind = events["type"]
        bought.append(_lines(events.filter(pc.equal(kind, "purchase"))))
        returned.append(events.filter(pc.equal(kind, "return")).select(ENVELOPE))
    lines, returns = pa.concat_tables(bought).to_pandas(), pa.concat_tables(returned).to_pandas()
    customers, customer_ids = pd.factorize(pd.concat([lines["customer_id"], returns["customer_id"]]), sort=True)
    items, item_ids = pd.factorize(lines["item_id"], sort=True)
    orders, _ = pd.factorize(lines["order_id"], sort=True)
    bought_lines = pd.DataFrame(
        {
            "customer": customers[: len(lines)],
            "order": orders,
            "item": items,
            "at": _epoch(lines["occurred_at"]),
            "known": _epoch(lines["received_at"]),
            "paid": lines["paid"].to_numpy(np.int64),
        }
    )
    return Purchases(
        lines=bought_lines.sort_values(["at", "order"], kind="stable", ignore_index=True),
        returns=pd.DataFrame(
            {
                "customer": customers[len(lines) :],
                "order": pd.factorize(returns["order_id"])[0],
                "at": _epoch(returns["occurred_at"]),
                "known": _epoch(returns["received_at"]),
            }
        ),
        customer_ids=np.asarray(customer_ids, dtype=object),
        item_ids=np.asarray(item_ids, dtype=object),
    )


def _lines(events: pa.Table) -> pa.Table:
    nested = events["lines"].combine_chunks()
    line, parent = pc.list_flatten(nested), pc.list_parent_indices(nested)
    part = {name: pc.struct_field(line, name) for name in ("item_id", "quantity", "unit_price", "discount")}
    owner = events.select(ENVELOPE).take(parent)
    paid = pc.subtract(pc.multiply(part["quantity"], part["unit_price"]), part["discount"])
    return owner.append_column("item_id", part["item_id"]).append_column("paid", paid)


def _epoch(times: "pd.Series[pd.Timestamp]") -> npt.NDArray[np.float64]:
    return times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64) / 1e6
