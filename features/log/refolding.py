"""Facts read back by customer, and customers folded again from them into the `state` table."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

from features.customer.concern import concern_until
from features.customer.state import encode, fold
from features.facts import Fact
from features.instants import from_us
from features.log import identity
from features.log.connection import Connection
from features.log.packing import FACT_COLUMNS, NOBODY, facts
from features.log.rules import RESERVED_PREFIX
from features.log.value_lists import marks

_IS_LINKED = (
    f"substr({{origin}}, 1, {len(RESERVED_PREFIX)}) = '{RESERVED_PREFIX}' and l.unlinked_at is null"
    f" and l.external_id = substr({{origin}}, {len(RESERVED_PREFIX) + 1})"
)

# The origins of customers in a temporary table `wanted (customer_id)`: see identity.origins for one. A cross join is
# read from the left: SQLite would rather read the links of everybody, to have them in order.
_ORIGINS = f"""
select w.customer_id, w.customer_id as origin_id from wanted w
where not exists (select 1 from links l where {_IS_LINKED.format(origin="w.customer_id")})
union all
select w.customer_id, '{RESERVED_PREFIX}' || l.external_id from wanted w
cross join links l on l.customer_id = w.customer_id and l.unlinked_at is null
order by 1, 2
"""
_FACTS_BY_CUSTOMER = f"""
select o.customer_id, f.position, {", ".join(f"f.{c}" for c in FACT_COLUMNS.split(", "))}
from wanted_origins o cross join facts f on f.origin_id = o.origin_id
order by o.customer_id, o.origin_id
"""
_OF_FEW = f"""with wanted (customer_id) as (select distinct column1 from (values {{}}) as told),
wanted_origins (customer_id, origin_id) as ({_ORIGINS})
{_FACTS_BY_CUSTOMER}"""
"""The same of few, without a table for them: to make one takes a server longer than to find their facts."""

_FEW, _AT_ONCE = 32, 500
_STATE = "state (customer_id, position, body, concern_until)"
_ANEW = """on conflict (customer_id) do update set
    position = excluded.position, body = excluded.body, concern_until = excluded.concern_until"""
_TEMPORARY = (
    "create temp table if not exists wanted (customer_id text primary key) without rowid",
    "create temp table if not exists wanted_origins"
    " (customer_id text, origin_id text, primary key (customer_id, origin_id)) without rowid",
)


class StateRow(NamedTuple):
    """A row of the `state` table: her encoded state, the position of her latest fact, and `concern.concern_until`."""

    customer_id: str
    position: int
    body: bytes
    concern_until: int | None


def facts_of(connection: Connection, customer_id: str) -> list[Fact]:
    """A customer's facts in the order (occurred_at, event_id), those of linked ids among them."""
    found: list[Fact] = []
    for origin in identity.origins(connection, customer_id):
        found += facts(connection.execute(f"select {FACT_COLUMNS} from facts where origin_id = ?", (origin,)))
    return sorted(found, key=lambda fact: (fact.occurred_at, fact.event_id))


def customers_of(connection: Connection, table: str) -> list[str]:
    """Whom the `origin_id`s of a table of facts are counted for now: sorted, each once, without nobody."""
    rows = connection.execute(
        f"""select distinct coalesce(l.customer_id, f.origin_id) from (select distinct origin_id from {table}) f
        left join links l on {_IS_LINKED.format(origin="f.origin_id")}
        where f.origin_id <> ? order by 1""",
        (NOBODY,),
    )
    return [customer for (customer,) in rows]


def shop_facts(connection: Connection) -> list[Fact]:
    """Facts about the shop rather than a customer, in the order (occurred_at, event_id)."""
    rows = connection.execute(
        f"select {FACT_COLUMNS} from facts where origin_id = ? order by occurred_at, event_id", (NOBODY,)
    )
    return list(facts(rows))


def facts_by_customer(connection: Connection, customers: Iterable[str]) -> Iterator[tuple[str, int, list[Fact]]]:
    """For each of `customers` that has any: her facts (grouped, in no further order) and the position of the latest.

    In a transaction: may use temporary tables of the connection. One such reading at a time.
    """
    waiting = iter(customers)
    while some := list(islice(waiting, _AT_ONCE)):
        if len(some) > _FEW:
            _want(connection, some)
            rows = connection.execute(_FACTS_BY_CUSTOMER)
        else:
            rows = connection.execute(_OF_FEW.format(marks(some, "(?)")), some)
        for customer, group in groupby(rows, key=itemgetter(0)):
            own = list(group)
            yield customer, max(row[1] for row in own), list(facts(row[2:] for row in own))


def facts_ever_of(
    connection: Connection, customers: Sequence[str]
) -> tuple[dict[str, list[Fact]], dict[str, list[tuple[str, datetime, datetime | None]]]]:
    """By customer, her facts and those of ids that were ever hers; and those ids with the spans in which they were."""
    _want(connection, customers)
    spans: dict[str, list[tuple[str, datetime, datetime | None]]] = {}
    told = connection.execute(
        "select l.customer_id, l.external_id, l.linked_at, l.unlinked_at from wanted w"
        " cross join links l on l.customer_id = w.customer_id"
    )
    for who, external_id, start, end in told:
        span = RESERVED_PREFIX + external_id, from_us(start), None if end is None else from_us(end)
        spans.setdefault(who, []).append(span)
    hers = {who: {who, *(origin for origin, _, _ in spans.get(who, []))} for who in customers}
    _want(connection, {origin for origins in hers.values() for origin in origins})
    by_origin: dict[str, list[Fact]] = {}
    rows = connection.execute(
        f"select {', '.join(f'f.{c}' for c in FACT_COLUMNS.split(', '))}"
        " from wanted w cross join facts f on f.origin_id = w.customer_id"
    )
    for fact in facts(rows):
        by_origin.setdefault(fact.origin, []).append(fact)
    found = {who: [fact for origin in sorted(own) for fact in by_origin.get(origin, ())] for who, own in hers.items()}
    return found, spans


def refold(connection: Connection, customers: Iterable[str]) -> int:
    """Fold `customers` again, in the caller's transaction; who has no facts left loses her state. Returns how many."""
    wanted = sorted(set(customers) - {NOBODY})
    kept = set()
    for batch in _chunks(states(connection, wanted), 1000):
        keep_states(connection, batch)
        kept |= {row.customer_id for row in batch}
    gone = [(customer,) for customer in wanted if customer not in kept]
    connection.executemany("delete from state where customer_id = ?", gone)
    return len(wanted)


def states(connection: Connection, customers: Iterable[str]) -> Iterator[StateRow]:
    """Rows for the `state` table of each of `customers` with facts."""
    for customer, position, own in facts_by_customer(connection, customers):
        yield state_row(customer, position, own)


def state_row(customer: str, position: int, own: Iterable[Fact]) -> StateRow:
    """Her row, of all her facts in any order, the latest at `position`."""
    state = fold(own)
    return StateRow(customer, position, encode(state), concern_until(state))


def keep_states(connection: Connection, rows: list[StateRow]) -> None:
    """Write rows of the `state` table, one a customer, over what was kept of her, in the caller's transaction."""
    connection.add(_STATE, rows, _ANEW)


def _want(connection: Connection, customers: Iterable[str]) -> None:
    connection.make(_TEMPORARY)
    connection.execute("delete from wanted")
    connection.executemany(
        "insert into wanted values (?) on conflict do nothing", ((customer,) for customer in customers)
    )
    connection.execute("delete from wanted_origins")
    connection.execute(f"insert into wanted_origins {_ORIGINS}")


def _chunks(rows: Iterable[StateRow], size: int) -> Iterator[list[StateRow]]:
    chunk: list[StateRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    yield chunk
