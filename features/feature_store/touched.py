"""Whom news touches: the customers whose batch features can differ between two states of knowledge.

A batch feature depends on its cutoff T only through which events are known at T, the bounds of its windows, the links,
categories and erasures known, and which types of event the log holds. So between two snapshots only those customers
can differ of whom one of these does. Everybody else's row is the same, and is copied.

All of it is Ibis over what `features/feature_store/engines` reads, in spellings that DuckDB and Spark share.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import ibis
import pyarrow as pa

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.feature_store.batch import time_columns_by_type, windows_by_type
from features.feature_store.batch_relations.known import KNOWING_TYPES, PRESENCE_SCHEMA


def known(events: Any, at: datetime) -> Any:
    """The events that had happened and been received by `at`, inclusive."""
    moment = _literal(at)
    return events.filter(events.occurred_at <= moment, events.received_at <= moment)


def became_known(events: Any, before: datetime, at: datetime) -> Any:
    """The events known by `at` that were not known by `before`; one that happened at either moment is among them."""
    earlier = _literal(before)
    told = known(events, at)
    return told.filter((told.occurred_at >= earlier) | (told.received_at > earlier))


def moved(events: Any, before: datetime, at: datetime) -> Any:
    """The events that became known between two cutoffs, or that some window's bound has passed: in one reading."""
    earlier, later = _literal(before), _literal(at)
    fresh = (events.occurred_at <= later) & (events.received_at <= later)
    fresh &= (events.occurred_at >= earlier) | (events.received_at > earlier)
    passed = [fresh]
    for kind, days in sorted(windows_by_type().items()):
        columns = [("occurred_at", days), *((name, {0, *days}) for name in time_columns_by_type().get(kind, ()))]
        bounds = [
            (events[name] >= _literal(before - timedelta(days=n))) & (events[name] < _literal(at - timedelta(days=n)))
            for name, windows in columns
            for n in sorted(windows)
        ]
        if bounds:
            passed.append((events.type == kind) & reduce(lambda one, other: one | other, bounds))
    return events.filter(reduce(lambda one, other: one | other, passed))


def links_seen(links: Any, at: datetime) -> Any:
    """Which id was known to belong to whom at `at`: anonymous_id, customer_id."""
    moment = _literal(at)
    told = links.filter(links.linked_at <= moment, links.unlinked_at.isnull() | (links.unlinked_at > moment))
    return told.select("anonymous_id", CUSTOMER_ID)


def items_seen(items: Any, at: datetime) -> Any:
    """What the catalogue says of categories at `at`: item_id, category, valid_from."""
    moment = _literal(at)
    told = items.filter(items.category.notnull())
    told = told.filter(told.valid_from.isnull() | (told.valid_from <= moment))
    return told.filter(told.valid_to.isnull() | (told.valid_to > moment)).select("item_id", "category", "valid_from")


def erased(events: Any, links: Any) -> Any:
    """Who asked to be forgotten, whenever: customer_id, or anonymous_id alone. No snapshot keeps anything of theirs.

    A visitor who asks is also the customer she belongs to now, or belonged to when she asked.
    """
    told = events.filter(events.type == "erasure")
    named = told.filter(told.customer_id.notnull()).select(CUSTOMER_ID, anonymous_id=ibis.null("string"))
    unnamed = told.filter(told.customer_id.isnull(), told.anonymous_id.notnull())
    visitors = unnamed.select(customer_id=ibis.null("string"), anonymous_id="anonymous_id")
    asked = unnamed.select(visitor="anonymous_id", asked_at="occurred_at")
    owned = asked.inner_join(links, asked.visitor == links.anonymous_id)
    then = (owned.linked_at <= owned.asked_at) & (owned.unlinked_at > owned.asked_at)
    owners = owned.filter(owned.unlinked_at.isnull() | then).select(CUSTOMER_ID, anonymous_id=ibis.null("string"))
    return named.union(visitors, owners, distinct=False).distinct()


def of_nobody_erased(events: Any, erased: Any) -> Any:
    """Events without those of visitors who asked to be forgotten (of `erased`), whomever they counted for."""
    gone = erased.filter(erased.anonymous_id.notnull()).select(gone="anonymous_id")
    return events.anti_join(gone, [events.anonymous_id == gone.gone, events.customer_id.isnull()])


def differing(one: Any, other: Any) -> Any:
    """The rows that only one of two tables of the same columns has."""
    return one.difference(other).union(other.difference(one), distinct=False)


def whose(events: Any, links: Any) -> Any:
    """The customers that events count for by `links` (of `links_seen`): customer_id, with repetitions."""
    named = events.filter(events.customer_id.notnull()).select(CUSTOMER_ID)
    visits = events.filter(events.customer_id.isnull() & events.anonymous_id.notnull()).select(visitor="anonymous_id")
    linked = visits.inner_join(links, visits.visitor == links.anonymous_id).select(CUSTOMER_ID)
    return named.union(linked, distinct=False)


def buyers(events: Any, items: Any, links: Any) -> Any:
    """The customers who ever bought one of `items` (column item_id): customer_id, with repetitions."""
    lines = events.filter(events.type == "purchase").select(CUSTOMER_ID, "anonymous_id", line=events.lines.unnest())
    bought = lines.select(CUSTOMER_ID, "anonymous_id", item=lines.line["item_id"])  # Spark wants two steps
    return whose(bought.semi_join(items, bought.item == items.item_id), links)


def everyone(parts: Iterable[Any]) -> Any:
    """All customers of the parts, each once."""
    return reduce(lambda one, other: one.union(other, distinct=False), parts).distinct()


def of_customers(events: Any, customers: Any, links: Any) -> Any:
    """The events that can count for `customers` (column customer_id), by `links` with columns as in the log."""
    hers = events.semi_join(customers, CUSTOMER_ID)
    visitors = links.semi_join(customers, CUSTOMER_ID).select(visitor="anonymous_id").distinct()
    visits = events.filter(events.customer_id.isnull())
    return hers.union(visits.semi_join(visitors, visits.anonymous_id == visitors.visitor), distinct=False)


def presence(present: Mapping[datetime, Iterable[str]]) -> Any:
    """Which types of event the log holds by each cutoff, as `compute` wants it."""
    rows = [
        {EVENT_TIMESTAMP: cutoff.astimezone(UTC)} | {f"has_{name}": name in set(types) for name in KNOWING_TYPES}
        for cutoff, types in present.items()
    ]
    return ibis.memtable(pa.Table.from_pylist(rows, PRESENCE_SCHEMA))


def mixed(table: Any) -> Any:
    """One row: `rows`, and all rows' values mixed into one number, in whatever order they come."""
    text = [ibis.coalesce(table[name].cast("string"), "") for name in table.columns]
    told = table.select(mark=reduce(lambda one, other: one + "\x1f" + other, text))
    return told.agg(rows=told.count(), mixed=ibis.coalesce(_bit_xor(told.mark.hash()), 0))


@ibis.udf.agg.builtin(name="bit_xor")  # type: ignore[untyped-decorator]
def _bit_xor(number: int) -> int:  # type: ignore[empty-body]
    """Both engines have it under this name; Ibis itself does not know that Spark does."""


def _literal(at: datetime) -> Any:
    return ibis.literal(at.astimezone(UTC), type="timestamp('UTC', 6)")
