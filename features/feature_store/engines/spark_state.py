"""The history of live state on Spark: the fold and view that serve decisions, applied to each customer's own facts.

Events come from the lake. Each goes to the customer it names, or to every customer its visitor was ever known to be;
then all that concerns one customer meets in one place, and one machine holds one customer at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import (
    ANONYMOUS_ID,
    CREATED_TIMESTAMP,
    CUSTOMER_ID,
    EVENT_ID,
    EVENT_SCHEMA,
    EVENT_TIMESTAMP,
    OCCURRED_AT,
    RECEIVED_AT,
    TIME,
    TYPE,
)
from features.customer.hold_rules import HoldRules
from features.customer.incidents import Incident
from features.customer.state_features import STATE_FEATURES
from features.customer.state_history import Span, state_history
from features.facts import Fact
from features.log.packing import facts, origin_of, pack

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROWS_AT_ONCE = 5_000
STATE_SCHEMA = pa.schema(
    [
        pa.field(CUSTOMER_ID, pa.string()),
        pa.field(EVENT_TIMESTAMP, TIME),
        *[pa.field(name, pa.float64()) for name in STATE_FEATURES],
        pa.field(CREATED_TIMESTAMP, TIME),
    ]
)
_WHO, _MOMENT, _LINKED_AT, _UNLINKED_AT = "concerns", "moment", "linked_at", "unlinked_at"
_SPAN = [_WHO, ANONYMOUS_ID, _LINKED_AT, _UNLINKED_AT]


def state_frame(
    events: "DataFrame",
    links: "DataFrame",
    members: "DataFrame",
    *,
    rules: HoldRules,
    incidents: dict[datetime, Sequence[Incident]],
    browsing: "DataFrame | None" = None,
) -> "DataFrame":
    """State features of each (customer_id, event_timestamp) of `members`: rows of `STATE_SCHEMA`, in no order.

    `events` is of `EVENT_SCHEMA`, `links` of `event_log.LINK_SCHEMA`. `incidents` are, for every moment among the
    members, those of the shop known then. `browsing` are the event_ids of the browsing that the log keeps as facts
    (None: it keeps none); all other browsing is left out, as in the live state.
    """
    from pyspark.sql import functions as f
    from pyspark.sql.pandas.types import from_arrow_schema

    last = f.lit(max(incidents)) if incidents else f.lit(None).cast("timestamp")
    known = events.where((events[OCCURRED_AT] <= last) & (events[RECEIVED_AT] <= last))
    told = known.where(known[TYPE] != "browse")
    if browsing is not None:
        browsed = known.where(known[TYPE] == "browse").join(browsing.select(EVENT_ID), EVENT_ID, "left_semi")
        told = told.unionByName(browsed)
    asked = members.select(f.col(CUSTOMER_ID).alias(_WHO), f.col(EVENT_TIMESTAMP).alias(_MOMENT))
    spans = links.select(f.col(CUSTOMER_ID).alias(_WHO), ANONYMOUS_ID, _LINKED_AT, _UNLINKED_AT)
    own = told.where(f.col(CUSTOMER_ID).isNotNull()).withColumn(_WHO, f.col(CUSTOMER_ID))
    visits = told.where(f.col(CUSTOMER_ID).isNull()).join(spans.select(_WHO, ANONYMOUS_ID).distinct(), ANONYMOUS_ID)
    concerning = own.unionByName(visits).unionByName(spans, allowMissingColumns=True)
    concerning = concerning.join(asked.select(_WHO).distinct(), _WHO, "left_semi")
    together = concerning.unionByName(asked, allowMissingColumns=True).repartition(_WHO).sortWithinPartitions(_WHO)
    replay = partial(_replayed, rules=rules, incidents=incidents)
    return together.mapInArrow(replay, from_arrow_schema(STATE_SCHEMA))


def facts_of(events: pa.Table) -> Iterator[Fact]:
    """Rows of `EVENT_SCHEMA` as the facts that the log keeps of them."""
    return facts(
        (e.event_id, e.type, e.occurred_at, e.received_at, e.origin_id, e.channel, e.touchpoint, e.source, e.body)
        for e in pack(events)
    )


def state_batch(rows: Sequence[tuple[str, datetime, dict[str, float]]]) -> pa.RecordBatch:
    """(customer, moment, state features) as a batch of `STATE_SCHEMA`; absent is null."""
    at = pa.array([moment for _, moment, _ in rows], TIME)
    values: list[Any] = [np.array([row[name] for _, _, row in rows], dtype=np.float64) for name in STATE_FEATURES]
    columns = [pa.array(value, mask=np.isnan(value)) for value in values]
    return pa.record_batch([pa.array([who for who, _, _ in rows], pa.string()), at, *columns, at], schema=STATE_SCHEMA)


@dataclass
class _Concerning:
    """What has come in of one customer."""

    facts: list[Fact] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)


def _replayed(
    batches: Iterable[pa.RecordBatch], rules: HoldRules, incidents: dict[datetime, Sequence[Incident]]
) -> Iterator[pa.RecordBatch]:
    """One partition, a customer's rows side by side, into her states."""
    rows: list[tuple[str, datetime, dict[str, float]]] = []
    for who, found in _by_customer(batches):
        known = [incidents[moment] for moment in found.moments]
        states = state_history(who, found.facts, found.spans, found.moments, rules, known)
        rows += [(who, moment, state) for moment, state in zip(found.moments, states, strict=True)]
        if len(rows) >= ROWS_AT_ONCE:
            yield state_batch(rows)
            rows = []
    if rows:
        yield state_batch(rows)


def _by_customer(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, _Concerning]]:
    """Each customer once all of hers has been read: batches end anywhere."""
    found: dict[str, _Concerning] = {}
    for batch in batches:
        if not batch.num_rows:
            continue
        _take(pa.Table.from_batches([batch]), found)
        last = batch[_WHO][-1].as_py()
        for who in [who for who in found if who != last]:
            yield who, found.pop(who)
    yield from found.items()


def _take(rows: pa.Table, found: dict[str, _Concerning]) -> None:
    """Each row tells one fact, one span or one moment that concerns a customer."""
    events = rows.filter(pc.is_valid(rows[TYPE]))
    own = facts_of(events.select(EVENT_SCHEMA.names).cast(EVENT_SCHEMA))
    for who, fact in zip(events[_WHO].to_pylist(), own, strict=True):
        found.setdefault(who, _Concerning()).facts.append(fact)
    spans = rows.filter(pc.is_valid(rows[_LINKED_AT]))
    for who, visitor, *span in zip(*(spans[name].to_pylist() for name in _SPAN), strict=True):
        found.setdefault(who, _Concerning()).spans.append(Span(origin_of(None, visitor), *span))
    asked = rows.filter(pc.is_valid(rows[_MOMENT]))
    for who, moment in zip(asked[_WHO].to_pylist(), asked[_MOMENT].to_pylist(), strict=True):
        found.setdefault(who, _Concerning()).moments.append(moment.astimezone(UTC))
