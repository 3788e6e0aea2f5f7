"""Writing online records: what is newer replaces, and who is forgotten leaves a tombstone."""

from collections.abc import Iterable, Sequence

from features.feature_store.online.records import (
    BATCH_VIEW,
    TOMBSTONE,
    VALUES,
    Cells,
    Packed,
    RecordSchema,
    pack,
    tombstone,
)
from features.feature_store.online.store import OnlineStore, open_online
from features.feature_store.settings import OnlineSettings
from features.home import Home

Row = tuple[str, int, int, Cells]


class OnlineWriter:
    """Writes to the store of a data folder, or to one already open.

    Every write may be repeated and come in any order: the newest by (event time, sequence) wins, the later of equals,
    and a tombstone before a record of its own time and sequence.
    """

    def __init__(self, home: Home, *, settings: OnlineSettings | None = None, store: OnlineStore | None = None) -> None:
        self._store = store or open_online(home, settings)

    def write(self, view: str, schema: RecordSchema, rows: Iterable[Row]) -> None:
        """Write `(customer_id, event time in microseconds, sequence, values)` rows, unless a newer one is there.

        Rows are taken a batch at a time. Raises `DataError` if the store cannot be written in time; rows may then be
        partly written, each as a whole.
        """
        self._store.write(_named(view), schema, _packed(schema.hash, rows))

    def forget(
        self, customer_ids: Iterable[str], *, at: int, sequence: int, views: Sequence[str] | None = None
    ) -> None:
        """Replace these customers' records by tombstones of event time `at` (microseconds) and `sequence`.

        Without `views`: in every view that has records. A record newer than the tombstone stays; to erase somebody,
        `at` is the moment of the erasure.
        """
        record = tombstone(event_time_micros=at, sequence=sequence)
        marks = [Packed(key, at, sequence, TOMBSTONE, record) for key in customer_ids]
        for view in {*self._store.views(), BATCH_VIEW} if views is None else views:
            self._store.write(_named(view), None, marks)

    def purge_tombstones(self, before_micros: int) -> int:
        """Remove tombstones of event time before `before_micros`; returns how many.

        No write older than that may come any more: it would bring the customer back.
        """
        return self._store.purge_tombstones(before_micros)

    def drop_view(self, view: str) -> None:
        """Remove every record and tombstone of a view."""
        self._store.drop_view(_named(view))

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def _packed(schema_hash: str, rows: Iterable[Row]) -> Iterable[Packed]:
    for key, at, sequence, values in rows:
        record = pack(values, schema_hash=schema_hash, event_time_micros=at, sequence=sequence)
        yield Packed(key, at, sequence, VALUES, record)


def _named(view: str) -> str:
    if not view or ":" in view:
        raise ValueError(f"A view's name has no colon and is not empty, got {view!r}.")
    return view
