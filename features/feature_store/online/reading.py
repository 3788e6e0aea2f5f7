"""Reading online records for serving: what is damaged, foreign or expired is a named problem, never a value."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import asdict

from features.errors import DataError
from features.feature_store.online.complete import MARK_KEY, Mark, mark_of
from features.feature_store.online.records import (
    BATCH_VIEW,
    CORRUPT,
    EXPIRED,
    OTHER_SCHEMA,
    OTHER_VERSION,
    TOMBSTONE,
    UNKNOWN_SCHEMA,
    OnlineRecord,
    RecordSchema,
    Values,
    head_of,
    is_of_another_version,
)
from features.feature_store.online.store import OnlineStore, open_online
from features.feature_store.settings import OnlineSettings, load_settings
from features.home import Home

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ValuesOf = Callable[[memoryview], Values]


class OnlineFeatures:
    """Reads packed records from any thread, within a deadline.

    With `expected_schema` (a schema hash, normally the bundle's) a record of another schema is a problem, not a value.
    Settings and deadline are by default those of the data folder.
    """

    def __init__(
        self,
        home: Home,
        *,
        view: str = BATCH_VIEW,
        expected_schema: str | None = None,
        deadline_seconds: float | None = None,
        settings: OnlineSettings | None = None,
        store: OnlineStore | None = None,
    ) -> None:
        chosen = settings or load_settings(home).online
        self._store = store or open_online(home, chosen, read_deadline_seconds=deadline_seconds)
        self._view, self._expected = view, expected_schema
        self._ttl = None if chosen.ttl_days is None else timedelta(days=chosen.ttl_days)
        self._schemas: dict[str, _ValuesOf] = {}
        self._mark: tuple[bytes | None, Mark | None] = None, None

    def read(self, customer_ids: Sequence[str], now: datetime | None = None) -> list[OnlineRecord | None]:
        """Records in the order asked for; None where there is none, or she was forgotten.

        A record that is right as of a later moment than it was written (`complete.py`) tells that moment. Where
        records expire (`ttl_days`), one lives while `now - ttl <= event time` and `now` must be given. Raises
        `DataError` if the store cannot be read in time.
        """
        oldest = self._oldest(now)
        *found, last = self._store.fetch(self._view, [*customer_ids, MARK_KEY])
        mark = self._mark_of(last)
        return [None if record is None else self._opened(record, oldest, mark) for record in found]

    def close(self) -> None:
        """Let go of this thread's connections."""
        self._store.close()

    def _oldest(self, now: datetime | None) -> datetime | None:
        if self._ttl is None:
            return None
        if now is None:
            raise ValueError("Records expire here (online.ttl_days), so a read needs `now`: pass the decision's time.")
        return now - self._ttl

    def _mark_of(self, record: bytes | None) -> Mark | None:
        """The mark, which is the same for a day."""
        known, mark = self._mark
        if record != known:
            mark = mark_of(record)
            self._mark = record, mark
        return mark

    def _opened(self, record: bytes, oldest: datetime | None, mark: Mark | None) -> OnlineRecord | None:
        try:
            kind, schema_hash, micros, sequence, start = head_of(record)
            at = _moment(micros)
        except (DataError, OverflowError):
            return OnlineRecord({}, None, 0, "", OTHER_VERSION if is_of_another_version(record) else CORRUPT)
        if kind == TOMBSTONE:
            return None
        if mark is not None and schema_hash == mark.schema and mark.since <= at < mark.as_of:
            at = mark.as_of
        if oldest is not None and at < oldest:
            return OnlineRecord({}, at, sequence, schema_hash, EXPIRED)
        if self._expected is not None and schema_hash != self._expected:
            return OnlineRecord({}, at, sequence, schema_hash, OTHER_SCHEMA)
        values_of = self._schemas.get(schema_hash) or self._load(schema_hash)
        if values_of is None:
            return OnlineRecord({}, at, sequence, schema_hash, UNKNOWN_SCHEMA)
        try:
            return OnlineRecord(values_of(memoryview(record)[start:]), at, sequence, schema_hash)
        except msgspec.DecodeError:  # not as many values as the schema has names
            return OnlineRecord({}, at, sequence, schema_hash, UNKNOWN_SCHEMA)

    def _load(self, schema_hash: str) -> _ValuesOf | None:
        try:
            schema = self._store.schema(schema_hash)
        except (ValueError, msgspec.MsgspecError):  # it is there, and none
            return None
        if schema is None or schema.hash != schema_hash:
            return None
        self._schemas[schema_hash] = _values_of(schema)
        return self._schemas[schema_hash]


@lru_cache(1024)
def _moment(micros: int) -> datetime:
    """Most records are of the same few moments; raises `OverflowError` for one beyond the year 9999."""
    return _EPOCH + timedelta(0, 0, micros)


def _values_of(schema: RecordSchema) -> _ValuesOf:
    """What turns a record's list of values into features by name, times as epoch seconds.

    A structure of the schema's names, made once, is read from the list and told as a dict: half the time of a list and
    a dict of both.
    """
    row = msgspec.defstruct(
        "Row", [(name, Any) for name in schema.names], array_like=True, forbid_unknown_fields=True, gc=False
    )
    decode = msgspec.msgpack.Decoder(row).decode
    times = [name for name, kind in zip(schema.names, schema.types, strict=True) if kind == "timestamp"]

    def values_of(body: memoryview) -> Values:
        values = asdict(decode(body))
        for name in times:
            micros = values[name]
            if micros is not None:
                values[name] = micros / 1e6
        return values

    return values_of
