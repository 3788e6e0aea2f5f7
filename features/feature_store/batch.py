"""Batch features as of cutoffs: the declared features put together into one expression.

A feature at cutoff T sees events with `occurred_at < T` and `received_at <= T`; a window of w days is [T - w, T).
Times stay times, so that an age is taken at the moment of use (`features/inputs/frame.py`). Where the log holds no
event of a feature's source by T, the feature is absent (null).

The expressions are Ibis: `compute` runs on DuckDB on one machine and on Spark on many.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import ibis

from features.columns import EVENT_SCHEMA
from features.feature_store import lineage
from features.feature_store.batch_features import BATCH_FEATURES, FLOAT, INT, TEXT, TIME, FeatureSpec
from features.feature_store.batch_relations.known import KEYS, Known, Relation, cutoff_table
from features.feature_store.declaration import windows_days
from features.feature_store.engine_rules import refuse_unequal
from features.feature_store.online.records import RecordSchema

__all__ = [
    "BATCH_FEATURES",
    "FLOAT",
    "INT",
    "TEXT",
    "TIME",
    "FeatureSpec",
    "compute",
    "cutoffs_with_windows",
    "event_columns",
    "record_schema",
    "schema_hash",
    "time_columns_by_type",
    "windows_by_type",
]


_WHOSE_AND_WHEN = {"event_id", "type", "customer_id", "anonymous_id", "occurred_at", "received_at"}


def record_schema() -> RecordSchema:
    """Ordered names and types of all batch features: those of the packed records of `customer_batch`."""
    kinds = tuple("timestamp" if spec.dtype == TIME else spec.dtype for spec in BATCH_FEATURES.values())
    return RecordSchema(tuple(BATCH_FEATURES), kinds)


def schema_hash() -> str:
    """The hash of `record_schema`."""
    return record_schema().hash


@cache
def windows_by_type() -> dict[str, set[int]]:
    """By type of event, the days before a cutoff at which any window of a feature made of it begins or is divided."""
    return lineage.windows_by_type(BATCH_FEATURES.values())


@cache
def time_columns_by_type() -> dict[str, tuple[str, ...]]:
    """By type of event, the payload columns that are times and that features compare with cutoffs."""
    return lineage.time_columns_by_type(BATCH_FEATURES.values())


@cache
def event_columns() -> list[str]:
    """The columns of events that any feature is made of, and those that say whose an event is and when it was known."""
    used = {s.column for spec in BATCH_FEATURES.values() for s in lineage.sources_of(spec) if s.table == "events"}
    return [name for name in EVENT_SCHEMA.names if name in used or name in _WHOSE_AND_WHEN]


def compute(
    events: Any, links: Any | None, items: Any | None, cutoffs: Sequence[datetime] | Any, *, presence: Any | None = None
) -> Any:
    """All batch features of every customer known at each cutoff: columns `customer_id`, `event_timestamp`, features.

    `events` is an Ibis table of `columns.EVENT_SCHEMA`; `links` of `event_log.LINK_SCHEMA` (None: nobody is linked);
    `items` of `catalogue.ITEM_SCHEMA` (None: no categories); `cutoffs` aware datetimes, or what
    `cutoffs_with_windows` made of them; `presence` a table of
    `event_timestamp` and `has_<type>` that says which types the log holds (None: those among `events`). Nothing runs
    until it is executed; rows come in no order. Raises `DataError` for a feature that engines would compute
    differently.
    """
    moments = cutoffs_with_windows(cutoffs) if isinstance(cutoffs, Sequence) else cutoffs
    known = Known(events, links, items, moments)
    result = known.customers().join(known.presence() if presence is None else presence, "event_timestamp")
    by_relation: dict[Relation, list[FeatureSpec]] = {}
    for spec in BATCH_FEATURES.values():
        by_relation.setdefault(spec.relation, []).append(spec)
    for relation, specs in by_relation.items():
        rows = relation(known)
        aggregated = rows.group_by(*KEYS).agg(**{spec.name: _checked(rows, spec) for spec in specs})
        result = result.left_join(
            aggregated.rename(of_customer="customer_id", at_cutoff="event_timestamp"),
            [("customer_id", "of_customer"), ("event_timestamp", "at_cutoff")],
        ).drop("of_customer", "at_cutoff")
    return result.select(*KEYS, **{name: _finished(result, spec) for name, spec in BATCH_FEATURES.items()})


def cutoffs_with_windows(cutoffs: Sequence[datetime]) -> Any:
    """The cutoffs as an Ibis table, each with the starts of its windows; raises `ValueError` on a naive datetime."""
    return cutoff_table(cutoffs, windows_days())


def _checked(rows: Any, spec: FeatureSpec) -> Any:
    value = spec.value(rows)
    refuse_unequal(spec, value)
    return value


def _finished(result: Any, spec: FeatureSpec) -> Any:
    value = result[spec.name].cast(spec.dtype)
    if not spec.zero:
        return value
    return ibis.ifelse(result[f"has_{spec.source}"], ibis.coalesce(value, 0), ibis.null(spec.dtype))
