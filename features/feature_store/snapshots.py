"""Feature snapshots: at each cutoff a folder of Parquet parts, and a manifest that says what they were made of.

A snapshot is written under a hidden name and appears whole, by one rename, as the next version of its cutoff. Readers
take the newest whole version; what a killed run left behind is never read, and swept at the next building.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from features.durable import to_disk
from features.home import Home

BATCH, STATE = "batch", "state"
MANIFEST = "manifest.json"
_STAMP = "as_of=%Y%m%dT%H%M%S"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot was made of: its version is (cutoff, position, schema).

    `position` is the newest run of the event log's lake that it knows of; `facts` the newest fact and `catalogue` a
    hash of the catalogue's file: where all three are what they were, nothing can be new. `lake` is a hash of the files
    up to that run: a log put back from a copy does not begin with them. `schema` is the hash of the
    ordered names and types of its features, `basis` one of all code and rules it depends on. `events` is how many
    events were known and their ids mixed into one number; `links`, `items` and `erased` the same of what was known of
    each. `present` are the types of event in the log. `files` are (name in the folder, bytes).
    """

    position: int
    facts: int
    lake: str = ""
    catalogue: str
    schema: str
    basis: str
    events: tuple[int, int]
    links: tuple[int, int]
    items: tuple[int, int]
    erased: tuple[int, int]
    present: tuple[str, ...] = ()
    rows: int = 0
    files: tuple[tuple[str, int], ...] = ()

    @property
    def fingerprint(self) -> str:
        """The same for every snapshot made of the same things, whole or by increments."""
        told = (self.schema, self.basis, self.events, self.links, self.items, self.erased)
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """One whole snapshot on the disk."""

    kind: str
    cutoff: datetime
    folder: Path
    manifest: Manifest

    @property
    def files(self) -> list[Path]:
        """Its Parquet parts, in order."""
        return [self.folder / name for name, _ in self.manifest.files if "/" not in name]

    def seen(self, what: str) -> list[Path]:
        """The parts of what it saw of `links`, `items` or `erased`, for telling what became different since.

        `gone` are its tombstones: customers whom the snapshots it was made from had, and it has not.
        """
        return [self.folder / name for name, _ in self.manifest.files if name.startswith(f"{what}/")]

    @property
    def version(self) -> int:
        """How often a snapshot of this cutoff was made, this one included, as far as it is remembered."""
        return int(self.folder.name)


def snapshots(home: Home, kind: str) -> list[Snapshot]:
    """The newest whole snapshot of each cutoff, by cutoff."""
    folders = [folder for folder in sorted((home.features / kind).glob("as_of=*")) if folder.is_dir()]
    return [newest for folder in folders if (newest := _newest(kind, folder)) is not None]


def snapshot(home: Home, kind: str, cutoff: datetime) -> Snapshot | None:
    """The newest whole snapshot of a cutoff; None where there is none."""
    return _newest(kind, _folder(home, kind, cutoff))


def snapshot_cutoffs(home: Home, kind: str) -> list[datetime]:
    """Cutoffs that have a snapshot, in order."""
    return [one.cutoff for one in snapshots(home, kind)]


def snapshot_glob(home: Home, kind: str) -> str:
    """Every part of every snapshot of a kind, as Feast is told of it."""
    return str(home.features / kind / "as_of=*" / "[0-9]*" / "part-*.parquet")


def snapshot_files(home: Home, kind: str) -> list[Path]:
    """Every part of every snapshot of a kind: what training may read."""
    return [path for one in snapshots(home, kind) for path in one.files]


def parquet_list(files: Iterable[Path]) -> str:
    """Files as the SQL list that DuckDB's `read_parquet` takes."""
    return "[" + ", ".join("'" + str(file).replace("'", "''") + "'" for file in files) + "]"


def parquet_of(files: Iterable[Path]) -> str:
    """The rows of files for DuckDB, without columns made of the folders' names."""
    return f"read_parquet({parquet_list(files)}, hive_partitioning = false)"


@contextmanager
def drafting(home: Home, kind: str, cutoff: datetime) -> Iterator[Path]:
    """A hidden folder to write the parts of a snapshot into; `keep` makes it one, else it goes."""
    folder = _folder(home, kind, cutoff)
    draft = folder / f".{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def keep(home: Home, kind: str, cutoff: datetime, draft: Path, manifest: Manifest) -> Snapshot:
    """Make a draft the snapshot of its cutoff: durable and whole, or not there at all."""
    folder = _folder(home, kind, cutoff)
    parts = sorted(draft.rglob("*.parquet"))
    rows = sum(pq.read_metadata(part).num_rows for part in parts if part.parent == draft)
    files = tuple((str(part.relative_to(draft)), part.stat().st_size) for part in parts)
    told = msgspec.structs.replace(manifest, rows=rows, files=files)
    (draft / MANIFEST).write_bytes(msgspec.json.encode(told))
    for path in (*parts, *sorted({part.parent for part in parts}), draft / MANIFEST, draft):
        to_disk(path)
    before = _versions(folder)
    final = folder / f"{1 + max(before, default=0):06d}"
    draft.rename(final)
    to_disk(folder)
    for version in before:
        shutil.rmtree(folder / f"{version:06d}")
    return Snapshot(kind, cutoff, final, told)


def note(one: Snapshot, manifest: Manifest) -> Snapshot:
    """Say of a snapshot that stays as it is what it knows of now."""
    draft = one.folder / f".{MANIFEST}"
    draft.write_bytes(msgspec.json.encode(manifest))
    to_disk(draft)
    draft.replace(one.folder / MANIFEST)
    to_disk(one.folder)
    return Snapshot(one.kind, one.cutoff, one.folder, manifest)


def remove(one: Snapshot) -> None:
    """Take a snapshot away, so that none that is out of date can be read."""
    shutil.rmtree(one.folder)
    if not any(one.folder.parent.iterdir()):
        one.folder.parent.rmdir()


def sweep(home: Home, kind: str) -> None:
    """Remove drafts, older versions, torn snapshots and files of an older layout. One process at a time."""
    top = home.features / kind
    for folder in top.glob("as_of=*"):
        if not folder.is_dir():
            folder.unlink()
            continue
        newest = _newest(kind, folder)
        for inside in folder.iterdir():
            if newest is None or inside != newest.folder:
                shutil.rmtree(inside)
        if newest is None:
            folder.rmdir()


def _folder(home: Home, kind: str, cutoff: datetime) -> Path:
    """Where the snapshots of a cutoff (aware, whole seconds) lie; raises `ValueError` for a finer cutoff."""
    if cutoff.tzinfo is None or cutoff.microsecond:
        raise ValueError(f"A cutoff is an aware datetime of whole seconds, got {cutoff!r}.")
    return home.features / kind / cutoff.astimezone(UTC).strftime(_STAMP)


def _versions(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.glob("[0-9]*")) if folder.exists() else []


def _newest(kind: str, folder: Path) -> Snapshot | None:
    cutoff = datetime.strptime(folder.name, _STAMP).replace(tzinfo=UTC)
    for version in reversed(_versions(folder)):
        inside = folder / f"{version:06d}"
        try:
            manifest = msgspec.json.decode((inside / MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError):
            continue
        if all((inside / name).exists() and (inside / name).stat().st_size == size for name, size in manifest.files):
            return Snapshot(kind, cutoff, inside, manifest)
    return None
