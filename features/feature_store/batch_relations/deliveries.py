"""Orders on their way and arrived."""

from typing import Any

import ibis
from ibis import _

from features.feature_store.batch_relations.known import KEYS, Known, whole_seconds


def delivered_orders(known: Known) -> Any:
    """One row an order with delivery events: first `promised_at`, `delivered_at`, whether it `ended` undelivered."""
    rows = known.of_type("delivery", order_id=_.order_id, status=_.status, promised_at=_.promised_at)
    orders = rows.group_by(*KEYS, "order_id").agg(
        promised_at=_.promised_at.min(),
        delivered_at=_.occurred_at.min(where=_.status == "delivered"),
        cancelled=_.status.isin(("cancelled",)).cast("int64").max() == 1,
        failed_at=_.occurred_at.min(where=_.status == "failed"),
    )
    orders = known.with_windows(orders.mutate(ended=_.cancelled | _.failed_at.notnull()))
    gap = whole_seconds(orders.delivered_at) - whole_seconds(orders.promised_at)
    return orders.mutate(lateness_seconds=ibis.ifelse(gap < 0, 0, gap))  # `greatest` would turn null into 0
