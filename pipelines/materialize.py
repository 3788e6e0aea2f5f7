"""Snapshots of features at cutoffs for training, and the newest of them to the online store for serving."""

import contextlib
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import features
from features.batch import compute
from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_SCHEMA, EVENT_TIMESTAMP, TIME
from features.errors import DataError
from features.event_log import EventLog
from features.holds import HoldRules
from features.home import Home
from features.online import BATCH_VIEW
from features.snapshots import BATCH, STATE, fingerprint_of, snapshot_cutoffs, snapshot_path, write_snapshot
from features.state import Fact
from features.state_history import state_history
from features.view import STATE_FEATURES

Progress = Callable[[str], None]
CUSTOMERS_AT_ONCE = 2_000
ROWS_A_GROUP = 100_000
_CODE = ("batch.py", "batch_relations.py", "fold.py", "ledger.py", "holds.py", "view.py", "scales.py", "columns.py")
_STATE_SCHEMA = pa.schema(
    [
        pa.field(CUSTOMER_ID, pa.string()),
        pa.field(EVENT_TIMESTAMP, TIME),
        *[pa.field(name, pa.float64()) for name in STATE_FEATURES],
        pa.field(CREATED_TIMESTAMP, TIME),
    ]
)


class Log(Protocol):
    """What snapshots are made from: `features.event_log.EventLog`."""

    def files(self) -> list[Path]:
        """Parquet files of `columns.EVENT_SCHEMA`."""

    def all_facts(self, customers: Sequence[str]) -> Iterator[tuple[str, list[Fact]]]:
        """Facts by resolved customer."""


def build_snapshots(
    home: Home,
    cutoffs: Sequence[datetime],
    progress: Progress | None = None,
    *,
    log: Log | None = None,
    rules: HoldRules | None = None,
) -> list[Path]:
    """Batch and state snapshots at each cutoff; returns their paths, batch ones first.

    A snapshot is kept if it was made of the same events, items, code and rules. Others at these cutoffs are made anew,
    and snapshots at other cutoffs that no longer match are removed, so that none can reach a training set.
    """
    say = progress or (lambda _: None)
    source, hold_rules = log or EventLog(home), rules or HoldRules()
    connection = ibis.duckdb.connect()
    try:
        events, items = _tables(connection, source, home)
        made_of = _Fingerprints(connection, events, home, hold_rules)
        _remove_outdated(home, made_of)
        wanted = sorted({c.astimezone(UTC) for c in cutoffs})
        for cutoff in wanted:
            path, fingerprint = snapshot_path(home, BATCH, cutoff), made_of.at(cutoff)
            if fingerprint_of(path) != fingerprint:
                say(f"Batch features as of {cutoff:%Y-%m-%d %H:%M}")
                table = _batch_snapshot(connection, events, items, cutoff)
                write_snapshot(path, table.schema, table.to_batches(ROWS_A_GROUP), fingerprint)
        missing = [c for c in wanted if fingerprint_of(snapshot_path(home, STATE, c)) != made_of.at(c)]
        if missing:
            say(f"Customer state at {len(missing)} moments")
            _write_state(home, source, missing, hold_rules, made_of)
    finally:
        connection.disconnect()
    return [snapshot_path(home, kind, cutoff) for kind in (BATCH, STATE) for cutoff in wanted]


def materialize(home: Home, as_of: datetime, *, log: Log | None = None, progress: Progress | None = None) -> int:
    """Make the batch features as of `as_of` the ones that serving reads, through Feast; returns how many customers.

    Records that are newer stay. Raises `DataError` if nobody is known by then.
    """
    from features.feast_repo import feature_store, materialize_view  # six seconds of import, only where needed

    path = build_snapshots(home, [as_of], progress, log=log)[0]
    rows = int(pq.read_metadata(path).num_rows)
    if rows == 0:
        raise DataError(f"No customer is known as of {as_of:%Y-%m-%d %H:%M} UTC. Ingest events first, or ask later.")
    if progress:
        progress(f"Online features of {rows} customers")
    with contextlib.redirect_stdout(io.StringIO()):  # Feast prints coloured banners
        materialize_view(feature_store(home), [BATCH_VIEW], as_of, as_of)
    return rows


def _tables(connection: Any, log: Log, home: Home) -> tuple[Any, Any | None]:
    files = [str(path) for path in log.files()]
    events = connection.read_parquet(files) if files else ibis.memtable(EVENT_SCHEMA.empty_table())
    items = connection.read_parquet(str(home.catalogue)) if home.catalogue.exists() else None
    return events, items


def _batch_snapshot(connection: Any, events: Any, items: Any | None, cutoff: datetime) -> pa.Table:
    ordered = compute(events, None, items, [cutoff]).order_by(CUSTOMER_ID)
    table: pa.Table = connection.to_pyarrow(ordered).combine_chunks()
    return table.append_column(pa.field(CREATED_TIMESTAMP, TIME), table[EVENT_TIMESTAMP])


def _write_state(home: Home, log: Log, cutoffs: Sequence[datetime], rules: HoldRules, made_of: "_Fingerprints") -> None:
    """Fold each customer's facts once for all cutoffs, a few thousand customers at a time."""
    members = [pq.read_table(snapshot_path(home, BATCH, c), columns=[CUSTOMER_ID])[CUSTOMER_ID] for c in cutoffs]
    everyone = sorted(set().union(*[m.to_pylist() for m in members]))
    known = [set(m.to_pylist()) for m in members]
    parts: list[list[pa.RecordBatch]] = [[] for _ in cutoffs]
    for start in range(0, len(everyone), CUSTOMERS_AT_ONCE):
        chunk = everyone[start : start + CUSTOMERS_AT_ONCE]
        facts = dict(log.all_facts(chunk))
        histories = {who: state_history(who, facts.get(who, []), cutoffs, rules) for who in chunk}
        for index, cutoff in enumerate(cutoffs):
            here = [who for who in chunk if who in known[index]]
            parts[index].append(_state_batch(here, [histories[who][index] for who in here], cutoff))
    for cutoff, batches in zip(cutoffs, parts, strict=True):
        table = pa.Table.from_batches(batches, schema=_STATE_SCHEMA).combine_chunks()
        path = snapshot_path(home, STATE, cutoff)
        write_snapshot(path, _STATE_SCHEMA, table.to_batches(ROWS_A_GROUP), made_of.at(cutoff))


def _state_batch(customers: list[str], rows: list[Any], cutoff: datetime) -> pa.RecordBatch:
    at = pa.array([cutoff] * len(customers), TIME)
    values = [np.array([row[name] for row in rows], dtype=np.float64) for name in STATE_FEATURES]
    columns = [pa.array(v, mask=np.isnan(v)) for v in values]
    return pa.record_batch([pa.array(customers, pa.string()), at, *columns, at], schema=_STATE_SCHEMA)


def _remove_outdated(home: Home, made_of: "_Fingerprints") -> None:
    for kind in (BATCH, STATE):
        for cutoff in snapshot_cutoffs(home, kind):
            path = snapshot_path(home, kind, cutoff)
            if fingerprint_of(path) != made_of.at(cutoff):
                path.unlink()


class _Fingerprints:
    """Hashes of all that a snapshot is made of: the events known at its cutoff, the items, the code, the rules."""

    def __init__(self, connection: Any, events: Any, home: Home, rules: HoldRules) -> None:
        self._connection, self._events = connection, events
        folder = Path(features.__file__).parent
        digest = hashlib.sha256(repr(rules).encode())
        for name in _CODE:
            digest.update((folder / name).read_bytes() if (folder / name).exists() else b"")
        digest.update(home.catalogue.read_bytes() if home.catalogue.exists() else b"")
        self._fixed = digest.hexdigest()
        self._by_cutoff: dict[datetime, str] = {}

    def at(self, cutoff: datetime) -> str:
        """The fingerprint of a snapshot at `cutoff`, were it made now."""
        if cutoff not in self._by_cutoff:
            known = self._events.filter(
                self._events.occurred_at <= ibis.literal(cutoff), self._events.received_at <= ibis.literal(cutoff)
            )
            mixed = known.agg(rows=known.count(), ids=known.event_id.hash().bit_xor())
            told = self._connection.to_pyarrow(mixed).to_pylist()[0]
            self._by_cutoff[cutoff] = hashlib.sha256(f"{self._fixed} {sorted(told.items())}".encode()).hexdigest()
        return self._by_cutoff[cutoff]
