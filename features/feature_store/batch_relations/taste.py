"""Categories bought from, by the catalogue valid at the cutoff."""

from typing import Any

import ibis
from ibis import _

from features.feature_store.batch_relations.known import KEYS, Known, whole_seconds
from features.feature_store.batch_relations.purchases import purchase_lines


def categories(known: Known) -> Any:
    """One row a top category bought from in 365 days: `lines` of it, by the catalogue valid at the cutoff."""
    lines = purchase_lines(known).filter(_.occurred_at >= _.since_365d)
    if known.items is None:
        return lines.limit(0).select(*KEYS, category=_.item_id, lines=_.quantity)
    seen = (
        known.items.filter(_.category.notnull())
        .cross_join(known.cutoffs.select("event_timestamp"))
        .filter((_.valid_from <= _.event_timestamp) | _.valid_from.isnull())
        .filter((_.valid_to > _.event_timestamp) | _.valid_to.isnull())
        .mutate(order=ibis.ifelse(_.valid_from.isnull(), 0, whole_seconds(_.valid_from)))
        .group_by("item_id", "event_timestamp")
        .agg(category=_.category.argmax(ibis.struct({"at": _.order, "category": _.category})))
        .select(item=_.item_id, at_cutoff=_.event_timestamp, category=_.category.split("/")[0])
    )
    return (
        lines.inner_join(seen, [("item_id", "item"), ("event_timestamp", "at_cutoff")])
        .group_by(*KEYS, "category")
        .agg(lines=_.count())
    )
