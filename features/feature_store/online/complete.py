"""What makes increments of online records possible: a mark that a view is complete as of a moment.

A daily increment writes only the rows that became different. Everybody else's record keeps the time it was written
with, and is right as of the mark, if it was written since the mark's beginning: the last time that all were. Whoever
else writes records (Feast's `push`, say) takes the mark away, and the next materialization writes everything.
"""

from datetime import datetime
from typing import NamedTuple

from features.errors import DataError
from features.feature_store.online.records import TOMBSTONE, VALUES, Packed, RecordSchema, pack, tombstone, unpack
from features.feature_store.online.store import OnlineStore
from features.instants import from_us, to_us

MARK_KEY = ""
"""The mark's place among the customers of a view: no customer has an empty id."""
_SCHEMA = RecordSchema(("since", "fingerprint", "schema"), ("timestamp", "string", "string"))


class Mark(NamedTuple):
    """All records of a view written since `since` are as of `as_of`, made of what `fingerprint` and `schema` say."""

    since: datetime
    as_of: datetime
    fingerprint: str
    schema: str


def read_mark(store: OnlineStore, view: str) -> Mark | None:
    """The mark of a view, if it is complete; raises `DataError` if the store cannot be read in time."""
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
    since, fingerprint, schema = told.values
    return Mark(from_us(int(since or 0)), from_us(told.event_time), str(fingerprint), str(schema))


def set_mark(store: OnlineStore, view: str, mark: Mark) -> None:
    """Say that a view is complete; call it when everything is written."""
    at, sequence = to_us(mark.as_of), _next_sequence(store, view, mark.as_of)
    values: list[int | float | str | None] = [to_us(mark.since), mark.fingerprint, mark.schema]
    record = pack(values, schema_hash=_SCHEMA.hash, event_time_micros=at, sequence=sequence)
    store.write(view, _SCHEMA, [Packed(MARK_KEY, at, sequence, VALUES, record)])


def take_mark(store: OnlineStore, view: str) -> None:
    """Say that a view is complete no longer; call it before anything is written."""
    found = read_mark(store, view)
    if found is not None:
        at, sequence = to_us(found.as_of), _next_sequence(store, view, found.as_of)
        record = tombstone(event_time_micros=at, sequence=sequence)
        store.write(view, None, [Packed(MARK_KEY, at, sequence, TOMBSTONE, record)])


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
