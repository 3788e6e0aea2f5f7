"""Snapshots of features at cutoffs for training, and the newest of them to the online store for serving."""

import contextlib
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_SCHEMA, EVENT_TIMESTAMP, TIME
from features.customer.hold_rules import HoldRules
from features.customer.incidents import incidents_of, telling
from features.customer.state import Fact, known_by
from features.customer.state_history import Span, state_history
from features.customer.view import STATE_FEATURES
from features.errors import DataError
from features.feature_store.batch import compute
from features.feature_store.online.records import BATCH_VIEW
from features.feature_store.snapshots import (
    BATCH,
    STATE,
    fingerprint_of,
    snapshot_cutoffs,
    snapshot_path,
    write_snapshot,
)
from features.home import Home
from features.instants import to_us
from features.log.event_log import EventLog
from features.log.rules import RESERVED_PREFIX
from pipelines.snapshot_fingerprints import Fingerprints
from serving.core.policy import load_policy

Progress = Callable[[str], None]
CUSTOMERS_AT_ONCE = 2_000
ROWS_A_GROUP = 100_000
ROWS_AT_ONCE = 20_000_000  # events times cutoffs in one query: one pass over a grid is several times faster than a loop
_STATE_SCHEMA = pa.schema(
    [
        pa.field(CUSTOMER_ID, pa.string()),
        pa.field(EVENT_TIMESTAMP, TIME),
        *[pa.field(name, pa.float64()) for name in STATE_FEATURES],
        pa.field(CREATED_TIMESTAMP, TIME),
    ]
)


def build_snapshots(
    home: Home, cutoffs: Sequence[datetime], progress: Progress | None = None, *, rules: HoldRules | None = None
) -> list[Path]:
    """Batch and state snapshots at each cutoff; returns their paths, batch ones first.

    A snapshot is kept if it was made of the same events, links, items, code and rules. Others at these cutoffs are made
    anew, and snapshots at other cutoffs that no longer match are removed, so that none can reach a training set.
    Live events count once they are in the lake (`EventLog.flush_live`).
    """
    say = progress or (lambda _: None)
    wanted = sorted({c.astimezone(UTC) for c in cutoffs})
    hold_rules = rules or load_policy(home).file.holds
    connection = ibis.duckdb.connect()
    with EventLog(home) as log:
        events, links = _events(connection, log), log.links()
        items = connection.read_parquet(str(home.catalogue)) if home.catalogue.exists() else None
        made_of = Fingerprints(connection, events, links, home.catalogue, hold_rules)
        _remove_outdated(home, made_of)
        missing = [c for c in wanted if fingerprint_of(snapshot_path(home, BATCH, c)) is None]
        at_once = max(1, ROWS_AT_ONCE // max(1, made_of.events_known(wanted[-1]))) if missing else 1
        for start in range(0, len(missing), at_once):
            group = missing[start : start + at_once]
            say(f"Batch features as of {', '.join(f'{c:%Y-%m-%d}' for c in group)}")
            _write_batch(home, connection, compute(events, ibis.memtable(links), items, group), group, made_of)
        missing = [c for c in wanted if fingerprint_of(snapshot_path(home, STATE, c)) is None]
        if missing:
            say(f"Customer state at {len(missing)} moments")
            _write_state(home, log, missing, hold_rules, made_of)
    connection.disconnect()
    return [snapshot_path(home, kind, cutoff) for kind in (BATCH, STATE) for cutoff in wanted]


def materialize(home: Home, as_of: datetime, *, progress: Progress | None = None) -> int:
    """Make the batch features as of `as_of` the ones that serving reads, through Feast; returns how many customers.

    Records that are newer stay. Raises `DataError` if nobody is known by then.
    """
    from features.feature_store.feast_repo import (  # six seconds of import, only where needed
        feature_store,
        materialize_view,
    )

    path = build_snapshots(home, [as_of], progress)[0]
    rows = int(pq.read_metadata(path).num_rows)
    if rows == 0:
        raise DataError(f"No customer is known as of {as_of:%Y-%m-%d %H:%M} UTC. Ingest events first, or ask later.")
    if progress:
        progress(f"Online features of {rows} customers")
    with contextlib.redirect_stdout(io.StringIO()):  # Feast prints coloured banners
        materialize_view(feature_store(home), [BATCH_VIEW], as_of, as_of)
    return rows


def _events(connection: Any, log: EventLog) -> Any:
    paths = [str(path) for path in log.files()]
    if not paths:
        return ibis.memtable(EVENT_SCHEMA.empty_table())
    return connection.read_parquet(paths, hive_partitioning=False)


def _write_batch(
    home: Home, connection: Any, features: Any, cutoffs: Sequence[datetime], made_of: Fingerprints
) -> None:
    ordered = connection.to_pyarrow(features.order_by(EVENT_TIMESTAMP, CUSTOMER_ID))
    for cutoff in cutoffs:
        table = ordered.filter(pc.equal(ordered[EVENT_TIMESTAMP], pa.scalar(cutoff, TIME))).combine_chunks()
        table = table.append_column(pa.field(CREATED_TIMESTAMP, TIME), table[EVENT_TIMESTAMP])
        write_snapshot(
            snapshot_path(home, BATCH, cutoff), table.schema, table.to_batches(ROWS_A_GROUP), made_of.at(cutoff)
        )


def _remove_outdated(home: Home, made_of: Fingerprints) -> None:
    for kind in (BATCH, STATE):
        for cutoff in snapshot_cutoffs(home, kind):
            path = snapshot_path(home, kind, cutoff)
            if fingerprint_of(path) != made_of.at(cutoff):
                path.unlink()


def _write_state(
    home: Home, log: EventLog, cutoffs: Sequence[datetime], rules: HoldRules, made_of: Fingerprints
) -> None:
    """Fold each customer's facts once for all cutoffs, a few thousand customers at a time."""
    tables = [pq.read_table(snapshot_path(home, BATCH, c), columns=[CUSTOMER_ID]) for c in cutoffs]
    members = [set(t[CUSTOMER_ID].to_pylist()) for t in tables]
    everyone = sorted(set[str]().union(*members))
    spans = _spans(log.links())
    told = log.shop_facts()
    incidents = [telling(incidents_of(known_by(told, cutoff)), to_us(cutoff)) for cutoff in cutoffs]
    owners = {span.origin: who for who, own in spans.items() for span in own if span.unlinked_at is None}
    parts: list[list[pa.RecordBatch]] = [[] for _ in cutoffs]
    for start in range(0, len(everyone), CUSTOMERS_AT_ONCE):
        chunk = everyone[start : start + CUSTOMERS_AT_ONCE]
        facts = _facts_of_all(log, chunk, spans, owners)
        histories = {
            who: state_history(who, facts.get(who, []), spans.get(who, []), cutoffs, rules, incidents) for who in chunk
        }
        for index, cutoff in enumerate(cutoffs):
            here = [who for who in chunk if who in members[index]]
            parts[index].append(_state_batch(here, [histories[who][index] for who in here], cutoff))
    for cutoff, batches in zip(cutoffs, parts, strict=True):
        table = pa.Table.from_batches(batches, schema=_STATE_SCHEMA).combine_chunks()
        path = snapshot_path(home, STATE, cutoff)
        write_snapshot(path, _STATE_SCHEMA, table.to_batches(ROWS_A_GROUP), made_of.at(cutoff))


def _spans(links: pa.Table) -> dict[str, list[Span]]:
    """By customer, the origins that were ever known to be hers."""
    spans: dict[str, list[Span]] = {}
    for row in links.to_pylist():
        span = Span(RESERVED_PREFIX + row["anonymous_id"], row["linked_at"], row["unlinked_at"])
        spans.setdefault(row[CUSTOMER_ID], []).append(span)
    return spans


def _facts_of_all(
    log: EventLog, customers: Iterable[str], spans: dict[str, list[Span]], owners: dict[str, str]
) -> dict[str, list[Fact]]:
    """Facts by customer, of every origin that was ever hers, wherever the log counts those origins now."""
    hers = {who: {who, *(span.origin for span in spans.get(who, []))} for who in customers}
    keys = {owners.get(origin, origin) for origins in hers.values() for origin in origins}
    by_origin: dict[str, list[Fact]] = {}
    for _, own in log.all_facts(sorted(keys)):
        for fact in own:
            by_origin.setdefault(fact.origin, []).append(fact)
    return {
        who: [fact for origin in sorted(origins) for fact in by_origin.get(origin, [])] for who, origins in hers.items()
    }


def _state_batch(customers: list[str], rows: list[dict[str, float]], cutoff: datetime) -> pa.RecordBatch:
    at = pa.array([cutoff] * len(customers), TIME)
    values: list[Any] = [np.array([row[name] for row in rows], dtype=np.float64) for name in STATE_FEATURES]
    columns = [pa.array(v, mask=np.isnan(v)) for v in values]
    return pa.record_batch([pa.array(customers, pa.string()), at, *columns, at], schema=_STATE_SCHEMA)
