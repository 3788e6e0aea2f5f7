"""What she looked at, searched and put into the cart."""

from typing import Any

import ibis
from ibis import _

from features.feature_store.batch_relations.known import KEYS, Known, whole_days
from features.feature_store.batch_relations.purchases import purchase_lines


def browsing(known: Known) -> Any:
    """One row a browse event: action, session_id, item_id, result_count, and its UTC `day` since 1970."""
    rows = known.of_type(
        "browse", action=_.action, session_id=_.session_id, item_id=_.item_id, result_count=_.result_count
    )
    return rows.mutate(day=whole_days(_.occurred_at))


def cart_items(known: Known) -> Any:
    """One row an item ever put into the cart: when last `added`, `removed` and `bought`, null where never."""
    carted = known.of_type("browse", action=_.action, item_id=_.item_id).filter(
        _.action.isin(("cart_add", "cart_remove")), _.item_id.notnull()
    )
    bought = purchase_lines(known).mutate(action=ibis.literal("bought"))
    columns = (*KEYS, "item_id", "action", "occurred_at")
    told = carted.select(*columns).union(bought.select(*columns))
    items = told.group_by(*KEYS, "item_id").agg(
        added=_.occurred_at.max(where=_.action == "cart_add"),
        removed=_.occurred_at.max(where=_.action == "cart_remove"),
        bought=_.occurred_at.max(where=_.action == "bought"),
    )
    return known.with_windows(items.filter(_.added.notnull()))
