"""The event log: every accepted event once; history as Parquet by day, the live end and all state in a store."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import EVENT_SCHEMA, TIME
from features.events import EVENT_TYPES
from features.facts import Fact
from features.home import Home
from features.instants import from_us
from features.log import lake, live_intake, refolding
from features.log.live_intake import EventResult
from features.log.packing import unpack_rows
from features.log.rejects import SourceBatch
from features.log.store import connect, one_moment, transaction

if TYPE_CHECKING:
    from features.log.following import Following
    from features.log.history_intake import IngestReport

__all__ = ["EventLog", "EventResult"]

FLUSH_ROWS = 100_000
_LINKS = "select external_id, customer_id, linked_at, unlinked_at from links order by 1, 3"
LINK_SCHEMA = pa.schema(
    [
        pa.field("anonymous_id", pa.string(), nullable=False),
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("linked_at", TIME, nullable=False),
        pa.field("unlinked_at", TIME),
    ]
)


class EventLog:
    """The log in one data folder. Safe to share between threads; several processes may each have their own.

    Opening it sweeps what interrupted imports left behind, unless an import is running.
    """

    def __init__(self, home: Home, *, durable: bool = True) -> None:
        self.home = home
        self._connection = connect(home, durable=durable)
        self._lock = threading.RLock()
        with lake.only_writer(home, wait=False) as alone:
            self.swept = lake.sweep(home, self._connection) if alone else []

    def leave_tidying(self) -> None:
        """As `Connection.leave_tidying`."""
        with self._lock:
            self._connection.leave_tidying()

    def append_history(
        self,
        batches: Iterable[pa.Table | SourceBatch],
        *,
        source: str,
        now: datetime,
        progress: Callable[[int], None] | None = None,
        following: "Following | None" = None,
    ) -> "IngestReport":
        """Keep history in bulk: all of it visible at once at the end, or nothing. See `history_intake.take_history`."""
        from features.log.history_intake import take_history

        return take_history(self.home, batches, source=source, now=now, progress=progress, following=following)

    def append_live(
        self, objects: list[Any], *, source: str, now: datetime, follow: live_intake.Follow | None = None
    ) -> list[EventResult]:
        """Keep events (objects as in the API) and what follows from them: durable, and visible in facts and state,
        when this returns. Many are kept in several steps; where it raises, those before are kept.
        """
        with self._lock:
            return [
                result
                for part in live_intake.in_parts(objects)
                for result in live_intake.take_in(self._connection, part, source=source, now=now, follow=follow)
            ]

    def flush_live(self, *, rows_at_once: int = FLUSH_ROWS) -> int:
        """Copy live events that are not in the lake into it; returns how many. Seen once, whenever it is ended."""
        moved = 0
        with self._lock, lake.only_writer(self.home):
            lake.sweep(self.home, self._connection)
            while True:
                waiting = self._connection.execute(
                    "select rowid, body from pending order by rowid limit ?", (rows_at_once,)
                ).fetchall()
                if not waiting:
                    return moved
                events = unpack_rows(body for _, body in waiting)
                files = lake.write_days(self.home, lake.next_run(self._connection), [lake.sort(events)])
                with transaction(self._connection):
                    lake.list_files(self._connection, files)
                    self._connection.executemany("delete from pending where rowid = ?", [(row,) for row, _ in waiting])
                moved += len(waiting)

    def files(self) -> list[Path]:
        """The lake's files, by day. Raises `DataError` if one is gone or was cut."""
        return lake.checked_paths(self.home, self._listed())

    def listed_files(self) -> list[lake.LakeFile]:
        """The lake's files as they are listed, by day and run."""
        return self._listed()

    def scan(self) -> str:
        """SQL for DuckDB (or Ibis' `con.sql`) that reads exactly these files; without any, no rows of the same columns.

        The rows have the columns of `EVENT_SCHEMA`. Raises `DataError` as `files`.
        """
        paths = ", ".join("'" + str(path).replace("'", "''") + "'" for path in self.files())
        if paths:
            return f"SELECT * FROM read_parquet([{paths}], hive_partitioning = false)"
        columns = ", ".join(f'NULL::{_sql_type(field.type)} AS "{field.name}"' for field in EVENT_SCHEMA)
        return f"SELECT {columns} WHERE false"

    def fingerprint(self) -> str:
        """SHA-256 over the sums of the lake's files, in whatever order they came."""
        sums = sorted(file.sha256 for file in self._listed())
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()

    def damaged(self) -> list[str]:
        """Lake files that are gone or altered, by reading them all."""
        return lake.damaged(self.home, self._listed())

    def counts(self) -> dict[str, int]:
        """Events per type, live ones included."""
        return {kind: told["rows"] for kind, told in sorted(self._filled().items())}

    def missing_sources(self) -> list[str]:
        """What no event here tells: types without any event ("browse"), fields never filled ("purchase.currency")."""
        told = self._filled()
        absent = []
        for kind in EVENT_TYPES.values():
            if kind.name not in told:
                absent.append(kind.name)
            else:
                absent += [f"{kind.name}.{name}" for name in kind.fields if not told[kind.name].get(name)]
        return absent

    def watermarks(self) -> dict[str, tuple[datetime, datetime]]:
        """How far each source has reported: the latest (occurred_at, received_at)."""
        rows = self._rows("select source, occurred_at, received_at from watermarks order by source")
        return {source: (from_us(occurred), from_us(received)) for source, occurred, received in rows}

    def links(self) -> pa.Table:
        """Which anonymous or external id was known to belong to whom, and when: `LINK_SCHEMA`.

        Known at t: linked_at <= t, and unlinked_at is null or > t. An id has at most one such row at any t.
        """
        return _link_table(self._rows(_LINKS))

    def write_links(self, path: Path, *, rows_at_once: int = FLUSH_ROWS) -> None:
        """Write `links` to a Parquet file, however many there are."""
        connection = connect(self.home)
        try:
            rows = connection.stream(_LINKS)
            with pq.ParquetWriter(path, LINK_SCHEMA) as writer:
                while some := rows.fetchmany(rows_at_once):
                    writer.write_table(_link_table(some))
        finally:
            connection.close()

    def facts_of(self, customer_id: str) -> list[Fact]:
        """A customer's facts in the order (occurred_at, event_id), those of ids linked to her included."""
        with self._lock:
            return refolding.facts_of(self._connection, customer_id)

    def all_facts(self, customers: Iterable[str] | None = None) -> Iterator[tuple[str, list[Fact]]]:
        """(customer, facts in no order) of each of `customers`, or of everyone; read as it stands at the first one.

        Streams: some hundred customers in memory. Browsing is here only as far as it came in live and recently.
        """
        connection = connect(self.home)
        try:
            connection.begin_reading()
            wanted = refolding.customers_of(connection, "facts") if customers is None else customers
            for customer, _, own in refolding.facts_by_customer(connection, wanted):
                yield customer, own
        finally:
            connection.close()

    def facts_ever_of(
        self, customers: Sequence[str]
    ) -> tuple[dict[str, list[Fact]], dict[str, list[tuple[str, datetime, datetime | None]]]]:
        """Of a few thousand customers: facts of every origin that was ever known to be hers, and when each was.

        The second by customer: (origin, linked_at, unlinked_at or None), half-open. Facts come in no order.
        """
        with self._lock, one_moment(self._connection):
            return refolding.facts_ever_of(self._connection, customers)

    def shop_facts(self) -> list[Fact]:
        """Facts about the shop rather than a customer (incidents), in the order (occurred_at, event_id)."""
        with self._lock:
            return refolding.shop_facts(self._connection)

    def state_of(self, customer_id: str) -> tuple[int, bytes] | None:
        """(position of her latest fact, encoded state) of a customer; None where nothing is known of her."""
        rows = self._rows("select position, body from state where customer_id = ?", (customer_id,))
        return (int(rows[0][0]), bytes(rows[0][1])) if rows else None

    def refold_all(self) -> int:
        """Fold everyone again, as after a change of the fold; returns how many customers."""
        with self._lock, transaction(self._connection):
            everyone = refolding.customers_of(self._connection, "facts")
            self._connection.execute("delete from state")
            return refolding.refold(self._connection, everyone)

    def position(self) -> int:
        """The log position of the latest fact; 0 where there is none."""
        return int(self._rows("select coalesce(max(position), 0) from facts")[0][0])

    def close(self) -> None:
        """Let go of the store."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def _listed(self) -> list[lake.LakeFile]:
        with self._lock:
            return lake.listed(self._connection)

    def _filled(self) -> dict[str, Counter[str]]:
        told: dict[str, Counter[str]] = {}
        waiting = unpack_rows(body for (body,) in self._rows("select body from pending"))
        for part in [*(json.loads(file.filled) for file in self._listed()), lake.filled(waiting)]:
            for kind, fields in part.items():
                told.setdefault(kind, Counter()).update(fields)
        return told


def _link_table(rows: list[Any]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    arrays = [pa.array(values, pa.int64()) for values in columns[2:]]
    return pa.Table.from_arrays(
        [*(pa.array(values, pa.string()) for values in columns[:2]), *(array.cast(TIME) for array in arrays)],
        schema=LINK_SCHEMA,
    )


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{field.name} {_sql_type(field.type)}' for field in kind)})"
    return _SQL_TYPES[str(kind)]


_SQL_TYPES = {
    "string": "VARCHAR",
    "int16": "SMALLINT",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    str(TIME): "TIMESTAMPTZ",
}
