"""What was known at each cutoff: events by type with the customer they count for, and who and what is there at all."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from features.columns import TIME

KEYS = ("customer_id", "event_timestamp")
Relation = Callable[["Known"], Any]

# The types of event that make somebody a customer we know; identity alone, incidents and erasures do not.
KNOWING_TYPES = (
    "purchase",
    "browse",
    "feedback",
    "case",
    "return",
    "delivery",
    "friction",
    "consent",
    "contact",
    "hold",
    "score",
    "profile",
)
_WHO = ("customer_id", "anonymous_id")

PRESENCE_SCHEMA = pa.schema(
    [pa.field("event_timestamp", TIME), *(pa.field(f"has_{name}", pa.bool_()) for name in KNOWING_TYPES)]
)


def cutoff_table(cutoffs: Sequence[datetime], windows_days: Sequence[int]) -> Any:
    """The cutoffs as a table, each with the starts of its windows; raises `ValueError` on a naive datetime."""
    if any(c.tzinfo is None for c in cutoffs):
        raise ValueError(f"Cutoffs must be aware UTC datetimes, got {[str(c) for c in cutoffs if c.tzinfo is None]}.")
    times = sorted({c.astimezone(UTC) for c in cutoffs})
    columns = {"event_timestamp": pa.array(times, TIME)}
    for days in windows_days:
        columns[f"since_{days}d"] = pa.array([t - timedelta(days=days) for t in times], TIME)
    return ibis.memtable(pa.table(columns))


class Known:
    """What was known at each cutoff; relations are made from it."""

    def __init__(
        self,
        events: Any,
        links: Any | None,
        items: Any | None,
        cutoffs: Any,
    ) -> None:
        self.items = items
        self.cutoffs = cutoffs
        self._events = events
        self._links = None if links is None else self._links_known(links)

    def of_type(self, event_type: str, **columns: Any) -> Any:
        """Known events of one type: who, when, `event_id`, and the given payload columns."""
        chosen = self._events.filter(_.type == event_type)
        seen = chosen.select(*_WHO, "event_id", "occurred_at", "received_at", **columns).cross_join(self.cutoffs)
        known = seen.filter(_.occurred_at < _.event_timestamp, _.received_at <= _.event_timestamp)
        return self._resolved(known).drop("received_at")

    def customers(self) -> Any:
        """One row for every customer known at each cutoff."""
        seen = self._visible(*_WHO).cross_join(self.cutoffs.select("event_timestamp")).filter(_seen_by_cutoff())
        return self._resolved(seen).select(*KEYS).distinct()

    def presence(self) -> Any:
        """One row a cutoff with `has_<type>`: whether the log holds any event of that type by then."""
        seen = self._visible("type").cross_join(self.cutoffs.select("event_timestamp"))
        by_cutoff = seen.group_by("event_timestamp").agg(
            **{
                f"has_{name}": ibis.coalesce(((_.type == name) & _seen_by_cutoff()).cast("int64").max(), 0)
                for name in KNOWING_TYPES
            }
        )
        return by_cutoff.mutate(**{f"has_{name}": by_cutoff[f"has_{name}"] == 1 for name in KNOWING_TYPES})

    def with_windows(self, rows: Any) -> Any:
        """Rows with an `event_timestamp`, and the starts of its windows: for relations that were grouped."""
        return rows.inner_join(self.cutoffs, "event_timestamp")

    def _visible(self, *groups: str) -> Any:
        """From when any event of a group is known, in one pass for all cutoffs.

        An event is known at T if T >= received_at and T > occurred_at: the later of the two decides, so the earliest
        such moments of each kind are enough.
        """
        events = self._events.filter(_.type.isin(KNOWING_TYPES))
        return events.group_by(*groups).agg(
            heard=_.received_at.min(where=_.received_at > _.occurred_at),
            happened=_.occurred_at.min(where=_.received_at <= _.occurred_at),
        )

    def _links_known(self, links: Any) -> Any:
        seen = links.cross_join(self.cutoffs.select("event_timestamp")).filter(
            _.linked_at <= _.event_timestamp, _.unlinked_at.isnull() | (_.unlinked_at > _.event_timestamp)
        )
        return seen.select(at_cutoff=_.event_timestamp, key=_.anonymous_id, linked_to=_.customer_id)

    def _resolved(self, seen: Any) -> Any:
        """Rows with `customer_id` as of the cutoff; those of nobody we can name are left out."""
        if self._links is not None:
            unnamed = seen.mutate(link_key=ibis.ifelse(_.customer_id.isnull(), _.anonymous_id, ibis.null(str)))
            joined = unnamed.left_join(self._links, [("link_key", "key"), ("event_timestamp", "at_cutoff")])
            seen = joined.mutate(customer_id=ibis.coalesce(_.customer_id, _.linked_to)).drop(
                "link_key", "key", "at_cutoff", "linked_to"
            )
        return seen.filter(_.customer_id.notnull()).drop("anonymous_id")


def _seen_by_cutoff() -> Any:
    return (_.heard <= _.event_timestamp).fill_null(False) | (_.happened < _.event_timestamp).fill_null(False)


def whole_seconds(time: Any) -> Any:
    """Seconds since 1970, rounded down; `epoch_seconds` alone keeps the fraction on DuckDB and drops it on Spark."""
    return time.truncate("s").epoch_seconds().cast("int64")


def whole_days(time: Any) -> Any:
    """Days since 1970 in UTC, whatever the zone of the engine's session."""
    return (whole_seconds(time) / 86_400).floor().cast("int64")
