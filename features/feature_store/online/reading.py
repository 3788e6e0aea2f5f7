"""Reading online records for serving: what is damaged, foreign or expired is a named problem, never a value."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from features.errors import DataError
from features.feature_store.online.records import (
    BATCH_VIEW,
    CORRUPT,
    EXPIRED,
    OTHER_SCHEMA,
    OTHER_VERSION,
    UNKNOWN_SCHEMA,
    OnlineRecord,
    is_of_another_version,
    unpack,
)
from features.feature_store.online.store import OnlineStore, open_online
from features.feature_store.settings import OnlineSettings, load_settings
from features.home import Home

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Columns = tuple[tuple[str, ...], tuple[int, ...]]


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
        self._schemas: dict[str, _Columns] = {}

    def read(self, customer_ids: Sequence[str], now: datetime | None = None) -> list[OnlineRecord | None]:
        """Records in the order asked for; None where there is none, or she was forgotten.

        Where records expire (`ttl_days`), one lives while `now - ttl <= event time` and `now` must be given. Raises
        `DataError` if the store cannot be read in time.
        """
        oldest = self._oldest(now)
        return [
            None if record is None else self._opened(record, oldest)
            for record in self._store.fetch(self._view, customer_ids)
        ]

    def close(self) -> None:
        """Let go of this thread's connections."""
        self._store.close()

    def _oldest(self, now: datetime | None) -> datetime | None:
        if self._ttl is None:
            return None
        if now is None:
            raise ValueError("Records expire here (online.ttl_days), so a read needs `now`: pass the decision's time.")
        return now - self._ttl

    def _opened(self, record: bytes, oldest: datetime | None) -> OnlineRecord | None:
        try:
            values, schema_hash, micros, sequence = unpack(record)
            at = _EPOCH + timedelta(microseconds=micros)
        except (DataError, OverflowError):
            return OnlineRecord({}, None, 0, "", OTHER_VERSION if is_of_another_version(record) else CORRUPT)
        if values is None:
            return None
        if oldest is not None and at < oldest:
            return OnlineRecord({}, at, sequence, schema_hash, EXPIRED)
        if self._expected is not None and schema_hash != self._expected:
            return OnlineRecord({}, at, sequence, schema_hash, OTHER_SCHEMA)
        columns = self._schemas.get(schema_hash) or self._load(schema_hash)
        if columns is None or len(columns[0]) != len(values):
            return OnlineRecord({}, at, sequence, schema_hash, UNKNOWN_SCHEMA)
        names, times = columns
        for index in times:
            micros_value = values[index]
            if micros_value is not None:
                values[index] = micros_value / 1e6  # type: ignore[operator]
        return OnlineRecord(dict(zip(names, values, strict=True)), at, sequence, schema_hash)

    def _load(self, schema_hash: str) -> _Columns | None:
        schema = self._store.schema(schema_hash)
        if schema is None or schema.hash != schema_hash:
            return None
        times = tuple(index for index, kind in enumerate(schema.types) if kind == "timestamp")
        self._schemas[schema_hash] = schema.names, times
        return self._schemas[schema_hash]
