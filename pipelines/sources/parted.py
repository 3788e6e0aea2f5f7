"""Sources larger than memory: brought into order once, outside memory, then read in parts that each stand alone.

Bringing into order makes a folder of Parquet files sorted by time, with the quarantine's rows and the catalogue's items
beside them. A part is a span of whole UTC days of it: the same files always give the same parts, and after some of them
the log is as it was at the end of their last day.
"""

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import as_items
from pipelines.sources.base import SourceBatch
from pipelines.sources.relation import connect, event_batches, reject_batches, sql_text

MEMORY = "1GB"
PART_ROWS = 250_000
REJECTS = "rejects"
_LISTED = "parts.json"


@dataclass(frozen=True)
class Part:
    """The days from `start` up to and without `end` (UTC, as 2026-01-31), and its rows; or the rejects (no days)."""

    name: str
    start: str
    end: str
    rows: int


class PartedSource(ABC):
    """A source whose files may be larger than memory. What it converts depends on the files and `version` alone.

    `convert` fills a folder; `tables` names the files in it that have rows of events, sorted by their column `moment`;
    `queries` make events of them, `{start}` to `{end}` being the part's days.
    """

    name: str
    lag: timedelta
    missing: tuple[str, ...]
    version: int
    tables: tuple[str, ...]
    queries: tuple[str, ...]

    def __init__(self, *, part_rows: int = PART_ROWS) -> None:
        self.part_rows = part_rows

    @abstractmethod
    def files(self, path: Path) -> list[Path]:
        """The raw files that count. Raises `SourceError` where one is absent."""

    @abstractmethod
    def convert(self, con: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> None:
        """Make `tables`, `rejects.parquet` and `items.parquet` in the folder. Raises `SourceError` for broken files."""

    def prepare(self, path: Path, folder: Path) -> None:
        """Bring the files into order in `folder`, which is there, whole, or not at all."""
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        with closing(bounded(draft)) as con:
            self.convert(con, path, draft)
            parts = self._cut(con, draft)
        for left in draft.glob("work*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        (draft / _LISTED).write_text(json.dumps([asdict(part) for part in parts], indent=1), encoding="utf-8")
        draft.rename(folder)

    def parts(self, folder: Path) -> list[Part]:
        """The parts of a prepared folder, in the order of time; the rejects last."""
        return [Part(**told) for told in json.loads((folder / _LISTED).read_text(encoding="utf-8"))]

    def read(self, folder: Path, part: Part) -> Iterator[SourceBatch]:
        """The events, or rejects, of a part."""
        with closing(connect()) as con:
            con.execute(f"SET memory_limit = '{MEMORY}'; SET threads = 2")
            for table in (*self.tables, REJECTS):
                con.execute(f"CREATE VIEW {table} AS FROM read_parquet({sql_text(folder / f'{table}.parquet')})")
            if part.name == REJECTS:
                yield from reject_batches(con, f"SELECT event_id, reason, detail, raw FROM {REJECTS}")
                return
            for query in self.queries:
                span = {"start": f"'{part.start} 00:00:00+00'", "end": f"'{part.end} 00:00:00+00'"}
                yield from event_batches(con, query.format(lag=int(self.lag.total_seconds()), **span))

    def prepared_items(self, folder: Path) -> pa.Table:
        """The catalogue of a prepared folder."""
        return as_items(pq.read_table(folder / "items.parquet"))

    def batches(self, path: Path) -> Iterator[SourceBatch]:
        """All parts after each other."""
        with TemporaryDirectory() as folder:
            self.prepare(path, Path(folder) / self.name)
            for part in self.parts(Path(folder) / self.name):
                yield from self.read(Path(folder) / self.name, part)

    def items(self, path: Path) -> pa.Table:
        """The catalogue."""
        with TemporaryDirectory() as folder:
            self.prepare(path, Path(folder) / self.name)
            return self.prepared_items(Path(folder) / self.name)

    def total_rows(self, path: Path) -> int | None:
        """None: the rows are known once they are in order."""
        return None

    def _cut(self, con: duckdb.DuckDBPyConnection, folder: Path) -> list[Part]:
        tables = [f"SELECT moment FROM read_parquet({sql_text(folder / f'{table}.parquet')})" for table in self.tables]
        counted = f"SELECT moment::DATE, count(*) FROM ({' UNION ALL '.join(tables)}) GROUP BY 1 ORDER BY 1"
        parts = cut_days(con.execute(counted).fetchall(), self.part_rows)
        rejects = pq.read_metadata(folder / f"{REJECTS}.parquet").num_rows
        return [*parts, *([Part(REJECTS, "", "", rejects)] if rejects else [])]


def cut_days(days: Iterable[tuple[date, int]], rows: int) -> list[Part]:
    """Parts of whole days, of at least so many rows where that is possible, from (day, rows) in order.

    >>> [part.name for part in cut_days([(date(2026, 1, 1), 2), (date(2026, 1, 3), 2), (date(2026, 1, 4), 9)], 4)]
    ['2026-01-01', '2026-01-04']
    """
    parts: list[Part] = []
    first: date | None = None
    last, count = date.min, 0
    for day, found in days:
        first, last, count = first or day, day, count + found
        if count >= rows:
            parts.append(_part(first, last, count))
            first, count = None, 0
    return [*parts, *([] if first is None else [_part(first, last, count)])]


def bounded(folder: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB that keeps its tables, and what does not fit into `MEMORY`, in files `work*` of a folder."""
    con = duckdb.connect(str(folder / "work.duckdb"))
    con.execute(
        f"SET TimeZone = 'UTC'; SET memory_limit = '{MEMORY}'; SET threads = 2;"
        f"SET temp_directory = {sql_text(folder / 'work-spilled')}"
    )
    return con


def keep(con: duckdb.DuckDBPyConnection, folder: Path, table: str, query: str) -> None:
    """Write the rows of a query, in their order, as a table of the folder."""
    file = sql_text(folder / f"{table}.parquet")
    con.execute(f"COPY ({query}) TO {file} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 60000)")


def _part(first: date, last: date, rows: int) -> Part:
    return Part(first.isoformat(), first.isoformat(), (last + timedelta(days=1)).isoformat(), rows)
