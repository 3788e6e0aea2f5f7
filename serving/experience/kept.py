"""Finished reports, kept in a file of their own, so that a page need not count over everybody.

The file is derived: whoever deletes it loses nothing. It is made anew where it is absent, torn, or of another layout;
until then nothing is kept, and whoever asks counts for herself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

LAYOUT = 1
_PATIENCE_SECONDS = 0.2
_COLUMNS = "as_of, good_until, due_at, position, policy, body"


class Kept(NamedTuple):
    """A report of `as_of`, to be shown until `good_until` and made again from `due_at` on (microseconds).

    It tells of the log up to `position`, and judges by the policy of that hash.
    """

    as_of: int
    good_until: int
    due_at: int
    position: int
    policy: str
    body: bytes


class KeptReports:
    """The reports of one file, by kind and days looked back. Safe to share between threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, kind: str, days: int) -> Kept | None:
        """One report; None where it is not there or cannot be read."""
        if not self.path.exists():
            return None
        try:
            with _opened(f"{self.path.as_uri()}?mode=ro") as file:
                if _layout(file) != LAYOUT:
                    return None
                query = f"select {_COLUMNS} from reports where kind = ? and days = ?"
                row = file.execute(query, (kind, days)).fetchone()
        except sqlite3.Error:
            return None
        return None if row is None else Kept(*row)

    def put(self, kind: str, days: int, report: Kept) -> None:
        """Keep a report in the place of the one before. Raises `sqlite3.Error` where not even an empty file can be
        written.
        """
        try:
            self._put(kind, days, report)
        except sqlite3.OperationalError:  # locked, or the disk is full: what is there may be sound
            raise
        except sqlite3.DatabaseError:
            self.clear()
            self._put(kind, days, report)

    def clear(self) -> None:
        """Let nothing be kept, nor left behind on the disk."""
        for end in ("", "-journal"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def _put(self, kind: str, days: int, report: Kept) -> None:
        self.path.parent.mkdir(exist_ok=True)
        with _opened(self.path.as_uri()) as file:
            file.execute("pragma secure_delete = on")
            layout = _layout(file)
            if layout not in (0, LAYOUT):
                raise sqlite3.DatabaseError(f"layout {layout}")
            file.execute("begin immediate")
            file.execute(
                """create table if not exists reports (kind text, days integer, as_of integer, good_until integer,
                due_at integer, position integer, policy text, body blob, primary key (kind, days))"""
            )
            file.execute(f"pragma user_version = {LAYOUT}")
            file.execute("insert or replace into reports values (?, ?, ?, ?, ?, ?, ?, ?)", (kind, days, *report))
            file.execute("commit")


@contextmanager
def _opened(uri: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE_SECONDS, isolation_level=None)) as file:
        yield file


def _layout(file: sqlite3.Connection) -> int:
    return int(file.execute("pragma user_version").fetchone()[0])
