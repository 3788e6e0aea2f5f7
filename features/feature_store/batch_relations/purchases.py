"""Purchases, their lines, and the gaps between them."""

from typing import Any

import ibis
from ibis import _

from features.feature_store.batch_relations.known import KEYS, Known, whole_days, whole_seconds

_MONDAY = 3  # 1970-01-01 was a Thursday, the fourth day of its week


def purchases(known: Known) -> Any:
    """One row a purchase: its UTC `day` since 1970 and `weekday`, 0 a Monday."""
    rows = known.of_type("purchase")
    return rows.mutate(day=whole_days(_.occurred_at)).mutate(weekday=(_.day + _MONDAY) % 7)


def purchase_lines(known: Known) -> Any:
    """One row a purchase line: item_id, quantity, gross, discount and paid (minor units), offer_id."""
    rows = known.of_type("purchase", line=_.lines.unnest())
    return rows.mutate(
        item_id=_.line["item_id"],
        quantity=_.line["quantity"],
        gross=_.line["quantity"] * _.line["unit_price"],
        discount=ibis.coalesce(_.line["discount"], 0),
        offer_id=_.line["offer_id"],
    ).mutate(paid=_.gross - _.discount)


def order_values(known: Known) -> Any:
    """One row a purchase: what was `paid` for it (minor units) and how many `pieces`."""
    lines = purchase_lines(known)
    orders = lines.group_by(*KEYS, "event_id").agg(
        occurred_at=_.occurred_at.max(), paid=_.paid.sum(), pieces=_.quantity.sum()
    )
    return known.with_windows(orders)


def gaps(known: Known) -> Any:
    """One row a distinct second with a purchase: `gap` is the seconds since the one before, null at the first."""
    seconds = known.of_type("purchase").select(*KEYS, second=whole_seconds(_.occurred_at)).distinct()
    window = ibis.window(group_by=list(KEYS), order_by="second")
    return seconds.mutate(gap=_.second - _.second.lag().over(window))
