"""The log position of each customer's latest fact: a state of an earlier one has not seen all that is known of her."""

from collections.abc import Iterable

from features.log.connection import Connection
from features.log.rules import RESERVED_PREFIX
from features.log.value_lists import marks, parts


def latest_positions(connection: Connection, customers: Iterable[str]) -> tuple[dict[str, int], dict[str, str]]:
    """By customer, the position of her latest fact over all her identities; and whose each identity is.

    Who has none is not in the first.
    """
    owner = {customer: customer for customer in customers}
    for part in parts(list(owner)):
        linked = (
            f"select external_id, customer_id from links where customer_id in ({marks(part)}) and unlinked_at is null"
        )
        owner |= {RESERVED_PREFIX + external: customer for external, customer in connection.execute(linked, part)}
    positions: dict[str, int] = {}
    for part in parts(list(owner)):
        last = f"select origin_id, max(position) from facts where origin_id in ({marks(part)}) group by origin_id"
        for origin, position in connection.execute(last, part):
            customer = owner[origin]
            positions[customer] = max(positions.get(customer, 0), position)
    return positions, owner
