"""A copy of the data folder while everything goes on: whole as of one moment, looked through before it counts."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.durable import to_disk
from features.errors import HomeError
from features.home import Home
from features.log import lake
from features.log.settings import load_settings
from features.log.store import connect

_WRITERS = ("features", "online", "promotion", "lake")  # in the order in which commands take them
_OF_PROCESSES = (".lock", ".turn", ".unsynced", "-wal", "-shm", "-journal")
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Backup:
    """What was copied. `live_store` says where events, state and decisions are: in the copy, or on a server."""

    folder: str
    files: int
    bytes: int
    live_store: str

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        told = f"{self.files} files, {self.bytes / 1e6:.1f} MB, are copied to {self.folder}."
        if self.live_store == "sqlite":
            return told
        return f"{told} Events, state and decisions are on the PostgreSQL server: copy them with its own tools."


def backup(home: Home, target: Path) -> Backup:
    """Copy the folder to `target`, which must not be there yet; a service goes on meanwhile, other writers wait.

    The live store is copied last and as of one moment: whatever was acknowledged before the call is in the copy, and
    no list or model in it is newer than its decisions. The copy gets its name when all of it is on the disk and no
    database or lake file in it is damaged. Raises `HomeError` where that cannot be.
    """
    target = target.absolute()
    if target.exists() or target.is_relative_to(home.root):
        fault = "is there already" if target.exists() else f"lies in the data folder {home.root} itself"
        raise HomeError(f"{target} {fault}. Name a folder that is yet to be made, best on another disk.")
    engine = load_settings(home).engine
    if engine == "sqlite" and not home.live_db.exists():
        raise HomeError(f"{home.live_db} does not exist: there is nothing to copy yet.")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        done = _copy(home, part)
        part.rename(target)
        to_disk(target.parent)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        fault = f"{home.root} could not be copied to {target} ({error})"
        raise HomeError(f"{fault}. Mend that, then copy again.") from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Backup(str(target), len(done), sum(done), engine)


def _copy(home: Home, part: Path) -> list[int]:
    """Copy all files; the bytes of each."""
    with ExitStack() as held:
        for name in _WRITERS:
            held.enter_context(lake.only_writer(home, of=name))
        part.mkdir(parents=True)
        with closing(connect(home, read_only=True)) as run:
            listed = lake.listed(run)
        files = sorted(_files(home), key=lambda path: (path == home.live_db, path))
        sizes = [_copy_one(path, part / path.relative_to(home.root)) for path in files]
        damaged = lake.damaged(Home(part), listed)
        if damaged:
            raise HomeError(f"{home.root} has damaged or lost files: {', '.join(damaged)}. Nothing was copied.")
        for folder, _, _ in os.walk(part):
            to_disk(Path(folder))
    return sizes


def _files(home: Home) -> Iterator[Path]:
    for folder, inner, names in os.walk(home.root):
        inner[:] = [name for name in inner if Path(folder, name) != home.derived]
        yield from (Path(folder, name) for name in names if not name.endswith(_OF_PROCESSES))


def _copy_one(source: Path, target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    if is_database:
        _copy_database(source, target)
    else:
        shutil.copy2(source, target)
    to_disk(target)
    return target.stat().st_size


def _copy_database(source: Path, target: Path) -> None:
    """One moment of a database that others write to; raises `sqlite3.DatabaseError` where the copy is not sound."""
    with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as of, closing(sqlite3.connect(target)) as to:
        of.backup(to)
        (told,) = to.execute("pragma integrity_check(1)").fetchone()
        if told != "ok":
            raise sqlite3.DatabaseError(f"{source} is damaged: {told}")
