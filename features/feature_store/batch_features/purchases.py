"""Purchases: how recently, how often, for how much."""

from typing import Any

import ibis

from features.feature_store.batch_relations.purchases import order_values, purchase_lines, purchases
from features.feature_store.declaration import ALWAYS, FLOAT, TIME, feature


@feature(purchases, "purchase", "time", since=ALWAYS, dtype=TIME)
def first_purchase_at(rows: Any, _inside: Any) -> Any:
    """First purchase."""
    return rows.occurred_at.min()


@feature(purchases, "purchase", "time", since=ALWAYS, dtype=TIME)
def last_purchase_at(rows: Any, _inside: Any) -> Any:
    """Last purchase."""
    return rows.occurred_at.max()


@feature(purchases, "purchase", "purchases", name="purchase_count_total", since=ALWAYS)
@feature(purchases, "purchase", "purchases", name="purchase_count_365d", days=365)
@feature(purchases, "purchase", "purchases", name="purchase_count_90d", days=90)
@feature(purchases, "purchase", "purchases", name="purchase_count_30d", days=30)
def purchase_count(rows: Any, inside: Any) -> Any:
    """Purchases."""
    return rows.count(where=inside)


@feature(purchase_lines, "purchase", "minor units", name="revenue_total", since=ALWAYS)
@feature(purchase_lines, "purchase", "minor units", name="revenue_365d", days=365)
@feature(purchase_lines, "purchase", "minor units", name="revenue_90d", days=90)
def revenue(rows: Any, inside: Any) -> Any:
    """Paid for purchase lines, returns not taken off."""
    return rows.paid.sum(where=inside)


@feature(purchase_lines, "purchase", "balance -1 to 1", days=180, edges=(90,), dtype=FLOAT)
def revenue_trend_180d(rows: Any, inside: Any) -> Any:
    """Paid in the last 90 days less paid in the 90 days before, as a share of both; null where nothing was paid."""
    recent = rows.occurred_at >= rows.since_90d
    both = rows.paid.sum(where=inside)
    return (ibis.coalesce(rows.paid.sum(where=recent), 0) * 2 - both) / both.nullif(0)


@feature(purchase_lines, "purchase", "pieces", name="items_total", since=ALWAYS)
@feature(purchase_lines, "purchase", "pieces", name="items_365d", days=365)
def items(rows: Any, inside: Any) -> Any:
    """Quantity bought."""
    return rows.quantity.sum(where=inside)


@feature(purchase_lines, "purchase", "items", since=ALWAYS)
def distinct_items_total(rows: Any, _inside: Any) -> Any:
    """Different items bought."""
    return rows.item_id.nunique()


@feature(purchase_lines, "purchase", "share 0-1", days=365, dtype=FLOAT)
def discount_share_365d(rows: Any, inside: Any) -> Any:
    """Discount as a share of the undiscounted price; null where nothing was bought."""
    return rows.discount.sum(where=inside) / rows.gross.sum(where=inside).nullif(0)


@feature(purchase_lines, "purchase", "share 0-1", days=365, dtype=FLOAT)
def discounted_lines_share_365d(rows: Any, inside: Any) -> Any:
    """Share of purchase lines with a discount above 0; null where nothing was bought."""
    return rows.count(where=inside & (rows.discount > 0)) / rows.count(where=inside).nullif(0)


@feature(order_values, "purchase", "minor units", days=365, dtype=FLOAT)
def order_value_mean_365d(rows: Any, inside: Any) -> Any:
    """Mean paid for a purchase; null where nothing was bought."""
    return rows.paid.sum(where=inside) / rows.count(where=inside).nullif(0)


@feature(order_values, "purchase", "minor units", days=365, zero=False)
def order_value_max_365d(rows: Any, inside: Any) -> Any:
    """Most paid for a purchase."""
    return rows.paid.max(where=inside)


@feature(order_values, "purchase", "minor units", since=ALWAYS, zero=False)
def last_order_value(rows: Any, _inside: Any) -> Any:
    """Paid for the last purchase (of several at one instant: the last by event_id)."""
    return rows.paid.argmax(ibis.struct({"at": rows.occurred_at, "id": rows.event_id}))
