"""What she bought of a coupon's own items: how much, how often, how long ago, and whether it is time again.

Everything is `[customers, coupons]` of one campaign, as of its start. An order counts once however many of the items
it holds. Absent (NaN) where she never bought any.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.coupons.shop import Campaign, Floats, Ints, Lines, positions


@dataclass(frozen=True)
class OwnLines:
    """Lines of the campaign's receivers only; `row` is the receiver's place, `age` the days before the start."""

    row: Ints
    order: Ints  # numbered from 0
    item: Ints
    age: Floats
    paid: Floats
    coupon_used: Floats
    reduced: Floats
    receivers: int

    @classmethod
    def of(cls, campaign: Campaign, lines: Lines) -> "OwnLines":
        """From lines before the start; in an order that does not depend on theirs."""
        row, known = positions(campaign.customers, lines.customer)
        own, row = lines.take(known), row[known]
        sorted_rows = np.lexsort((own.paid, own.item, own.order, own.day, row))
        own, row = own.take(sorted_rows), row[sorted_rows]
        _, order = np.unique(own.order, return_inverse=True)
        used, reduced = own.coupon_used.astype(np.float64), own.reduced.astype(np.float64)
        return cls(row, order, own.item, campaign.start - own.day, own.paid, used, reduced, len(campaign.customers))

    def faded(self, half_life_days: float) -> Floats:
        """Weight of each line: a half for every half-life that went by."""
        return np.asarray(0.5 ** (self.age / half_life_days))

    def by_item(self, weight: Floats, items: int) -> sparse.csr_array:
        """`[receivers, items]`, the summed weights of the lines."""
        return sparse.csr_array((weight, (self.row, self.item)), shape=(self.receivers, items))

    def orders(self) -> tuple[Ints, Floats]:
        """Receiver and age of each order, `[orders]`: an order is as old as its newest line."""
        n = int(self.order.max(initial=-1)) + 1
        row, age = np.zeros(n, np.int64), np.full(n, np.inf)
        row[self.order] = self.row
        np.minimum.at(age, self.order, self.age)
        return row, age


def own_purchases(campaign: Campaign, own: OwnLines, half_life_days: float) -> dict[str, Floats]:
    """Inputs by name, `[n, k]`; orders, spend and items fade or not as their names say."""
    items = campaign.items.shape[1]
    n, k = own.receivers, len(campaign.coupons)
    row, age = own.orders()
    holds = sparse.csr_array((np.ones(len(own.item)), (own.order, own.item)), shape=(len(row), items))
    touched = (holds @ campaign.items.T).tocoo()
    pair = row[touched.coords[0]] * k + touched.coords[1]
    when = age[touched.coords[0]]
    count = np.bincount(pair, minlength=n * k).astype(np.float64)
    faded = np.bincount(pair, 0.5 ** (when / half_life_days), n * k)
    newest, oldest = np.full(n * k, np.inf), np.full(n * k, -np.inf)
    np.minimum.at(newest, pair, when)
    np.maximum.at(oldest, pair, when)
    gap = np.where(count > 1, (oldest - newest) / np.maximum(count - 1, 1), np.nan)
    since = np.where(count > 0, newest, np.nan)
    visits = np.bincount(row, 0.5 ** (age / half_life_days), n)[:, None]
    spend = own.by_item(own.paid * own.faded(half_life_days), items) @ campaign.items.T
    found = {"own_orders": count, "own_orders_faded": faded, "own_since_days": since, "own_gap_days": gap}
    shaped = {name: values.reshape(n, k) for name, values in found.items()}
    return shaped | {
        "own_due": shaped["own_since_days"] / np.maximum(shaped["own_gap_days"], 1.0),
        "own_order_share": shaped["own_orders_faded"] / np.maximum(visits, 1e-9),
        "own_spend_faded": np.asarray(spend.todense()),
    }
