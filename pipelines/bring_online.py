"""The newest batch snapshot to the online store: all of it, or only what became different since the last.

Only rows that differ from the snapshot that is online are written, and a mark that the rest is right as of the new
cutoff, too (`features/feature_store/online/complete.py`). Who is in the snapshot no longer leaves a tombstone; where
everything is written, so does whoever is online and not in the snapshot.
"""

from contextlib import closing
from datetime import datetime

import duckdb

from features.columns import CUSTOMER_ID
from features.feature_store.batch import record_schema
from features.feature_store.online.arrow_rows import rows_of
from features.feature_store.online.complete import (
    MARK_KEY,
    OTHERS_KEY,
    Mark,
    others_reach,
    read_mark,
    set_mark,
    take_mark,
)
from features.feature_store.online.records import BATCH_VIEW
from features.feature_store.online.store import OnlineStore, open_online
from features.feature_store.online.writing import OnlineWriter
from features.feature_store.snapshots import BATCH, Snapshot, parquet_of, snapshot
from features.home import Home
from features.instants import to_us
from features.log.lake import only_writer

ROWS_AT_ONCE = 10_000


def bring_online(home: Home, newest: Snapshot, now: datetime, *, whole: bool = False) -> int:
    """Make a snapshot the one that serving reads; returns how many records were written, tombstones not counted.

    One older than what is online changes nothing. `now` is when it is written: of two writings of the same cutoff the
    later wins. Ended in between, or asked for the `whole`, everything is written. Raises `DataError` if the store
    cannot be written in time, `HomeError` if another process brings features online for longer than a minute.
    """
    with only_writer(home, of="online"), closing(open_online(home)) as store:
        mark = read_mark(store, BATCH_VIEW)
        told = newest.manifest
        if mark is not None and mark.as_of > newest.cutoff:
            return 0
        if not whole and mark == Mark(mark.since if mark else now, newest.cutoff, told.fingerprint, told.schema):
            return 0
        base = None if whole or mark is None else _base(home, store, newest, mark)
        if mark is not None:
            set_mark(store, BATCH_VIEW, mark._replace(complete=False))
        rows = _everybody(newest) if base is None else _difference(newest, base)
        written = _write(home, store, newest, rows, now)
        _forget_who_left(home, store, newest, base, now)
        since = newest.cutoff if base is None or mark is None else mark.since
        set_mark(store, BATCH_VIEW, Mark(since, newest.cutoff, told.fingerprint, told.schema))
        if base is not None and others_reach(store, BATCH_VIEW, since):  # they came in between
            take_mark(store, BATCH_VIEW)
        return written


def _base(home: Home, store: OnlineStore, newest: Snapshot, mark: Mark) -> Snapshot | None:
    """The snapshot that is online, if only what differs from it need be written; None if everything must be."""
    base = snapshot(home, BATCH, mark.as_of)
    if (
        base is None
        or not mark.complete
        or (base.manifest.fingerprint, base.manifest.schema) != (mark.fingerprint, mark.schema)
        or newest.manifest.schema != mark.schema
        or base.cutoff >= newest.cutoff
        or others_reach(store, BATCH_VIEW, mark.since)
    ):
        return None
    return base


def _everybody(newest: Snapshot) -> str:
    return f"select {_columns()} from {parquet_of(newest.files)}"


def _difference(newest: Snapshot, base: Snapshot) -> str:
    """The rows of one snapshot that another of the same schema has not."""
    return f"{_everybody(newest)} except all {_everybody(base)}"


def _columns() -> str:
    return ", ".join(f'"{name}"' for name in (CUSTOMER_ID, *record_schema().names))


def _write(home: Home, store: OnlineStore, newest: Snapshot, query: str, now: datetime) -> int:
    schema, at, sequence = record_schema(), to_us(newest.cutoff), to_us(now)
    writer, written = OnlineWriter(home, store=store), 0
    with duckdb.connect() as connection:
        for batch in connection.sql(query).to_arrow_reader(ROWS_AT_ONCE):
            count = batch.num_rows
            writer.write(BATCH_VIEW, schema, rows_of(batch, schema, [at] * count, [sequence] * count))
            written += count
    return written


def _forget_who_left(home: Home, store: OnlineStore, newest: Snapshot, base: Snapshot | None, now: datetime) -> None:
    """Tombstones for those erased or gone, and for those that are online (in the base, if all are) but not here."""
    writer = OnlineWriter(home, store=store)
    with duckdb.connect() as connection:
        if base is None:
            _list_online(connection, store)
        gone = [*newest.seen("erased"), *newest.seen("gone")]
        before = "online" if base is None else parquet_of(base.files)
        here = f"select {CUSTOMER_ID} from {parquet_of(newest.files)}"
        named = f"select {CUSTOMER_ID} from {parquet_of(gone)} where {CUSTOMER_ID} is not null"
        listed = [named] if gone else []
        listed.append(f"select {CUSTOMER_ID} from {before} except {here}")
        found = connection.execute(f"select distinct {CUSTOMER_ID} from ({' union all '.join(listed)}) order by 1")
        while some := found.fetchmany(ROWS_AT_ONCE):
            whom = [who for (who,) in some]
            writer.forget(whom, at=to_us(newest.cutoff), sequence=to_us(now), views=[BATCH_VIEW])


def _list_online(connection: duckdb.DuckDBPyConnection, store: OnlineStore) -> None:
    """The table `online` of all customers who have a record."""
    connection.execute(f"create temp table online ({CUSTOMER_ID} varchar)")
    for some in store.customers(BATCH_VIEW):
        whom = [who for who in some if who not in (MARK_KEY, OTHERS_KEY)]
        connection.execute("insert into online select unnest(?::varchar[])", [whom])
