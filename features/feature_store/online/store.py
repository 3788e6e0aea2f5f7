"""What a place for packed records must be able to do, and the one the settings name."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from features.feature_store.online.records import Packed, RecordSchema
from features.feature_store.settings import OnlineSettings, load_settings
from features.home import Home

READ_AT_ONCE = 500
"""Customers that a read deadline is for; a read of more has as many deadlines as it has parts of this size."""


class OnlineStore(Protocol):
    """Keeps one record a view and customer; safe to share between threads.

    A write replaces a record unless the one there is newer by (event time, sequence, kind); each record is replaced as
    a whole or not at all. Every method raises `DataError` if the store cannot do it in time.
    """

    def fetch(self, view: str, customer_ids: Sequence[str]) -> list[bytes | None]:
        """The records in the order asked for; None where there is none. Ids may repeat."""

    def schema(self, schema_hash: str) -> RecordSchema | None:
        """The schema of records with this hash, if one was ever written."""

    def write(self, view: str, schema: RecordSchema | None, records: Iterable[Packed]) -> None:
        """Write records of one schema (None: tombstones only), taking them from the iterable a batch at a time."""

    def views(self) -> list[str]:
        """Views that have records, in order."""

    def customers(self, view: str) -> Iterator[list[str]]:
        """Who has a record that is no tombstone, a few thousand at a time; who is written meanwhile may be missed."""

    def drop_view(self, view: str) -> None:
        """Remove every record and tombstone of a view."""

    def purge_tombstones(self, before_micros: int) -> int:
        """Remove the tombstones with event time before `before_micros`; returns how many."""

    def close(self) -> None:
        """Let go of connections; what is called later opens new ones."""


def time_for(customers: int, deadline_seconds: float) -> float:
    """Seconds that a read of so many customers may take."""
    return deadline_seconds * max(1, -(-customers // READ_AT_ONCE))


def open_online(
    home: Home, settings: OnlineSettings | None = None, *, read_deadline_seconds: float | None = None
) -> OnlineStore:
    """The store that `settings` name, by default those of the data folder. Nothing is connected yet.

    Raises `ConfigError` for settings that cannot be followed.
    """
    chosen = settings or load_settings(home).online
    read_deadline = chosen.read_deadline_ms / 1000 if read_deadline_seconds is None else read_deadline_seconds
    write_deadline = chosen.write_deadline_ms / 1000
    if chosen.store == "valkey":  # its client is an extra, loaded only where it is asked for
        from features.feature_store.online.valkey_store import open_valkey

        return open_valkey(chosen, read_deadline_seconds=read_deadline, write_deadline_seconds=write_deadline)
    from features.feature_store.online.sqlite_store import SQLiteStore

    return SQLiteStore(home.online_db, read_deadline_seconds=read_deadline, write_deadline_seconds=write_deadline)
