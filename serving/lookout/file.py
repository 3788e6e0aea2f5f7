"""The lookout's file: what it keeps of everybody on this host, and what the serving process reads of it.

All of it follows from the live store, so that it needs no care: it is made anew where it is absent, torn or of another
layout, is never brought up to date from an older one, and is no part of a copy of the folder.
"""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import msgspec

from features.home import Home
from serving.lookout.looked import Looked

log = logging.getLogger("tahdikas.lookout")

T = TypeVar("T")
LAYOUT = 1
_READER_WAITS_SECONDS = 1.0
_SCHEMA = f"""
create table looked (one integer primary key check (one = 1), body blob not null);
pragma user_version = {LAYOUT};
"""


def to_keep(home: Home) -> sqlite3.Connection:
    """The file, to be written to by the one lookout of the folder."""
    path = home.desk_db
    path.parent.mkdir(exist_ok=True)
    if not _is_sound(path):
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
    run = _opened(path, "rwc", _READER_WAITS_SECONDS)
    run.execute("pragma journal_mode = wal")
    run.execute("pragma synchronous = off")  # torn by a power loss it is made anew
    if _layout(run) != LAYOUT:
        run.executescript(_SCHEMA)
    return run


def asked(home: Home, question: Callable[[sqlite3.Connection], T]) -> T | None:
    """What the file says to a question, as of one moment; None where there is no file that can be used."""
    try:
        with closing(_opened(home.desk_db, "rw", _READER_WAITS_SECONDS)) as run:
            run.execute("begin")
            return question(run) if _layout(run) == LAYOUT else None
    except (sqlite3.Error, msgspec.MsgspecError):
        return None


def note_look(run: sqlite3.Connection, looked: Looked) -> None:
    """Keep what the watchdogs saw."""
    run.execute("insert or replace into looked values (1, ?)", (msgspec.json.encode(looked),))


def last_look(run: sqlite3.Connection) -> Looked | None:
    """What the watchdogs saw last."""
    row = run.execute("select body from looked").fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Looked)


def _opened(path: Path, mode: str, seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=seconds, isolation_level=None)


def _layout(run: sqlite3.Connection) -> int:
    (found,) = run.execute("pragma user_version").fetchone()
    return int(found)


def _is_sound(path: Path) -> bool:
    """Whether it can be gone on with."""
    if not path.exists():
        return False
    try:
        with closing(_opened(path, "rw", _READER_WAITS_SECONDS)) as run:
            return _layout(run) == LAYOUT and run.execute("pragma quick_check(1)").fetchone() == ("ok",)
    except sqlite3.Error:
        log.warning("the lookout's file cannot be read: it is made anew")
        return False
