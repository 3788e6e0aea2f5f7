"""The log position of each customer's latest fact: a state of an earlier one has not seen all that is known of her."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from features.log.connection import Connection, Statement
from features.log.rules import RESERVED_PREFIX
from features.log.value_lists import marks, parts


def positions_by_owner(connection: Connection, owner: Mapping[str, str]) -> dict[str, int]:
    """By customer, the position of her latest fact over all her identities, whose each is in `owner`.

    Who has none is not in it.
    """
    positions: dict[str, int] = {}
    for asked in positions_asked(list(owner)):
        for origin, position in connection.execute(*asked):
            if position is not None:
                customer = owner[origin]
                positions[customer] = max(positions.get(customer, 0), position)
    return positions


def owners_by_link(connection: Connection, customers: Iterable[str]) -> dict[str, str]:
    """Whose each identity of some customers is: their own, and the ids that are linked to them now."""
    owner = {customer: customer for customer in customers}
    for asked in links_asked(list(owner)):
        owner |= {RESERVED_PREFIX + external: customer for external, customer in connection.execute(*asked)}
    return owner


def links_asked(customers: Sequence[str]) -> Iterator[Statement]:
    """What `owners_by_link` asks of customers, each once."""
    for part in parts(customers):
        query = (
            f"select external_id, customer_id from links where customer_id in ({marks(part)}) and unlinked_at is null"
        )
        yield query, part


def positions_asked(origins: Sequence[str]) -> Iterator[Statement]:
    """What `positions_by_owner` asks of identities, each once: the end of an index for each, not all of her facts."""
    for part in parts(origins):
        query = f"""select o.origin_id, (select max(f.position) from facts f where f.origin_id = o.origin_id)
            from (select column1 as origin_id from (values {marks(part, "(?)")}) as told) o"""
        yield query, part
