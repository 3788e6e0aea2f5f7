"""Which browsing counts in the live state: the lake keeps all of it, the facts only the newest that came in live."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import EVENT_ID
from features.home import Home
from features.log.store import connect

KEPT_SCHEMA = pa.schema([pa.field(EVENT_ID, pa.string())])


def write_kept_browsing(home: Home, path: Path, *, rows_at_once: int = 100_000) -> None:
    """Write the event_ids of the browsing among the facts to a Parquet file, however many there are."""
    connection = connect(home)
    try:
        rows = connection.stream("select event_id from facts where type = 'browse'")
        with pq.ParquetWriter(path, KEPT_SCHEMA) as writer:
            while some := rows.fetchmany(rows_at_once):
                writer.write_table(pa.table({EVENT_ID: [event_id for (event_id,) in some]}, schema=KEPT_SCHEMA))
    finally:
        connection.close()
