"""Whose facts, or whose identities, changed between two log positions."""

from features.log.connection import Connection
from features.log.doubts import customers_in_doubt
from features.log.packing import NOBODY
from features.log.rules import RESERVED_PREFIX
from serving.records import Heard

_OWNER = f"""coalesce((select l.customer_id from links l
    where substr(f.origin_id, 1, {len(RESERVED_PREFIX)}) = '{RESERVED_PREFIX}' and l.unlinked_at is null
    and l.external_id = substr(f.origin_id, {len(RESERVED_PREFIX) + 1})), f.origin_id)"""

_LINKED = """select external_id from identity_events where event_id in
    (select event_id from facts where position > ?1 and position <= ?2 and type = 'identity')"""


def touched(run: Connection, after: int, until: int) -> set[str]:
    """Customers told something by facts of positions in (after, until], as they are keyed now.

    So is everybody whom an id was ever said to be, where its owner may have changed: who lost it loses a release that
    came with it.
    """
    span = (after, until)
    rows = run.execute(
        f"select distinct {_OWNER} from facts f where f.position > ?1 and f.position <= ?2 and f.origin_id <> ?3",
        (*span, NOBODY),
    )
    found = {customer for (customer,) in rows}
    spoken_of = f"select external_id, customer_id from identity_events where external_id in ({_LINKED})"
    for external_id, customer in run.execute(spoken_of, span):
        found |= {customer, RESERVED_PREFIX + external_id}
    return found


def said_of_the_shop(run: Connection, after: int, until: int) -> bool:
    """Whether any fact of positions in (after, until] is about the shop: an incident declared or closed."""
    query = "select 1 from facts where position > ? and position <= ? and origin_id = ? limit 1"
    return run.execute(query, (after, until, NOBODY)).fetchone() is not None


def told_of(run: Connection, before: Heard, by_now: Heard) -> set[str] | None:
    """Whom what has been heard in between may concern; None: anybody."""
    if by_now == before:
        return set()
    if said_of_the_shop(run, before.position, by_now.position):
        return None
    doubted = customers_in_doubt(run) if by_now.rejects != before.rejects else ()
    return touched(run, before.position, by_now.position).union(doubted)
