"""A mark: all that who is held hangs on, at one moment, small enough for a cursor.

Who is held follows from the facts (a log position), the clock, the rules (a hash), and the events in doubt (a hash).
Between two marks whatever differs in these is looked at again; a mark that cannot be compared asks for everything.
"""

import hashlib

import msgspec

from features.customer.state import STATE_VERSION
from features.instants import to_us
from features.log.connection import Connection
from features.log.doubts import OPEN
from serving.core.version import engine_version
from serving.desk.lens import Lens


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """`position` of the latest fact, `fact` its event's hash (so that a restored store is told apart), `at` in
    microseconds, `rules` and `doubts` hashes.
    """

    position: int
    fact: str
    at: int
    rules: str
    doubts: str


def mark(run: Connection, lens: Lens, rules_hash: str) -> Mark:
    """The mark of now; `rules_hash` is the policy's."""
    row = run.execute("select position, event_id from facts order by position desc limit 1").fetchone()
    position, event_id = row or (0, "")
    rules = _short(f"{rules_hash} {engine_version()} {STATE_VERSION}")
    return Mark(position, _short(event_id), to_us(lens.now), rules, _doubts(run))


def comparable(run: Connection, earlier: Mark, later: Mark) -> bool:
    """Whether what changed between two marks can be told from facts, clock and doubts alone.

    Not after a change of the rules, a clock set back, or where the store does not hold the earlier mark's fact: it was
    restored from a copy, or the fact was browsing that is no longer kept.
    """
    if earlier.rules != later.rules or earlier.at > later.at:
        return False
    if earlier.position == 0:
        return earlier.fact == _short("")
    row = run.execute("select event_id from facts where position = ?", (earlier.position,)).fetchone()
    return row is not None and _short(row[0]) == earlier.fact


def incidents_hash(lens: Lens) -> str:
    """A hash of the shop's incidents."""
    return _short(repr(lens.incidents))


def _doubts(run: Connection) -> str:
    rows = run.execute(f"select id, times from quarantine where {OPEN} order by id").fetchall()
    return _short(repr(rows))


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
