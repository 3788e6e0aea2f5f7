"""In which money a shop's sums are: it is said by its purchases alone."""

import msgspec

from features.log.connection import Connection

_LATEST = 200


class _Paid(msgspec.Struct):
    currency: str | None = None


_read_paid = msgspec.msgpack.Decoder(_Paid).decode


def currency_of(run: Connection) -> str | None:
    """The currency of the latest purchases; None where there are none, or they were paid in several."""
    query = f"select body from facts where type = 'purchase' order by occurred_at desc limit {_LATEST}"
    found = {_read_paid(body).currency for (body,) in run.execute(query).fetchall()} - {None}
    return found.pop() if len(found) == 1 else None
