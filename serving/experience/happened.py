"""What happened to people over a span of time, as one DuckDB view over history (Parquet) and the live end (SQLite).

The live store keeps little of browsing, hence history is read where it lies. Each event once, as it was known at a
moment; under whom it counted by then; without anything of people who were erased, whenever that was.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.instants import days, from_us, to_us
from features.log.connection import Connection, one_moment
from features.log.lake import checked_paths, listed
from features.log.rules import RESERVED_PREFIX
from serving.experience.places import place_sql

FELT = ("purchase", "browse", "feedback", "case", "return", "delivery", "friction", "contact", "consent", "profile")
"""Types of events that people live through; what staff, models and programs note down about them is not among them."""

UNFELT_CONTACTS = ("reserved", "released", "bounce")
"""Contacts that did not reach anybody."""

LEAD_DAYS = 30
"""Promises are looked for so long before the span, for those that broke in it."""

MEMORY = "1GB"
"""What a look takes at most that may go to the disk."""

_PAGE = 2_000
_COLUMNS = (
    "event_id", "type", "customer_id", "anonymous_id", "occurred_at", "received_at", "channel", "touchpoint", "action",
    "item_id", "query", "result_count", "session_id", "kind", "score", "scale_min", "scale_max", "higher_is_better",
    "text", "order_id", "case_id", "status", "reason", "promised_at",
)  # fmt: skip
_SCHEMA = pa.schema([EVENT_SCHEMA.field(name) for name in _COLUMNS])
_PYTHON: dict[pa.DataType, Any] = {pa.string(): str, pa.float64(): float, pa.int64(): int, pa.bool_(): bool}
_FIELDS: list[Any] = [(f.name, _PYTHON.get(f.type, datetime) | None, None) for f in _SCHEMA]
_Waiting = msgspec.defstruct("waiting", _FIELDS)
_read_waiting = msgspec.msgpack.Decoder(_Waiting).decode


class Span(NamedTuple):
    """The period looked at, and the one of the same length before it: start < at <= middle < at <= now. Instants are
    microseconds.
    """

    start: int
    middle: int
    now: int

    @classmethod
    def of(cls, now: datetime, length_days: int) -> "Span":
        """The days that end at `now`, and as many before."""
        at, length = to_us(now), days(length_days)
        return cls(at - 2 * length, at - length, at)


class Happened(NamedTuple):
    """The view `happened` on a DuckDB connection, and when the log begins (microseconds; None: it is empty)."""

    engine: duckdb.DuckDBPyConnection
    first_at: int | None

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        found: list[tuple[Any, ...]] = self.engine.execute(query, list(values)).fetchall()
        return found

    def records(self, query: str, *values: object) -> list[dict[str, Any]]:
        """All rows of a query, by the names of its columns."""
        rows = self.rows(query, *values)
        names = [column[0] for column in self.engine.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows]


@contextmanager
def happened(
    home: Home, run: Connection, span: Span, pause: Callable[[], None] = lambda: None, *, spill: bool = False
) -> Iterator[Happened]:
    """The view `happened`: one row an event that somebody lived through in the span; `felt`: and in a lead before it.

    Columns: those of the event, `moment` (microseconds), `is_now` (of the later period), `who` it counts for, `origin`
    it was told under, `touchpoint` (never null), `is_stated` (the event says where). `run` is read from in one short
    transaction; `pause` is called between its pages. With `spill` it takes `MEMORY` and no more, and the disk beyond.
    Raises `DataError` where a file of the history is gone.
    """
    with one_moment(run):
        files = listed(run)
        waiting = pa.Table.from_batches(list(_waiting(run, pause)), _SCHEMA)
        owners = run.execute(
            "select external_id, customer_id, linked_at <= ?1 and coalesce(unlinked_at > ?1, true), unlinked_at is null"
            " from links",
            (span.now,),
        ).fetchall()
    wanted = [
        file
        for file in files
        if file.max_occurred_at > span.start - days(LEAD_DAYS) and file.min_occurred_at <= span.now
    ]
    with _engine(home.derived / "spill" if spill else None) as engine:
        engine.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        engine.register("waiting", waiting)
        engine.register("owners", _owners(owner[:2] for owner in owners if owner[2]))
        erasing = [file for file in files if '"erasure"' in file.filled]
        told = engine.execute(
            f"select distinct {_ORIGIN} from ({_events(home, erasing)}) where type = 'erasure'"
        ).fetchall()
        owned = [owner for owner in owners if owner[2] or owner[3]]  # then or now: an erasure acts on both
        gone = {origin for (origin,) in told}
        gone |= {owner for visitor, owner, *_ in owned if RESERVED_PREFIX + visitor in gone}
        engine.register("gone", pa.table({"origin": pa.array(sorted(gone), pa.string())}))
        engine.register("owners_ever", _owners(owner[:2] for owner in owned))
        engine.execute(_VIEW.format(events=_events(home, wanted), place=place_sql(), origin=_ORIGIN, **_bounds(span)))
        begins = [to_us(first)] if (first := pc.min(waiting["occurred_at"]).as_py()) else []
        yield Happened(engine, min([*begins, *(file.min_occurred_at for file in files)], default=None))


@contextmanager
def _engine(spill: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1, "temp_directory": str(spill or "")}) as engine:
        if spill:
            shutil.rmtree(spill, ignore_errors=True)  # of one that was killed
            engine.execute(f"set memory_limit = '{MEMORY}'")
        yield engine


_ORIGIN = f"coalesce(customer_id, '{RESERVED_PREFIX}' || anonymous_id)"
_VIEW = """
create temp view felt as
with told as (
    select * exclude (touchpoint), epoch_us(occurred_at) as moment, {origin} as origin,
        {place} as touchpoint, touchpoint is not null as is_stated
    from ({events})
    where occurred_at > {lead} and occurred_at <= {now} and received_at <= {now} and type in {felt}
    and not (type = 'contact' and status in {unfelt})
)
select told.*, coalesce(o.customer, told.origin) as who, told.occurred_at > {middle} as is_now
from told left join owners o on o.origin = told.origin
where told.origin not in (from gone) and coalesce(o.customer, told.origin) not in (from gone)
and told.origin not in (select e.origin from owners_ever e where e.customer in (from gone));
create temp view happened as from felt where occurred_at > {start}
"""


def _bounds(span: Span) -> dict[str, str]:
    moments = span._asdict() | {"lead": span.start - days(LEAD_DAYS)}
    instants = {name: f"timestamptz '{from_us(at).isoformat()}'" for name, at in moments.items()}
    return instants | {"felt": str(FELT), "unfelt": str(UNFELT_CONTACTS)}


def _events(home: Home, files: Iterable[Any]) -> str:
    """SQL for the events of these files and of the live end."""
    columns = ", ".join(_COLUMNS)
    paths = ", ".join("'" + str(path).replace("'", "''") + "'" for path in checked_paths(home, files))
    history = f"select {columns} from read_parquet([{paths}], hive_partitioning = false) union all " if paths else ""
    return f"{history}select {columns} from waiting"


def _waiting(run: Connection, pause: Callable[[], None]) -> Iterator[pa.RecordBatch]:
    types = ", ".join(f"'{name}'" for name in (*FELT, "erasure"))
    rows = run.stream(f"select body from pending where type in ({types})")
    while page := rows.fetchmany(_PAGE):
        events = [msgspec.structs.astuple(_read_waiting(body)) for (body,) in page]
        columns = [pa.array(values, f.type) for values, f in zip(zip(*events, strict=True), _SCHEMA, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)
        pause()


def _owners(rows: Iterable[tuple[str, str]]) -> pa.Table:
    found = list(rows)
    origins = [RESERVED_PREFIX + visitor for visitor, _ in found]
    return pa.table(
        {"origin": pa.array(origins, pa.string()), "customer": pa.array([o for _, o in found], pa.string())}
    )
