"""Purchase lines of the event log as one Arrow table, each with the moment from which we knew whose it was.

An anonymous visitor's purchases become a customer's when the link is learned: such a line was received no earlier.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from features.catalogue import load_items
from features.columns import TIME
from features.errors import DataError
from features.home import Home
from features.log.event_log import EventLog

PURCHASE_SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("order_id", pa.string()),
        pa.field("item_id", pa.string()),
        pa.field("quantity", pa.int64()),
        pa.field("paid", pa.int64()),  # minor units of the whole line
        pa.field("occurred_at", TIME),
        pa.field("received_at", TIME),
    ]
)


def load_purchases(home: Home) -> pa.Table:
    """All purchase lines of known customers, `PURCHASE_SCHEMA`, in an order that depends on the events alone.

    Raises `DataError` if there is none.
    """
    with EventLog(home) as log, duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("links", log.links())
        table: pa.Table = con.sql(
            f"""with bought as (
                  select customer_id, anonymous_id, order_id, unnest(lines) line, occurred_at, received_at
                  from ({log.scan()}) where type = 'purchase'),
                known as (
                  select * exclude anonymous_id from bought where customer_id is not null
                  union all
                  select l.customer_id, order_id, line, occurred_at, greatest(received_at, l.linked_at)
                  from bought b join links l using (anonymous_id)
                  where b.customer_id is null and l.unlinked_at is null)
                select customer_id, order_id, line.item_id as item_id, line.quantity as quantity,
                  line.quantity * line.unit_price - coalesce(line.discount, 0) as paid, occurred_at, received_at
                from known order by all"""
        ).to_arrow_table()
    if not len(table):
        raise DataError(
            "The event log holds no purchase of a known customer. Ingest purchases with a customer_id, or link the "
            "anonymous ids to customers."
        )
    return table.cast(PURCHASE_SCHEMA)


def item_categories(home: Home) -> dict[str, str]:
    """Category path of each catalogue item that has one; empty without a catalogue."""
    if not Path(home.catalogue).exists():
        return {}
    items = load_items(home)
    pairs = zip(items["item_id"].to_pylist(), items["category"].to_pylist(), strict=True)
    return {item: category for item, category in pairs if category}
