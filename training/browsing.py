"""Whose browsing was known at a moment."""

from datetime import datetime

import duckdb
import numpy as np

from features.home import Home
from features.log.event_log import EventLog
from training.metrics import Array


def load_browsing(home: Home, customers: Array, as_of: datetime) -> Array:
    """Booleans `[n]`: any browsing of hers had happened and been received by `as_of` (exclusive, inclusive).

    Events in the lake only; what a visitor looked at counts once it was known that she is this customer.
    """
    with EventLog(home) as log, duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("links", log.links())
        rows = con.sql(
            f"""select distinct coalesce(b.customer_id, l.customer_id)
                from (select distinct customer_id, anonymous_id from ({log.scan()})
                      where type = 'browse' and occurred_at < $1 and received_at <= $1) b
                left join links l on b.customer_id is null and l.anonymous_id = b.anonymous_id
                  and l.linked_at <= $1 and (l.unlinked_at is null or l.unlinked_at > $1)""",
            params=[as_of],
        ).fetchall()
    known = np.array([who for (who,) in rows if who is not None], dtype=np.str_)
    return np.isin(customers, known)
