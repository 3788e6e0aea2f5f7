"""The staging area of one import: judged and deduplicated batches wait here until the one transaction that shows them.

It is swept away if the import does not end: tables of ids, facts and rejects beside the live store, named `stage` in
statements, and the events themselves as Parquet in a folder of the lake, a file per batch.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.instants import to_us
from features.log.doubts import doubt_of, meant
from features.log.event_objects import object_of, plain_row
from features.log.identity import IdentityEvent
from features.log.lake import STAGING, sweep
from features.log.live_intake import conflict, identity_events
from features.log.packing import Packed, pack
from features.log.rejects import Reject, SourceBatch, raw_text
from features.log.store import connect
from features.log.validation import validate

_TABLES = (
    "create table stage.seen (event_id text primary key, content blob not null) without rowid",
    """create table stage.facts (
        origin_id text, occurred_at integer, event_id text, received_at integer, type text, channel text,
        touchpoint text, source text, payload_hash blob, body blob)""",
    """create table stage.identity_events (
        external_id text, occurred_at integer, event_id text, received_at integer, action text, customer_id text)""",
    """create table stage.rejects (
        id text, reason text, detail text, event_id text, raw text, type text, origin_id text, visitor_id text,
        place integer, mended integer not null default 0)""",
    "create index stage.rejects_by_event on rejects (event_id)",
    "create temp table incoming (place integer primary key, event_id text not null, content blob not null)",
)


class Staging:
    """A context manager; `connection` is its own connection to the live store, with the staging file attached."""

    def __init__(self, home: Home, source: str) -> None:
        self.home = home
        self.folder = home.lake / STAGING
        self.source = source
        self.connection = connect(home)
        self.read = self.accepted = self.duplicates = self.batches = 0
        self.rejected: Counter[str] = Counter()
        self.types: Counter[str] = Counter()
        self.marks: dict[str, tuple[int, int]] = {}

    def __enter__(self) -> "Staging":
        sweep(self.home, self.connection)
        self.folder.mkdir(parents=True)
        self.connection.open_stage(self.folder, _TABLES)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close_stage()
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, events: pa.Table, now: datetime) -> None:
        """Judge a batch, tell duplicates from news, and stage the news."""
        judged = validate(events, now)
        packed = pack(judged.accepted)
        start = self.read
        self.read += events.num_rows
        self.connection.begin_reading()  # of the store: what is staged is for this import alone
        self.reject(judged.rejected, start)
        new = self._new(judged.accepted, packed, judged.rows + start)
        self._mend((packed[place], start + int(judged.rows[place])) for place in new)
        fresh = judged.accepted if len(new) == len(packed) else judged.accepted.take(pa.array(new, pa.int64()))
        self._stage(fresh, [packed[place] for place in new])
        self.connection.commit()

    def reject(self, rejects: list[Reject], start: int = 0) -> None:
        """Stage rejects for the quarantine; `start` is the place in the import that their rows count from."""
        self.rejected.update(reject.reason.value for reject in rejects)
        self.connection.executemany(
            "insert into stage.rejects (id, reason, detail, event_id, raw, type, origin_id, visitor_id, place)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(r.key(self.source), r.reason.value, *r.told, *doubt_of(r.raw), start + r.row) for r in rejects],
        )

    def reject_unread(self, batch: SourceBatch) -> None:
        """Stage what the source itself could not read; where between the batch's events it stood is not known."""
        self.read += len(batch.rejected)
        end = self.read + batch.events.num_rows
        self.reject([replace(reject, row=0) for reject in batch.rejected], end)

    def _mend(self, accepted: Iterable[tuple[Packed, int]]) -> None:
        """What was rejected earlier in this import of events accepted now (with their places) leaves no doubt."""
        if self.rejected:
            self.connection.executemany(
                "update stage.rejects set mended = 1 where event_id = ?1 and place < ?2"
                f" and {meant('?3', '?4', 'rejects')}",
                ((event.event_id, place, event.origin_id, event.type) for event, place in accepted),
            )

    def overtaken(self) -> list[tuple[str, bool]]:
        """Staged events that came in live meanwhile: their ids, and whether with the same content."""
        rows = self.connection.execute(
            """select s.event_id, s.content = m.content from main.pending p
            join stage.seen s on s.event_id = p.event_id join main.seen m on m.event_id = p.event_id"""
        )
        return [(event_id, bool(same)) for event_id, same in rows]

    def drop(self, overtaken: list[tuple[str, bool]]) -> None:
        """Take overtaken events out again, as duplicates or to the quarantine."""
        ids = pa.array([event_id for event_id, _ in overtaken], pa.string())
        conflicting = {event_id for event_id, same in overtaken if not same}
        for path in self.files():
            events = pq.read_table(path, schema=EVENT_SCHEMA)
            hit = pc.is_in(events["event_id"], value_set=ids)
            gone = events.filter(hit)
            if not gone.num_rows:
                continue
            self.types.subtract(gone["type"].to_pylist())
            rows = [row for row in gone.to_pylist() if row["event_id"] in conflicting]
            self.reject([conflict(row["event_id"], raw_text(object_of(plain_row(row))), -1) for row in rows])
            pq.write_table(events.filter(pc.invert(hit)), path, compression="lz4")
        self.accepted -= len(overtaken)
        self.duplicates += len(overtaken) - len(conflicting)
        for table in ("seen", "facts", "identity_events"):
            self.connection.executemany(
                f"delete from stage.{table} where event_id = ?", [(event_id,) for event_id, _ in overtaken]
            )

    def files(self) -> list[Path]:
        """The staged events, as they came."""
        return sorted(self.folder.glob("*.parquet"))

    def by_day(self) -> Iterator[pa.Table]:
        """The staged events sorted by day, type, customer, time and id; sorted outside memory where it is short."""
        import duckdb

        if not self.files():
            return
        with closing(duckdb.connect(config={"temp_directory": str(self.folder / "sort")})) as engine:
            engine.execute("set TimeZone = 'UTC'; set threads = 2; set preserve_insertion_order = false")
            rows = engine.sql(
                f"select * from read_parquet('{_quoted(self.folder)}/*.parquet') order by "
                "occurred_at::date, type, customer_id nulls last, occurred_at, event_id"
            )
            for batch in rows.to_arrow_reader(100_000):
                yield pa.Table.from_batches([batch])

    def _new(self, accepted: pa.Table, packed: list[Packed], rows: npt.NDArray[np.int64]) -> list[int]:
        """The places of events not known before, neither from the log nor from this import."""
        everything = list(range(len(packed)))
        if self._all_unknown(packed):
            return everything
        first: dict[str, int] = {}
        known: dict[int, bytes] = {}
        for place, event in enumerate(packed):
            earlier = first.setdefault(event.event_id, place)
            if earlier != place:
                known[place] = packed[earlier].payload_hash
        self.connection.execute("delete from incoming")
        self.connection.executemany(
            "insert into incoming values (?, ?, ?)",
            ((place, packed[place].event_id, packed[place].payload_hash) for place in first.values()),
        )
        found = self.connection.execute(
            """select i.event_id, coalesce(m.content, s.content) from incoming i
            left join main.seen m on m.event_id = i.event_id left join stage.seen s on s.event_id = i.event_id
            where m.content is not null or s.content is not null"""
        )
        before = dict(found)
        if before:
            known |= {p: before[e.event_id] for p, e in enumerate(packed) if e.event_id in before}
        conflicts = [place for place, content in known.items() if content != packed[place].payload_hash]
        self.duplicates += len(known) - len(conflicts)
        for place in sorted(conflicts):
            row = accepted.slice(place, 1).to_pylist()[0]
            raw = raw_text(object_of(plain_row(row)))
            self.reject([conflict(packed[place].event_id, raw, int(rows[place]))])
        new = [place for place in everything if place not in known]
        self._remember([packed[place] for place in new])
        return new

    def _all_unknown(self, packed: list[Packed]) -> bool:
        """The short way for the common first import: into an empty log, with no id twice."""
        if self.connection.execute("select 1 from main.seen limit 1").fetchone():
            return False
        self.connection.execute("savepoint batch")
        unknown = self._remember(packed) == len(packed)
        if not unknown:
            self.connection.execute("rollback to batch")
        self.connection.execute("release batch")
        return unknown

    def _remember(self, packed: list[Packed]) -> int:
        """Stage ids; gives how many of them were not staged before."""
        ids = sorted([(event.event_id, event.payload_hash) for event in packed])
        written = self.connection.executemany("insert into stage.seen values (?, ?) on conflict do nothing", ids)
        return max(0, written.rowcount)

    def _stage(self, events: pa.Table, packed: list[Packed]) -> None:
        self.accepted += len(packed)
        self.types.update(event.type for event in packed)
        if not packed:
            return
        self.connection.executemany(
            f"insert into stage.facts values ({', '.join('?' * len(Packed._fields))})",
            [event for event in packed if event.type != "browse"],
        )
        self.connection.executemany(
            "insert into stage.identity_events values (?, ?, ?, ?, ?, ?)", _identity_rows(events, packed)
        )
        latest = events.group_by("source").aggregate([("occurred_at", "max"), ("received_at", "max")])
        for row in latest.to_pylist():
            marks = self.marks.get(row["source"], (0, 0))
            new = (to_us(row["occurred_at_max"]), to_us(row["received_at_max"]))
            self.marks[row["source"]] = (max(marks[0], new[0]), max(marks[1], new[1]))
        pq.write_table(events, self.folder / f"{self.batches:06d}.parquet", compression="lz4")
        self.batches += 1


def _identity_rows(events: pa.Table, packed: list[Packed]) -> list[IdentityEvent]:
    rows = [place for place, event in enumerate(packed) if event.type == "identity"]
    ids = events.select(["anonymous_id", "external_id", "action"]).take(pa.array(rows, pa.int64())).to_pylist()
    return [
        statement
        for place, row in zip(rows, ids, strict=True)
        for statement in identity_events(packed[place], row["anonymous_id"], row["external_id"], row["action"])
    ]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
