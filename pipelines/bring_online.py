"""The newest batch snapshot to the online store: all of it through Feast, or only what became different since the last.

Only rows that differ from the snapshot that is online are written, and a mark that the rest is right as of the new
cutoff, too (`features/feature_store/online/complete.py`). Who is in the snapshot no longer leaves a tombstone.
"""

import contextlib
import io
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb

from features.columns import CUSTOMER_ID
from features.feature_store.batch import record_schema
from features.feature_store.online.arrow_rows import rows_of
from features.feature_store.online.complete import Mark, read_mark, set_mark, take_mark
from features.feature_store.online.records import BATCH_VIEW
from features.feature_store.online.store import OnlineStore, open_online
from features.feature_store.online.writing import OnlineWriter
from features.feature_store.snapshots import BATCH, Snapshot, parquet_list, snapshot
from features.home import Home
from features.instants import to_us

ROWS_AT_ONCE = 10_000


def bring_online(home: Home, newest: Snapshot) -> int:
    """Make a snapshot the one that serving reads; returns how many records were written, tombstones not counted.

    One older than what is online changes nothing. Ended in between, the next call writes everything. Raises `DataError`
    if the store cannot be written in time.
    """
    with closing(open_online(home)) as store:
        mark = read_mark(store, BATCH_VIEW)
        told = newest.manifest
        if mark is not None and mark.as_of > newest.cutoff:
            return 0
        if mark is not None and mark == Mark(mark.since, newest.cutoff, told.fingerprint, told.schema):
            return 0
        base = None if mark is None else snapshot(home, BATCH, mark.as_of)
        take_mark(store, BATCH_VIEW)
        if (
            mark is not None
            and base is not None
            and (base.manifest.fingerprint, base.manifest.schema) == (mark.fingerprint, mark.schema)
            and told.schema == mark.schema
            and base.cutoff < newest.cutoff
        ):
            since, written = mark.since, _write_difference(home, store, base, newest)
        else:
            since, written = newest.cutoff, _write_all(home, store, newest)
        set_mark(store, BATCH_VIEW, Mark(since, newest.cutoff, told.fingerprint, told.schema))
        return written


def _write_all(home: Home, store: OnlineStore, newest: Snapshot) -> int:
    from features.feature_store.feast_repo import (  # six seconds of import, only where needed
        feature_store,
        materialize_view,
    )

    with contextlib.redirect_stdout(io.StringIO()):  # Feast prints coloured banners
        materialize_view(feature_store(home), [BATCH_VIEW], newest.cutoff, newest.cutoff)
    _forget(home, store, newest, [*newest.seen("erased"), *newest.seen("gone")])
    return newest.manifest.rows


def _write_difference(home: Home, store: OnlineStore, base: Snapshot, newest: Snapshot) -> int:
    """Write the rows of one snapshot that another of the same schema lacks; forget whom it has no longer."""
    schema, at = record_schema(), to_us(newest.cutoff)
    columns = ", ".join(f'"{name}"' for name in (CUSTOMER_ID, *schema.names))
    writer, written = OnlineWriter(home, store=store), 0
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"select {columns} from read_parquet({parquet_list(newest.files)})"
            f" except all select {columns} from read_parquet({parquet_list(base.files)})"
        ).to_arrow_reader(ROWS_AT_ONCE)
        for batch in rows:
            times = [at] * batch.num_rows
            writer.write(BATCH_VIEW, schema, rows_of(batch, schema, times, times))
            written += batch.num_rows
    _forget(home, store, newest, [*newest.seen("erased"), *newest.seen("gone")])
    return written


def _forget(home: Home, store: OnlineStore, newest: Snapshot, files: Iterable[Path]) -> None:
    listed = list(files)
    writer, at = OnlineWriter(home, store=store), to_us(newest.cutoff)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select distinct {CUSTOMER_ID} from read_parquet({parquet_list(listed)}) order by 1"
        )
        while some := found.fetchmany(ROWS_AT_ONCE):
            writer.forget([who for (who,) in some], at=at, sequence=at, views=[BATCH_VIEW])
