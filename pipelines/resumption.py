"""An import in parts: each becomes visible together with a mark that it is in, so that a killed import can go on.

The files are brought into order once, in `imports/` of the data folder; the next run of the same files, however this
one ended, reads only parts without a mark. Files that changed, if by a byte, are another import.
"""

import fcntl
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HomeError
from features.home import Home
from features.log.following import Following
from features.log.history_intake import IngestReport, take_history
from features.log.marks import marks
from features.log.store import connect
from pipelines.catalogue import refuse_faulty
from pipelines.sources.base import SourceBatch
from pipelines.sources.parted import REJECTS, PartedSource

Heard = Callable[[Iterator[SourceBatch]], Iterator[SourceBatch]]


class Progress(Protocol):
    """Called with the rows done so far, how many there are, and what is being done."""

    def __call__(self, done: int, total: int | None = None, text: str | None = None) -> None: ...


def ingest_parts(
    home: Home,
    source: PartedSource,
    path: Path,
    *,
    now: datetime,
    heard: Heard,
    following: Following,
    progress: Progress,
) -> tuple[IngestReport, pa.Table]:
    """Take in those parts of the files that are not in the log yet; gives the report of all, and the items.

    `heard` passes the batches on, with what was learned when; `following` says what follows from what is
    written. Raises `SourceError` for broken files, `HomeError` if the same source is being imported by somebody else.
    """
    files = source.files(path)
    with _alone(home, source.name):
        progress(0, text="reading the files' sums")
        key = f"{source.name}:{digest(source, files)}"
        folder = _prepared(home, source, path, key, progress)
        parts = source.parts(folder)
        known = taken(home, key)
        reports = []
        done = 0
        total = sum(part.rows for part in parts)
        for number, part in enumerate(parts, start=1):
            if part.name not in known:
                text = f"part {number} of {len(parts)}: {part.name}"
                progress(done, total, text)

                def tell(read: int, before: int = done, rows: int = part.rows, text: str = text) -> None:
                    progress(before + min(read, rows), total, text)

                batches = heard(source.read(folder, part))
                mark = f"{key}:{part.name}"
                reports.append(
                    take_history(
                        home, batches, source=source.name, now=now, progress=tell, part=mark, following=following
                    )
                )
            done += part.rows
        progress(done, total)
        return _together(source.name, len(parts), list(known.values()), reports), source.prepared_items(folder)


def finished(home: Home, source: PartedSource) -> None:
    """All parts and the items are in: of the ordered files only the items are kept, for a repetition."""
    for folder in home.imports.glob(f"{source.name}-*"):
        for table in source.tables:
            (folder / f"{table}.parquet").unlink(missing_ok=True)


def taken(home: Home, key: str) -> dict[str, dict[str, Any]]:
    """The parts of an import that are in the log, by name, with what their reports told."""
    with closing(connect(home)) as connection:
        return marks(connection, f"{key}:")


def digest(source: PartedSource, files: list[Path]) -> str:
    """What an import is known by: SHA-256 over the files' names and bytes, and over how they are converted and cut."""
    sums = [f"{source.version} {source.part_rows}"]
    for file in files:
        with file.open("rb") as content:
            sums.append(f"{file.name} {hashlib.file_digest(content, 'sha256').hexdigest()}")
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()[:32]


def _prepared(home: Home, source: PartedSource, path: Path, key: str, progress: Progress) -> Path:
    folder = home.imports / key.replace(":", "-")
    for other in home.imports.glob(f"{source.name}-*"):
        if other != folder:
            shutil.rmtree(other)
    if folder.exists() and not _complete(home, source, folder, key):
        shutil.rmtree(folder)
    if not folder.exists():
        progress(0, text="bringing the files into order")
        source.prepare(path, folder)
    refuse_faulty(source.prepared_items(folder), str(path))
    return folder


def _complete(home: Home, source: PartedSource, folder: Path, key: str) -> bool:
    """Whether what is still to be read is there, and whole: a machine that lost its power may leave files torn."""
    try:
        known = taken(home, key)
        waiting = any(part.name not in known for part in source.parts(folder))
        for table in ("items", *((*source.tables, REJECTS) if waiting else ())):
            pq.read_metadata(folder / f"{table}.parquet")
    except (ValueError, OSError):
        return False
    return True


@contextmanager
def _alone(home: Home, name: str) -> Iterator[None]:
    """Be the only import of this source; the lock ends with the process, however it ends."""
    home.imports.mkdir(parents=True, exist_ok=True)
    with (home.imports / f"{name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeError(
                f"Another import of {name} into {home.root} is running. Start this one when it has ended."
            ) from error
        yield


def _together(source: str, parts: int, known: list[dict[str, Any]], reports: list[IngestReport]) -> IngestReport:
    """One report of parts taken by this run and of those that were in before."""
    rejected: Counter[str] = Counter()
    by_type: Counter[str] = Counter()
    for told in [*known, *(report.to_json() for report in reports)]:
        rejected.update(told["rejected"])
    for report in reports:
        by_type.update(report.by_type)
    days = sorted(day for report in reports for day in (report.first_day, report.last_day) if day is not None)
    return IngestReport(
        source=source,
        read=sum(told["read"] for told in known) + sum(report.read for report in reports),
        accepted=sum(report.accepted for report in reports),
        duplicates=sum(told["accepted"] + told["duplicates"] for told in known) + sum(r.duplicates for r in reports),
        rejected=dict(sorted(rejected.items())),
        by_type=dict(sorted(by_type.items())),
        days=sum(report.days for report in reports),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        parts=parts,
        parts_known=len(known),
    )
