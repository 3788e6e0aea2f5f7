"""The language of each customer as it was known at a moment: what she named herself, else that of her newest words."""

from datetime import datetime

import duckdb
import numpy as np

from features.home import Home
from features.log.event_log import EventLog
from training.metrics import Array


def load_languages(home: Home, customers: Array, as_of: datetime) -> Array:
    """ISO 639 codes `[n]` in small letters, "" where unknown, told and received by `as_of` (exclusive, inclusive).

    A profile's `language` (`fi-FI` counts as `fi`) goes before the language of feedback. Events in the lake only; what
    a visitor told counts once it was known that she is this customer.
    """
    with EventLog(home) as log, duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("links", log.links())
        rows = con.sql(
            f"""with told as (
                  select customer_id, anonymous_id, occurred_at, event_id, type = 'profile' as named,
                    lower(trim(case type when 'profile' then facts ->> '$.language' else language end)) as spoken
                  from ({log.scan()})
                  where type in ('profile', 'feedback') and occurred_at < $1 and received_at <= $1),
                known as (
                  select coalesce(t.customer_id, l.customer_id) as who, t.* exclude (customer_id, anonymous_id)
                  from told t left join links l on t.customer_id is null and l.anonymous_id = t.anonymous_id
                    and l.linked_at <= $1 and (l.unlinked_at is null or l.unlinked_at > $1)
                  where spoken <> '')
                select who, arg_max(split_part(spoken, '-', 1), (named, occurred_at, event_id))
                from known where who is not null group by who""",
            params=[as_of],
        ).fetchall()
    spoken = dict(rows)
    return np.array([spoken.get(customer, "") for customer in customers.tolist()], dtype=np.str_)
