"""What makes increments of online records possible: a mark that a view is complete as of a moment.

A daily increment writes only the rows that became different. Everybody else's record keeps the time it was written
with, and is right as of the mark, if it was written since the mark's beginning: the last time that all were. While a
new mark is brought in, the old one is not complete, but what it claims still holds: a record that was written over
tells its own, later time.

Whoever else writes records (Feast's `push`, say) takes the mark away, so that the next materialization writes
everything, and leaves word up to when its records go: one of a later time than that materialization stays, and
is told as of its own moment until a whole writing has passed it.
"""

from datetime import datetime
from typing import NamedTuple

from features.errors import DataError
from features.feature_store.online.records import TOMBSTONE, VALUES, Packed, RecordSchema, pack, tombstone, unpack
from features.feature_store.online.store import OnlineStore
from features.instants import from_us, to_us

MARK_KEY = ""
"""The mark's place among the customers of a view: no customer has an empty id."""
OTHERS_KEY = "anonymous:"
"""Where others leave word: no customer's id begins like that, and no visitor has an empty one."""
_SCHEMA = RecordSchema(("since", "fingerprint", "schema", "complete"), ("timestamp", "string", "string", "int64"))


class Mark(NamedTuple):
    """All records of a view written since `since` are as of `as_of`, made of what `fingerprint` and `schema` say.

    If it is not `complete`, a newer one is being brought in, or was when the process ended.
    """

    since: datetime
    as_of: datetime
    fingerprint: str
    schema: str
    complete: bool = True


def read_mark(store: OnlineStore, view: str) -> Mark | None:
    """The mark of a view, complete or not; raises `DataError` if the store cannot be read in time."""
    (record,) = store.fetch(view, [MARK_KEY])
    return mark_of(record)


def mark_of(record: bytes | None) -> Mark | None:
    """The mark that the record at `MARK_KEY` is; None for none, one taken away, and one that cannot be read."""
    if record is None:
        return None
    try:
        told = unpack(record)
    except DataError:
        return None
    if told.values is None or told.schema_hash != _SCHEMA.hash:
        return None
    since, fingerprint, schema, complete = told.values
    return Mark(from_us(int(since or 0)), from_us(told.event_time), str(fingerprint), str(schema), complete == 1)


def set_mark(store: OnlineStore, view: str, mark: Mark) -> None:
    """Say what a view's records are as of; call it with a complete mark when everything is written."""
    at, sequence = to_us(mark.as_of), _next_sequence(store, view, mark.as_of)
    values: list[int | float | str | None] = [to_us(mark.since), mark.fingerprint, mark.schema, int(mark.complete)]
    record = pack(values, schema_hash=_SCHEMA.hash, event_time_micros=at, sequence=sequence)
    store.write(view, _SCHEMA, [Packed(MARK_KEY, at, sequence, VALUES, record)])


def take_mark(store: OnlineStore, view: str) -> None:
    """Say that nothing is known of a view's records but their own times."""
    found = read_mark(store, view)
    if found is not None:
        at, sequence = to_us(found.as_of), _next_sequence(store, view, found.as_of)
        record = tombstone(event_time_micros=at, sequence=sequence)
        store.write(view, None, [Packed(MARK_KEY, at, sequence, TOMBSTONE, record)])


def others_write(store: OnlineStore, view: str, until_micros: int) -> None:
    """Say that someone else writes records of event times up to `until_micros`; call it before they are written.

    First the word, then the mark: whoever brings a new mark in meanwhile looks for the word after setting it.
    """
    record = pack([], schema_hash=_SCHEMA.hash, event_time_micros=until_micros, sequence=0)
    store.write(view, None, [Packed(OTHERS_KEY, until_micros, 0, VALUES, record)])
    take_mark(store, view)


def others_reach(store: OnlineStore, view: str, since: datetime) -> bool:
    """Whether others ever wrote a record of that moment or later: a mark that begins there cannot speak for it.

    Where their word cannot be read, they may have.
    """
    (record,) = store.fetch(view, [OTHERS_KEY])
    try:
        return record is not None and unpack(record).event_time >= to_us(since)
    except DataError:
        return True


def _next_sequence(store: OnlineStore, view: str, as_of: datetime) -> int:
    """One more than that of what was said of the same moment before."""
    (record,) = store.fetch(view, [MARK_KEY])
    if record is None:
        return 0
    try:
        told = unpack(record)
    except DataError:
        return 0
    return told.sequence + 1 if told.event_time == to_us(as_of) else 0
