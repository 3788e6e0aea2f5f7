"""Who is who: anonymous and external ids that belong to customers, as told by identity events.

An id belongs to at most one customer at a time. What is known of an id is a fold over its identity events in the order
(occurred_at, event_id), whatever order they came in; a link counts from when it was received.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from features.log.connection import Connection, Statement
from features.log.rules import RESERVED_PREFIX
from features.log.value_lists import marks, parts


class IdentityEvent(NamedTuple):
    """One statement about one id. Times are microseconds since 1970 UTC."""

    external_id: str
    occurred_at: int
    event_id: str
    received_at: int
    action: str
    customer_id: str


class Link(NamedTuple):
    """An id known to belong to a customer from `linked_at` (inclusive) to `unlinked_at` (exclusive; None: still)."""

    external_id: str
    linked_at: int
    unlinked_at: int | None
    customer_id: str


def owner(events: Iterable[IdentityEvent]) -> str | None:
    """The customer an id belongs to after `events`: the last link's, unless that customer's link was undone later.

    >>> link = IdentityEvent("visitor", 1, "a", 1, "link", "aino")
    >>> undo = IdentityEvent("visitor", 2, "b", 2, "unlink", "aino")
    >>> owner([undo, link]), owner([link])
    (None, 'aino')
    """
    found = None
    for event in sorted(events, key=lambda event: (event.occurred_at, event.event_id)):
        if event.action == "link":
            found = event.customer_id
        elif event.customer_id == found:
            found = None
    return found


def link_history(events: Iterable[IdentityEvent]) -> list[Link]:
    """What was known of one id over time, from its identity events in any order."""
    ordered = sorted(events, key=lambda event: (event.received_at, event.occurred_at, event.event_id))
    links: list[Link] = []
    current: str | None = None
    since = 0
    for place, event in enumerate(ordered):
        if place + 1 < len(ordered) and ordered[place + 1].received_at == event.received_at:
            continue
        known = owner(ordered[: place + 1])
        if known != current:
            if current is not None:
                links.append(Link(event.external_id, since, event.received_at, current))
            current, since = known, event.received_at
    if current is not None:
        links.append(Link(ordered[-1].external_id, since, None, current))
    return links


def note(connection: Connection, events: Iterable[IdentityEvent]) -> set[str]:
    """Keep new identity events and bring `links` up to date, in the caller's transaction.

    Returns whom to fold again: customers that gained or lost an id, and the ids' own keys ("anonymous:<id>").
    """
    rows = list(events)
    connection.executemany("insert into identity_events values (?, ?, ?, ?, ?, ?) on conflict do nothing", rows)
    touched = set()
    for external_id in sorted({row.external_id for row in rows}):
        known = connection.execute("select * from identity_events where external_id = ?", (external_id,))
        links = link_history(IdentityEvent(*row) for row in known)
        before = connection.execute("select customer_id from links where external_id = ?", (external_id,))
        touched |= {customer for (customer,) in before} | {link.customer_id for link in links}
        touched.add(RESERVED_PREFIX + external_id)
        connection.execute("delete from links where external_id = ?", (external_id,))
        connection.executemany("insert into links values (?, ?, ?, ?)", links)
    return touched


def resolve(connection: Connection, origin_id: str) -> str:
    """The customer an origin is counted for now: that of its link, else itself."""
    if not origin_id.startswith(RESERVED_PREFIX):
        return origin_id
    external_id = origin_id.removeprefix(RESERVED_PREFIX)
    row = connection.execute(
        "select customer_id from links where external_id = ? and unlinked_at is null", (external_id,)
    ).fetchone()
    return origin_id if row is None else str(row[0])


def owners(connection: Connection, origin_ids: Iterable[str]) -> dict[str, str]:
    """`resolve` of many at once."""
    found = {origin: origin for origin in origin_ids}
    for asked in owners_asked(list(found)):
        found |= {RESERVED_PREFIX + external_id: customer for external_id, customer in connection.execute(*asked)}
    return found


def owners_asked(origin_ids: Sequence[str]) -> Iterator[Statement]:
    """What `owners` asks of origins, each once."""
    ids = [origin.removeprefix(RESERVED_PREFIX) for origin in origin_ids if origin.startswith(RESERVED_PREFIX)]
    for part in parts(ids):
        yield (
            f"select external_id, customer_id from links where unlinked_at is null and external_id in ({marks(part)})",
            part,
        )


def origins(connection: Connection, customer_id: str) -> list[str]:
    """The origins whose facts make up a customer: her own, then those linked to her; none for a linked id's own key."""
    if resolve(connection, customer_id) != customer_id:
        return []
    linked = connection.execute(
        "select external_id from links where customer_id = ? and unlinked_at is null order by external_id",
        (customer_id,),
    )
    return [customer_id, *(RESERVED_PREFIX + external_id for (external_id,) in linked)]
