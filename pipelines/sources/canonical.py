"""Files that already speak our words: events as Parquet, CSV or JSONL, and items beside them.

A path is one file of events, or a folder with `events*.parquet|csv|jsonl` and, if there is a catalogue,
`items.parquet` or `items.csv`. docs/events.md lists the columns. Where `received_at` is absent, an event counts as
received when it occurred.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import ITEM_SCHEMA
from features.columns import EVENT_SCHEMA
from features.errors import SourceError
from features.log.rejects import raw_text
from features.log.rules import CURRENT_VERSION
from features.log.validation import conform, rows_from_json
from pipelines.sources.base import Reason, Reject, SourceBatch
from pipelines.sources.flat_csv import check_text, read_csv
from pipelines.sources.flat_parquet import read_parquet

NEEDED = ("event_id", "type", "occurred_at")
SUFFIXES = (".parquet", ".csv", ".jsonl")
_OBJECTS = 10_000


class Canonical:
    """Converter of canonical files: types are checked, nothing else is changed."""

    name = "canonical"
    lag = timedelta(0)
    missing: tuple[str, ...] = ()

    def batches(self, path: Path) -> Iterator[SourceBatch]:
        """Events of all files in the order of their names. Raises `SourceError` for a file broken as a whole."""
        for file in _event_files(path):
            if file.suffix == ".jsonl":
                yield from _read_jsonl(file, self.name)
                continue
            read = read_csv if file.suffix == ".csv" else read_parquet
            for batch in read(file, EVENT_SCHEMA, NEEDED):
                yield SourceBatch(_with_defaults(batch.events, self.name), batch.rejected)

    def items(self, path: Path) -> pa.Table | None:
        """The folder's catalogue, if it has one. Raises `SourceError` for rows that cannot be read."""
        for suffix, read in ((".parquet", read_parquet), (".csv", read_csv)):
            file = path / f"items{suffix}"
            if not path.is_dir() or not file.exists():
                continue
            batches = list(read(file, ITEM_SCHEMA, ("item_id",)))
            rejected = [reject for batch in batches for reject in batch.rejected]
            if rejected:
                raise SourceError(f"{file}: {rejected[0].detail}. Correct it; no item was taken.")
            return pa.concat_tables([batch.events for batch in batches]) if batches else None
        return None

    def total_rows(self, path: Path) -> int | None:
        """Rows by the Parquet footers or the line ends; about right where CSV values have line ends inside."""
        return sum(_rows(file) for file in _event_files(path))


def _event_files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(f for f in path.glob("events*") if f.suffix in SUFFIXES)
        if files:
            return files
        raise SourceError(f"The folder {path} has no events*.parquet, .csv or .jsonl. Name a file, or another folder.")
    if not path.exists():
        raise SourceError(f"There is no file {path}. Check the name.")
    if path.suffix not in SUFFIXES:
        raise SourceError(f"{path} ends in {path.suffix!r}; canonical events are read as .parquet, .csv or .jsonl.")
    return [path]


def _with_defaults(events: pa.Table, source: str) -> pa.Table:
    count = events.num_rows
    defaults = {
        "received_at": events["occurred_at"],
        "source": pa.array([source] * count, pa.string()),
        "schema_version": pa.array([CURRENT_VERSION] * count, pa.int16()),
    }
    for name, values in defaults.items():
        if name not in events.column_names:
            events = events.append_column(name, values)
    return conform(events)


def _read_jsonl(path: Path, source: str) -> Iterator[SourceBatch]:
    check_text(path, table=False)
    objects: list[Any] = []
    rejects: list[Reject] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                objects.append(_heard_at_once(msgspec.json.decode(line)))
            except (msgspec.DecodeError, RecursionError) as error:
                if not line.endswith(b"\n"):
                    raise SourceError(
                        f"{path}, line {number}: the file is cut in its last line ({error}). Nothing of it was taken; "
                        "export it again, whole."
                    ) from error
                detail = f"line {number} of {path.name} is no JSON: {error}"
                rejects.append(Reject(None, Reason.UNPARSEABLE, detail, raw_text(line.decode().rstrip("\n"))))
            if len(objects) == _OBJECTS:
                yield _converted(objects, rejects, source)
                objects, rejects = [], []
    yield _converted(objects, rejects, source)


def _converted(objects: list[Any], rejects: list[Reject], source: str) -> SourceBatch:
    # Every object has its received_at by now, or is rejected for want of occurred_at; this default is never kept.
    events, rejected = rows_from_json(objects, source=source, received_at=datetime(1970, 1, 1, tzinfo=UTC))
    return SourceBatch(events, [*rejects, *rejected])


def _heard_at_once(value: Any) -> Any:
    if isinstance(value, dict) and value.get("received_at") is None and "occurred_at" in value:
        return value | {"received_at": value["occurred_at"]}
    return value


def _rows(file: Path) -> int:
    if file.suffix == ".parquet":
        try:
            return int(pq.read_metadata(file).num_rows)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{file} cannot be read as Parquet ({error}). Export the file again, whole.") from error
    with file.open("rb") as lines:
        count = sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))
    return max(0, count - 1) if file.suffix == ".csv" else count
