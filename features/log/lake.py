"""The lake: event history as Parquet files by day, and the list that says which of them count.

A file counts once `lake_files` lists it; until then it is an orphan that the next opening sweeps away. So a run becomes
visible, or not at all, by the one transaction that lists its files.
"""

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.columns import EVENT_SCHEMA
from features.durable import to_disk
from features.errors import DataError, HomeError
from features.events import EVENT_TYPES
from features.home import Home
from features.log.connection import Connection

SORT = ("type", "customer_id", "occurred_at", "event_id")
STAGING = ".staging"
ROWS_PER_FILE = 500_000
_DAY_US = 86_400_000_000
_WAIT_SECONDS = 60


@dataclass(frozen=True)
class LakeFile:
    """One file of the lake, as `lake_files` lists it. Times are microseconds since 1970 UTC."""

    path: str
    day: str
    rows: int
    bytes: int
    min_occurred_at: int
    max_occurred_at: int
    sha256: str
    run: int
    filled: str


@contextmanager
def only_writer(home: Home, *, wait: bool = True, of: str = "lake") -> Iterator[bool]:
    """Be the one process that writes files of the lake, or of what `of` names; the lock ends with its process.

    Gives False, without waiting, if `wait` is off and another is. Raises `HomeError` after waiting for a minute.
    """
    with (home.root / f"{of}.lock").open("a") as lock:
        held = False
        for _ in range(_WAIT_SECONDS * 10 if wait else 1):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = True
                break
            except BlockingIOError:
                if wait:
                    time.sleep(0.1)
        if wait and not held:
            raise HomeError(
                f"Another process is still writing the {of} in {home.root}. Start this one when it has ended."
            )
        yield held


def next_run(connection: Connection) -> int:
    """The number of the run to come: one more than that of any listed file."""
    return 1 + int(connection.execute("select coalesce(max(run), 0) from lake_files").fetchone()[0])


def sort(events: pa.Table) -> pa.Table:
    """Events in the order `write_days` needs."""
    day = pc.cast(pc.floor_temporal(events["occurred_at"], unit="day"), pa.int64())
    order = pc.sort_indices(
        events.append_column("_day", day), sort_keys=[(name, "ascending") for name in ("_day", *SORT)]
    )
    return events.take(order)


def write_days(home: Home, run: int, sorted_events: Iterable[pa.Table]) -> list[LakeFile]:
    """Write events that come sorted by day, then by `SORT`, a file per day: on the disk at return, not listed."""
    files: list[LakeFile] = []
    parts: list[pa.Table] = []
    day, rows, number = -1, 0, 0
    for events in sorted_events:
        days = pc.cast(events["occurred_at"], pa.int64()).to_numpy() // _DAY_US
        cuts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for start, end in pairwise(cuts):
            if start == end:
                continue
            if parts and (days[start] != day or rows >= ROWS_PER_FILE):
                files.append(_write(home, run, number, day, parts))
                number = number + 1 if days[start] == day else 0
                parts, rows = [], 0
            day = int(days[start])
            parts.append(events.slice(start, end - start))
            rows += end - start
    if parts:
        files.append(_write(home, run, number, day, parts))
    for file in files:
        to_disk(home.root / file.path)
    for folder in {(home.root / file.path).parent for file in files} | {home.lake}:
        if folder.exists():
            to_disk(folder)
    return files


def list_files(connection: Connection, files: Iterable[LakeFile]) -> None:
    """Make files count, in the caller's transaction."""
    rows = [tuple(vars(file).values()) for file in files]
    connection.executemany("insert into lake_files values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def listed(connection: Connection) -> list[LakeFile]:
    """The files that count, by day and run."""
    rows = connection.execute("select * from lake_files order by day, run, path")
    return [LakeFile(*row) for row in rows]


def checked_paths(home: Home, files: Iterable[LakeFile]) -> list[Path]:
    """The files' paths; raises `DataError` if one is gone or of another size than listed."""
    paths = []
    for file in files:
        path = home.root / file.path
        size = path.stat().st_size if path.exists() else None
        if size != file.bytes:
            found = "is missing" if size is None else f"has {size} bytes instead of {file.bytes}"
            raise DataError(
                f"The lake file {path} {found}. Put the file back from a backup, or ingest the sources into a new "
                "data folder: --home DIR."
            )
        paths.append(path)
    return paths


def damaged(home: Home, files: Iterable[LakeFile]) -> list[str]:
    """The paths of listed files that are gone or whose content is not what was written; reads every file."""
    return [
        file.path
        for file in files
        if not (home.root / file.path).exists() or _sha256(home.root / file.path) != file.sha256
    ]


def sweep(home: Home, connection: Connection) -> list[str]:
    """Remove what interrupted runs left behind: files not listed, staging folders. Needs `only_writer`.

    Returns the removed paths, relative to the data folder.
    """
    if not home.lake.exists():
        return []
    keep = {path for (path,) in connection.execute("select path from lake_files")}
    removed = []
    for folder in sorted(home.lake.iterdir()):
        if folder.name == STAGING:
            shutil.rmtree(folder)
            removed.append(str(folder.relative_to(home.root)))
            continue
        if not folder.name.startswith("day="):
            continue
        for path in sorted(folder.iterdir()):
            relative = str(path.relative_to(home.root))
            if relative not in keep:
                path.unlink()
                removed.append(relative)
        if not any(folder.iterdir()):
            folder.rmdir()
    return removed


def filled(events: pa.Table) -> dict[str, dict[str, int]]:
    """Per type: its rows, and for each payload field in how many rows it is filled."""
    told: dict[str, dict[str, int]] = {}
    for kind in pc.unique(events["type"]).to_pylist():
        part = events.filter(pc.equal(events["type"], kind))
        fields = {name: part.num_rows - part[name].null_count for name in EVENT_TYPES[kind].fields}
        told[kind] = {"rows": part.num_rows} | fields
    return told


def day_text(day: int) -> str:
    """The date of a day counted from 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _write(home: Home, run: int, number: int, day: int, parts: list[pa.Table]) -> LakeFile:
    events = pa.concat_tables(parts).combine_chunks()
    text = day_text(day)
    path = home.lake / f"day={text}" / f"{run:06d}-{number}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(events.cast(EVENT_SCHEMA), path, compression="zstd", row_group_size=ROWS_PER_FILE)
    occurred = pc.min_max(pc.cast(events["occurred_at"], pa.int64())).as_py()
    return LakeFile(
        path=str(path.relative_to(home.root)),
        day=text,
        rows=events.num_rows,
        bytes=path.stat().st_size,
        min_occurred_at=occurred["min"],
        max_occurred_at=occurred["max"],
        sha256=_sha256(path),
        run=run,
        filled=json.dumps(filled(events), sort_keys=True),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
