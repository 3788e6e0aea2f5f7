"""Lineage: which columns of which events a feature is made of, read off its expression, not written by hand."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import ibis
import ibis.expr.operations as ops

from features.columns import ENVELOPE_FIELDS, EVENT_SCHEMA, TIME
from features.feature_store.batch_features import TIME as TIME_TYPE
from features.feature_store.batch_features import FeatureSpec
from features.feature_store.batch_relations.known import KEYS, Known, Relation, cutoff_table
from features.feature_store.declaration import windows_days

_ENVELOPE = {f.name for f in ENVELOPE_FIELDS} - {"channel", "touchpoint"}
_TIMES = {f.name for f in EVENT_SCHEMA if f.type == TIME} - _ENVELOPE

# What relations use of `event_log.LINK_SCHEMA` and `catalogue.ITEM_SCHEMA`. Importing those would make every change of
# the log and the catalogue a change of the features' code.
_LINK_TEXTS, _LINK_TIMES = ("anonymous_id", "customer_id"), ("linked_at", "unlinked_at")
_ITEM_TEXTS, _ITEM_TIMES = ("item_id", "category"), ("valid_from", "valid_to")


class Source(NamedTuple):
    """A column that a feature is made of: of `events` of a type, of `items` or `links`, or a cutoff's window."""

    table: str
    event_type: str | None
    column: str


@cache
def unbound() -> Known:
    """What is known of tables without rows and without an engine: features over it can be looked at, not run."""
    events = ibis.table(ibis.Schema.from_pyarrow(EVENT_SCHEMA), name="events")
    links = ibis.table({**dict.fromkeys(_LINK_TEXTS, "string"), **dict.fromkeys(_LINK_TIMES, TIME_TYPE)}, name="links")
    items = ibis.table({**dict.fromkeys(_ITEM_TEXTS, "string"), **dict.fromkeys(_ITEM_TIMES, TIME_TYPE)}, name="items")
    return Known(events, links, items, cutoff_table([datetime(2000, 1, 1, tzinfo=UTC)], windows_days()))


def aggregated(*specs: FeatureSpec) -> Any:
    """Features of one relation over tables without rows: one row a customer and cutoff."""
    rows = _rows(specs[0].relation)
    return rows.group_by(*KEYS).agg(**{spec.name: spec.value(rows) for spec in specs})


@cache
def _rows(relation: Relation) -> Any:
    return relation(unbound())


@cache
def sources_of(spec: FeatureSpec) -> frozenset[Source]:
    """All columns that the feature's value depends on."""
    op = aggregated(spec).op()
    return frozenset(_of_column(op, spec.name, None)) | frozenset(_of_rows(op, None))


def payload_by_type(spec: FeatureSpec) -> dict[str, tuple[str, ...]]:
    """The types of event that the feature is made of, each with the payload columns that it uses."""
    found = [s for s in sources_of(spec) if s.table == "events" and s.event_type]
    kinds = sorted({s.event_type for s in found if s.event_type})
    return {
        kind: tuple(sorted({s.column for s in found if s.event_type == kind and s.column not in _ENVELOPE}))
        for kind in kinds
    }


def made_of(spec: FeatureSpec) -> list[tuple[str, tuple[str, ...]]]:
    """The types of event with their payload columns, then the catalogue with its columns where it is used."""
    items = tuple(sorted(s.column for s in sources_of(spec) if s.table == "items"))
    return [*payload_by_type(spec).items(), *([("items", items)] if items else [])]


def windows_of(spec: FeatureSpec) -> set[int]:
    """The days before the cutoff at which a window of the feature begins or is divided."""
    edges = {s.column for s in sources_of(spec) if s.column.startswith("since_")}
    return {int(column.removeprefix("since_").removesuffix("d")) for column in edges}


def windows_by_type(specs: Iterable[FeatureSpec]) -> dict[str, set[int]]:
    """By type of event, every such number of days of any feature made of it."""
    found: dict[str, set[int]] = {}
    for spec in specs:
        for kind in payload_by_type(spec):
            found.setdefault(kind, set()).update(windows_of(spec))
    return found


def time_columns_by_type(specs: Iterable[FeatureSpec]) -> dict[str, tuple[str, ...]]:
    """By type of event, its payload columns that are times and that any feature uses."""
    found: dict[str, set[str]] = {}
    for spec in specs:
        for kind, columns in payload_by_type(spec).items():
            found.setdefault(kind, set()).update(_TIMES.intersection(columns))
    return {kind: tuple(sorted(columns)) for kind, columns in found.items() if columns}


def _of_value(op: Any, kind: str | None) -> Iterator[Source]:
    if isinstance(op, ops.Field):
        yield from _of_column(op.rel, op.name, kind)
    elif isinstance(op, ops.Relation):
        yield from _of_rows(op, kind)
    else:
        for part in op.__children__:
            yield from _of_value(part, kind)


def _of_column(rel: Any, name: str, kind: str | None) -> Iterator[Source]:
    """What the values of a column come from."""
    kind = _type_of(rel) or kind
    values = _values(rel)
    if name in values:
        yield from _of_value(values[name], kind)
    elif isinstance(rel, ops.Set):
        for side in (rel.left, rel.right):
            yield from _of_column(side, name, kind)
    elif isinstance(rel, ops.PhysicalTable):
        yield Source(getattr(rel, "name", ""), kind, name)
    else:
        yield from _of_column(rel.parent, name, kind)


def _of_rows(rel: Any, kind: str | None) -> Iterator[Source]:
    """What decides which rows there are."""
    kind = _type_of(rel) or kind
    if isinstance(rel, ops.PhysicalTable):
        return
    decided: list[Any] = []
    if isinstance(rel, ops.JoinChain):
        decided = [rel.first, *(link.table for link in rel.rest), *(p for link in rel.rest for p in link.predicates)]
    elif isinstance(rel, ops.Set):
        decided = [rel.left, rel.right]
    else:
        decided = [rel.parent, *_deciding(rel)]
    for part in decided:
        yield from _of_value(part, kind)


def _deciding(rel: Any) -> list[Any]:
    if isinstance(rel, ops.Filter):
        return list(rel.predicates)
    if isinstance(rel, ops.Aggregate):
        return list(rel.groups.values())
    return [value for value in _values(rel).values() if value.find(ops.Unnest, filter=ops.Value)]


def _values(rel: Any) -> dict[str, Any]:
    """The columns that a relation makes, not those it passes on."""
    if isinstance(rel, ops.Aggregate):
        return {**rel.groups, **rel.metrics}
    if isinstance(rel, ops.Project | ops.JoinChain):
        return dict(rel.values)
    return {}


def _type_of(rel: Any) -> str | None:
    """The type of event that a filter keeps."""
    if not isinstance(rel, ops.Filter):
        return None
    for op in rel.predicates:
        if isinstance(op, ops.Equals) and isinstance(op.left, ops.Field) and op.left.name == "type":
            return str(op.right.value)
    return None
