"""State snapshots: what the live fold and view said of every customer at past moments, replayed over her facts.

The customers and their order are those of the batch snapshot at the same moment. Where that was mended, only whom the
news touched are folded again. A few thousand customers are in memory at a time.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_TIMESTAMP, TIME
from features.customer.hold_rules import HoldRules
from features.customer.incidents import Incident, incidents_of, telling
from features.customer.state import Fact, known_by
from features.customer.state_history import Span, state_history
from features.customer.view import STATE_FEATURES
from features.feature_store.basis import code_hash, file_hash
from features.feature_store.engines.spark import SparkEngine
from features.feature_store.snapshots import (
    BATCH,
    STATE,
    Manifest,
    Snapshot,
    drafting,
    keep,
    note,
    parquet_of,
    remove,
    snapshot,
    snapshots,
    sweep,
)
from features.home import Home
from features.instants import to_us
from features.log.event_log import EventLog
from pipelines import spark_states
from pipelines.snapshots import Progress

CUSTOMERS_AT_ONCE = 2_000
ROWS_A_GROUP = 100_000
STATE_SCHEMA = pa.schema(
    [
        pa.field(CUSTOMER_ID, pa.string()),
        pa.field(EVENT_TIMESTAMP, TIME),
        *[pa.field(name, pa.float64()) for name in STATE_FEATURES],
        pa.field(CREATED_TIMESTAMP, TIME),
    ]
)
_SCHEMA_HASH = hashlib.sha256(repr(STATE_SCHEMA).encode()).hexdigest()[:16]


def build_state(
    home: Home,
    log: EventLog,
    wanted: Sequence[datetime],
    rules: HoldRules,
    touched: Mapping[datetime, Path | None],
    say: Progress,
    *,
    spark: SparkEngine | None = None,
    increments: bool = True,
) -> None:
    """Make or mend the state snapshots at `wanted` cutoffs, and every other there is; or make those wanted whole.

    `touched` tells, by cutoff, whom the batch snapshots were computed again for (folders of customer_id; None: all).
    With `spark`, facts come from the lake and are folded there, else from the live store and here.
    """
    sweep(home, STATE)
    told = log.shop_facts()
    for one in snapshots(home, STATE):
        batch = snapshot(home, BATCH, one.cutoff)
        made_of = None if batch is None else _manifest(batch, rules, told)
        whole = not increments and one.cutoff in wanted
        if whole or batch is None or made_of is None or one.manifest.basis != made_of.basis:
            remove(one)
        elif made_of.fingerprint == one.manifest.fingerprint:
            made_of = msgspec.structs.replace(made_of, rows=one.manifest.rows, files=one.manifest.files)
            if made_of != one.manifest:
                note(one, made_of)
        elif (whom := touched.get(one.cutoff)) is None:
            remove(one)
        else:
            say(f"Customer state as of {one.cutoff:%Y-%m-%d} is mended")
            _write(home, log, [batch], rules, told, only=whom, before=one, spark=spark)
    missing = [batch for cutoff in sorted(set(wanted)) if snapshot(home, STATE, cutoff) is None
               and (batch := snapshot(home, BATCH, cutoff)) is not None]  # fmt: skip
    if missing:
        say(f"Customer state at {len(missing)} moments")
        _write(home, log, missing, rules, told, spark=spark)


def _manifest(batch: Snapshot, rules: HoldRules, told: Sequence[Fact]) -> Manifest:
    """That of a state snapshot made beside a batch snapshot; what the shop was told of incidents is in its basis."""
    incidents = known_by(told, batch.cutoff)
    made_of = hashlib.sha256(repr((rules, incidents)).encode()).hexdigest()
    basis = f"fold {code_hash('customer.state_history')} {file_hash(__file__, spark_states.__file__)} {made_of}"
    return msgspec.structs.replace(batch.manifest, schema=_SCHEMA_HASH, basis=basis, rows=0, files=())


def _write(
    home: Home,
    log: EventLog,
    batches: Sequence[Snapshot],
    rules: HoldRules,
    told: Sequence[Fact],
    *,
    only: Path | None = None,
    before: Snapshot | None = None,
    spark: SparkEngine | None = None,
) -> None:
    """State at the moments of `batches`, each customer's facts folded once for all of them.

    With `only`, a folder of customer_id, just those are folded and the rows of others are copied from `before`.
    """
    cutoffs = [batch.cutoff for batch in batches]
    incidents = [telling(incidents_of(known_by(told, cutoff)), to_us(cutoff)) for cutoff in cutoffs]
    with ExitStack() as stack:
        drafts = [stack.enter_context(drafting(home, STATE, cutoff)) for cutoff in cutoffs]
        if spark is not None:
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix=".scratch-", dir=home.features)))
            spark_states.write_states(log, spark, scratch, batches, drafts, rules, incidents, only=only, before=before)
        else:
            _fold_here(log, batches, drafts, rules, incidents, only)
            if only is not None and before is not None:
                _merge(drafts[0], before, only, batches[0])
        for batch, draft in zip(batches, drafts, strict=True):
            keep(home, STATE, batch.cutoff, draft, _manifest(batch, rules, told))


def _fold_here(
    log: EventLog,
    batches: Sequence[Snapshot],
    drafts: Sequence[Path],
    rules: HoldRules,
    incidents: Sequence[Sequence[Incident]],
    only: Path | None,
) -> None:
    """The states of the members of `batches` into one part of each draft, from the live store's facts."""
    cutoffs = [batch.cutoff for batch in batches]
    with ExitStack() as stack:
        rows = [stack.enter_context(_Rows(draft / "part-00000.parquet")) for draft in drafts]
        for chunk in _members(batches, only):
            facts, spans = log.facts_ever_of(list(chunk))
            for who, at in chunk.items():
                hers = [Span(*span) for span in spans.get(who, [])]
                found = state_history(
                    who, facts.get(who, []), hers, [cutoffs[i] for i in at], rules, [incidents[i] for i in at]
                )
                for index, values in zip(at, found, strict=True):
                    rows[index].add(who, cutoffs[index], values)
        for one in rows:
            one.close()


def _members(batches: Sequence[Snapshot], only: Path | None) -> Iterator[dict[str, list[int]]]:
    """A few thousand customers at a time, in order, each with the places of the batches that she is in."""
    parts = [
        f"select customer_id, {place} as place from {parquet_of(batch.files)}"
        for place, batch in enumerate(batches)
        if batch.files
    ]
    if not parts:
        return
    chosen = "" if only is None else f"where customer_id in (from {parquet_of(only.glob('*.parquet'))})"
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select customer_id, list(place order by place) from ({' union all '.join(parts)}) {chosen}"
            " group by customer_id order by customer_id"
        )
        while some := found.fetchmany(CUSTOMERS_AT_ONCE):
            yield dict(some)


def _merge(draft: Path, before: Snapshot, only: Path, batch: Snapshot) -> None:
    """The rows of a draft, and those of everybody else from the snapshot before, as one part in order."""
    fresh, whole = draft / "part-00000.parquet", draft / "whole.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (
                select * from {parquet_of(before.files)} where customer_id not in
                    (from {parquet_of(only.glob("*.parquet"))})
                union all by name select * from {parquet_of([fresh])} order by customer_id
            ) to '{whole}' (format parquet, compression zstd, row_group_size {ROWS_A_GROUP})"""
        )
    whole.replace(fresh)


class _Rows:
    """A Parquet file of state rows that is written a group at a time."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, STATE_SCHEMA, compression="zstd")
        self._rows: list[tuple[str, datetime, dict[str, float]]] = []

    def add(self, who: str, at: datetime, values: dict[str, float]) -> None:
        """One more row."""
        self._rows.append((who, at, values))
        if len(self._rows) == ROWS_A_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the file's end."""
        self._flush()
        self._writer.close()

    def __enter__(self) -> "_Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def _flush(self) -> None:
        if not self._rows:
            return
        who, at, values = zip(*self._rows, strict=True)
        moments = pa.array(at, TIME)
        numbers: list[Any] = [np.array([row[name] for row in values], dtype=np.float64) for name in STATE_FEATURES]
        columns = [pa.array(column, mask=np.isnan(column)) for column in numbers]
        self._writer.write_table(pa.Table.from_arrays([pa.array(who), moments, *columns, moments], schema=STATE_SCHEMA))
        self._rows = []
