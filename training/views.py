"""Sessions of the event log as one Arrow table: which items visitors looked at, one after the other."""

from datetime import datetime

import duckdb
import pyarrow as pa

from features.columns import TIME
from features.home import Home
from features.log.event_log import EventLog

NEWEST = 100_000
"""Sessions that are learned from: more cost time and memory and hardly teach more."""
VIEWS_SCHEMA = pa.schema(
    [pa.field("items", pa.list_(pa.string())), pa.field("started_at", TIME), pa.field("ended_at", TIME)]
)


def load_views(home: Home, as_of: datetime, *, newest: int = NEWEST) -> pa.Table:
    """Sessions known by `as_of`, `VIEWS_SCHEMA`, the first to end first; none where nothing tells of browsing.

    What counts is what serving counts (`CustomerView.session_items`): any step with an item but its removal from the
    cart. Sessions of one item alone tell nothing of what comes next, and are left out. A session is one's of one
    visitor, whatever ids others give theirs.
    """
    with EventLog(home) as log, duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        table: pa.Table = con.sql(
            f"""with steps as (
                  select coalesce(anonymous_id, customer_id) visitor, session_id, item_id, occurred_at, event_id
                  from ({log.scan()})
                  where type = 'browse' and action <> 'cart_remove' and item_id is not null
                    and occurred_at < $1 and received_at <= $1),
                sessions as (
                  select list(item_id order by occurred_at, event_id) items, min(occurred_at) started_at,
                    max(occurred_at) ended_at, min(event_id) first_id
                  from steps group by visitor, session_id having count(distinct item_id) > 1
                  order by ended_at desc, started_at desc, first_id desc limit $2)
                select items, started_at, ended_at from sessions order by ended_at, started_at, first_id""",
            params=[as_of, newest],
        ).to_arrow_table()
    return table.cast(VIEWS_SCHEMA)
