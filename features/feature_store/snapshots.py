"""Feature snapshots: one Parquet file a cutoff and kind, with a fingerprint of all it was made of inside."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.home import Home

BATCH, STATE = "batch", "state"
_STAMP = "as_of=%Y%m%dT%H%M%S"
_FINGERPRINT = b"tahdikas_fingerprint"


def snapshot_path(home: Home, kind: str, cutoff: datetime) -> Path:
    """Where the snapshot of a cutoff (aware, whole seconds) lies; raises `ValueError` for a finer cutoff."""
    if cutoff.tzinfo is None or cutoff.microsecond:
        raise ValueError(f"A cutoff is an aware datetime of whole seconds, got {cutoff!r}.")
    return home.features / kind / f"{cutoff.astimezone(UTC).strftime(_STAMP)}.parquet"


def snapshot_glob(home: Home, kind: str) -> str:
    """All snapshots of a kind, as DuckDB and Feast read them."""
    return str(home.features / kind / "as_of=*.parquet")


def snapshot_cutoffs(home: Home, kind: str) -> list[datetime]:
    """Cutoffs that have a snapshot, in order."""
    found = (home.features / kind).glob("as_of=*.parquet")
    return sorted(datetime.strptime(path.stem, _STAMP).replace(tzinfo=UTC) for path in found)


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint a snapshot was written with; None where there is no readable snapshot."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    told = metadata.get(_FINGERPRINT)
    return None if told is None else told.decode()


def write_snapshot(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], fingerprint: str) -> None:
    """Write a snapshot in one step: readers see the old file or the new one. Equal input gives equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with pq.ParquetWriter(draft, schema.with_metadata({_FINGERPRINT: fingerprint}), compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
