"""Batch features as of cutoffs: the declared features put together into one expression.

A feature at cutoff T sees events with `occurred_at < T` and `received_at <= T`; a window of w days is [T - w, T).
Times stay times, so that an age is taken at the moment of use (`features/inputs/frame.py`). Where the log holds no
event of a feature's source by T, the feature is absent (null).

The expressions are Ibis: `compute` runs on DuckDB on one machine and on Spark on many.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import ibis

from features.feature_store.batch_features import BATCH_FEATURES, FLOAT, INT, TEXT, TIME, FeatureSpec
from features.feature_store.batch_relations import KEYS, Known, Relation
from features.feature_store.online.records import RecordSchema

__all__ = ["BATCH_FEATURES", "FLOAT", "INT", "TEXT", "TIME", "FeatureSpec", "compute", "schema_hash"]


def schema_hash() -> str:
    """Hash of the ordered names and types of all batch features: that of the packed records of `customer_batch`."""
    kinds = tuple("timestamp" if spec.dtype == TIME else spec.dtype for spec in BATCH_FEATURES.values())
    return RecordSchema(tuple(BATCH_FEATURES), kinds).hash


def compute(events: Any, links: Any | None, items: Any | None, cutoffs: Sequence[datetime]) -> Any:
    """All batch features of every customer known at each cutoff: columns `customer_id`, `event_timestamp`, features.

    `events` is an Ibis table of `columns.EVENT_SCHEMA`; `links` of `event_log.LINK_SCHEMA` (None: nobody is linked);
    `items` of `catalogue.ITEM_SCHEMA` (None: no categories); `cutoffs` aware datetimes. Nothing runs until it is
    executed; rows come in no order.
    """
    known = Known(events, links, items, cutoffs)
    result = known.customers().join(known.presence(), "event_timestamp")
    by_relation: dict[Relation, list[FeatureSpec]] = {}
    for spec in BATCH_FEATURES.values():
        by_relation.setdefault(spec.relation, []).append(spec)
    for relation, specs in by_relation.items():
        rows = relation(known)
        wanted = {spec.name: spec.expression(rows, _inside(rows, spec)) for spec in specs}
        aggregated = rows.group_by(*KEYS).agg(**wanted)
        result = result.left_join(
            aggregated.rename(of_customer="customer_id", at_cutoff="event_timestamp"),
            [("customer_id", "of_customer"), ("event_timestamp", "at_cutoff")],
        ).drop("of_customer", "at_cutoff")
    return result.select(*KEYS, **{name: _finished(result, spec) for name, spec in BATCH_FEATURES.items()})


def _inside(rows: Any, spec: FeatureSpec) -> Any:
    """True for rows in the feature's window; None where it has none or its relation has no times."""
    if spec.window_days is None or "occurred_at" not in rows.columns:
        return None
    return rows.occurred_at >= rows[f"since_{spec.window_days}d"]


def _finished(result: Any, spec: FeatureSpec) -> Any:
    value = result[spec.name].cast(spec.dtype)
    if not spec.zero:
        return value
    return ibis.ifelse(result[f"has_{spec.source}"], ibis.coalesce(value, 0), ibis.null(spec.dtype))
