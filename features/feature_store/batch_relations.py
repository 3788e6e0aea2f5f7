"""The tidy relations that batch features are aggregated from: who, when, what, seen from each cutoff.

Every relation has the columns `customer_id`, `event_timestamp` (the cutoff T) and `since_<days>d` (T minus the
window), and holds only what was known at its cutoff: `occurred_at < T` and `received_at <= T`. Events of anonymous
visitors count for the customer they were linked to by T; those linked to nobody are left out.

All of it is Ibis, in spellings that give equal results on DuckDB and Spark: no subtraction of timestamps, no casts from
float to int, no order inside aggregates.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from features.columns import TIME
from features.customer.scales import DEFAULT_SCALES

WINDOWS_DAYS = (28, 30, 90, 365)
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
UNIT_SCORE_STEPS = 1_000_000


def cutoff_table(cutoffs: Sequence[datetime]) -> Any:
    """The cutoffs as a table, each with the starts of its windows; raises `ValueError` on a naive datetime."""
    if any(c.tzinfo is None for c in cutoffs):
        raise ValueError(f"Cutoffs must be aware UTC datetimes, got {[str(c) for c in cutoffs if c.tzinfo is None]}.")
    times = sorted({c.astimezone(UTC) for c in cutoffs})
    columns = {"event_timestamp": pa.array(times, TIME)}
    for days in WINDOWS_DAYS:
        columns[f"since_{days}d"] = pa.array([t - timedelta(days=days) for t in times], TIME)
    return ibis.memtable(pa.table(columns))


class Known:
    """What was known at each cutoff, by type of event; hands out relations."""

    def __init__(self, events: Any, links: Any | None, items: Any | None, cutoffs: Sequence[datetime]) -> None:
        self.events = events
        self.items = items
        self.cutoffs = cutoff_table(cutoffs)
        self.links = None if links is None else self._links_known(links)

    def of_type(self, event_type: str, **columns: Any) -> Any:
        """Known events of one type with the resolved customer, `occurred_at` and the given payload columns."""
        return self._resolved(self.events.filter(_.type == event_type), **columns)

    def customers(self) -> Any:
        """One row for every customer known at each cutoff."""
        return self._resolved(self.events.filter(_.type.isin(KNOWING_TYPES))).select(*KEYS).distinct()

    def presence(self) -> Any:
        """One row a cutoff with `has_<type>`: whether the log holds any event of that type by then."""
        seen = self._seen_from_cutoffs(self.events.select("type", "occurred_at", "received_at"))
        by_cutoff = seen.group_by("event_timestamp").agg(
            **{f"has_{name}": (_.type == name).cast("int64").max() for name in KNOWING_TYPES}
        )
        return by_cutoff.mutate(**{f"has_{name}": by_cutoff[f"has_{name}"] == 1 for name in KNOWING_TYPES})

    def _seen_from_cutoffs(self, table: Any) -> Any:
        return table.cross_join(self.cutoffs).filter(
            _.occurred_at < _.event_timestamp, _.received_at <= _.event_timestamp
        )

    def _links_known(self, links: Any) -> Any:
        seen = links.cross_join(self.cutoffs.select("event_timestamp")).filter(
            _.linked_at <= _.event_timestamp, _.unlinked_at.isnull() | (_.unlinked_at > _.event_timestamp)
        )
        return seen.select(at_cutoff=_.event_timestamp, key=_.anonymous_id, linked_to=_.customer_id)

    def _resolved(self, events: Any, **columns: Any) -> Any:
        """Known events with `customer_id` as of the cutoff; those of nobody we can name are left out."""
        seen = self._seen_from_cutoffs(
            events.select("customer_id", "anonymous_id", "event_id", "occurred_at", "received_at", **columns)
        )
        if self.links is not None:
            unnamed = seen.mutate(key=ibis.ifelse(_.customer_id.isnull(), _.anonymous_id, ibis.null(str)))
            joined = unnamed.rename(link_key="key").left_join(
                self.links, [("link_key", "key"), ("event_timestamp", "at_cutoff")]
            )
            seen = joined.mutate(customer_id=ibis.coalesce(_.customer_id, _.linked_to)).drop(
                "link_key", "key", "at_cutoff", "linked_to"
            )
        return seen.filter(_.customer_id.notnull()).drop("anonymous_id", "received_at")


def _whole_seconds(time: Any) -> Any:
    """Seconds since 1970, rounded down; `epoch_seconds` alone keeps the fraction on DuckDB and drops it on Spark."""
    return time.truncate("s").epoch_seconds().cast("int64")


def purchases(known: Known) -> Any:
    """One row a purchase."""
    return known.of_type("purchase")


def purchase_lines(known: Known) -> Any:
    """One row a purchase line: item_id, quantity, gross, discount and paid (minor units)."""
    rows = known.of_type("purchase", line=_.lines.unnest())
    return rows.mutate(
        item_id=_.line["item_id"],
        quantity=_.line["quantity"],
        gross=_.line["quantity"] * _.line["unit_price"],
        discount=ibis.coalesce(_.line["discount"], 0),
    ).mutate(paid=_.gross - _.discount)


def gaps(known: Known) -> Any:
    """One row a distinct second with a purchase: `gap` is the seconds since the one before, null at the first."""
    seconds = known.of_type("purchase").select(*KEYS, second=_whole_seconds(_.occurred_at)).distinct()
    window = ibis.window(group_by=list(KEYS), order_by="second")
    return seconds.mutate(gap=_.second - _.second.lag().over(window))


def categories(known: Known) -> Any:
    """One row a top category bought from in 365 days: `lines` of it, by the catalogue valid at the cutoff."""
    lines = purchase_lines(known).filter(_.occurred_at >= _.since_365d)
    if known.items is None:
        return lines.limit(0).select(*KEYS, category=_.item_id, lines=_.quantity)
    seen = (
        known.items.filter(_.category.notnull())
        .cross_join(known.cutoffs.select("event_timestamp"))
        .filter((_.valid_from <= _.event_timestamp) | _.valid_from.isnull())
        .filter((_.valid_to > _.event_timestamp) | _.valid_to.isnull())
        .mutate(order=ibis.ifelse(_.valid_from.isnull(), 0, _whole_seconds(_.valid_from)))
        .group_by("item_id", "event_timestamp")
        .agg(category=_.category.argmax(ibis.struct({"at": _.order, "category": _.category})))
        .select(item=_.item_id, at_cutoff=_.event_timestamp, category=_.category.split("/")[0])
    )
    return (
        lines.inner_join(seen, [("item_id", "item"), ("event_timestamp", "at_cutoff")])
        .group_by(*KEYS, "category")
        .agg(lines=_.count())
    )


def returns(known: Known) -> Any:
    """One row a return."""
    return known.of_type("return")


def return_lines(known: Known) -> Any:
    """One row a returned line: `amount` given back (minor units, 0 where not stated)."""
    rows = known.of_type("return", line=_.lines.unnest())
    return rows.mutate(amount=ibis.coalesce(_.line["amount"], 0))


def browsing(known: Known) -> Any:
    """One row a browse event: action, session_id, result_count."""
    return known.of_type("browse", action=_.action, session_id=_.session_id, result_count=_.result_count)


def feedback(known: Known) -> Any:
    """One row a feedback: `unit_score` in millionths, 1,000,000 the best of its scale; null without a score.

    What the event does not state of its scale is its kind's default (`features/customer/scales.py`).
    """
    rows = known.of_type(
        "feedback",
        score=_.score,
        low=ibis.coalesce(_.scale_min, _default("low")),
        high=ibis.coalesce(_.scale_max, _default("high")),
        better=ibis.coalesce(_.higher_is_better, _default("higher_is_better")),
    )
    share = (rows.score - rows.low) / (rows.high - rows.low).nullif(0.0)
    oriented = ibis.ifelse(rows.better, share, 1.0 - share)
    return rows.mutate(unit_score=(oriented * float(UNIT_SCORE_STEPS) + 0.5).floor().cast("int64"))


def _default(part: str) -> Any:
    values = [(kind, getattr(scale, part)) for kind, scale in DEFAULT_SCALES.items()]
    if part != "higher_is_better":
        values = [(kind, float(value)) for kind, value in values]
    return ibis.cases(*[(_.kind == kind, value) for kind, value in values])


def delivered_orders(known: Known) -> Any:
    """One row an order with delivery events: first `promised_at`, `delivered_at`, whether it `ended` undelivered."""
    rows = known.of_type("delivery", order_id=_.order_id, status=_.status, promised_at=_.promised_at)
    orders = rows.group_by(*KEYS, "since_365d", "order_id").agg(
        promised_at=_.promised_at.min(),
        delivered_at=_.occurred_at.min(where=_.status == "delivered"),
        ended=_.status.isin(("cancelled", "failed")).cast("int64").max() == 1,
    )
    gap = _whole_seconds(orders.delivered_at) - _whole_seconds(orders.promised_at)
    return orders.mutate(lateness_seconds=ibis.ifelse(gap < 0, 0, gap))  # `greatest` would turn null into 0


def contacts(known: Known) -> Any:
    """One row a contact event: status and channel."""
    return known.of_type("contact", status=_.status, channel=_.channel)
