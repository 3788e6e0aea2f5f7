"""Whether what she ordered came when it was promised."""

from typing import Any

from features.feature_store.batch_relations.deliveries import delivered_orders
from features.feature_store.declaration import ALWAYS, FLOAT, TIME, feature


@feature(delivered_orders, "delivery", "orders", days=365)
def late_delivery_count_365d(rows: Any, _inside: Any) -> Any:
    """Orders delivered after their first promised time, and those promised in the window still on their way."""
    late = (rows.delivered_at >= rows.since_365d) & (rows.delivered_at > rows.promised_at)
    due = (rows.promised_at >= rows.since_365d) & (rows.promised_at < rows.event_timestamp)
    overdue = due & rows.delivered_at.isnull() & ~rows.ended
    # Spark counts null, not 0, where every condition is null.
    return rows.count(where=late.fill_null(False)) + rows.count(where=overdue.fill_null(False))


@feature(delivered_orders, "delivery", "seconds", days=365, dtype=FLOAT)
def lateness_mean_seconds_365d(rows: Any, _inside: Any) -> Any:
    """Mean lateness (0 when on time) of orders delivered in the window that had a promised time."""
    lateness, lately = rows.lateness_seconds, rows.delivered_at >= rows.since_365d
    return lateness.sum(where=lately) / lateness.count(where=lately).nullif(0)


@feature(delivered_orders, "delivery", "share 0-1", days=365, dtype=FLOAT)
def on_time_share_365d(rows: Any, _inside: Any) -> Any:
    """Of the orders delivered in the window that had a promised time, the share delivered by their first one."""
    lately = (rows.delivered_at >= rows.since_365d) & rows.promised_at.notnull()
    on_time = lately & (rows.delivered_at <= rows.promised_at)
    return rows.count(where=on_time.fill_null(False)) / rows.count(where=lately.fill_null(False)).nullif(0)


@feature(delivered_orders, "delivery", "orders", since=ALWAYS)
def orders_underway(rows: Any, _inside: Any) -> Any:
    """Orders neither delivered, nor failed, nor cancelled."""
    return rows.count(where=rows.delivered_at.isnull() & ~rows.ended)


@feature(delivered_orders, "delivery", "orders", days=365)
def failed_deliveries_365d(rows: Any, _inside: Any) -> Any:
    """Orders whose delivery first failed in the window."""
    return rows.count(where=(rows.failed_at >= rows.since_365d).fill_null(False))


@feature(delivered_orders, "delivery", "time", since=ALWAYS, dtype=TIME)
def last_delivery_at(rows: Any, _inside: Any) -> Any:
    """When an order was last delivered, an order counting once, when it was first delivered."""
    return rows.delivered_at.max()
