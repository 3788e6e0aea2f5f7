"""Lakes of simulated shops, for measuring features on many events without waiting for their intake.

The shop is simulated once; a larger lake holds it several times, under other names. Files, list and links are as the
log keeps them; facts, which batch features never read, are left out.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.instants import to_us
from features.log.event_log import EventLog
from features.log.identity import IdentityEvent, link_history
from features.log.lake import LakeFile, list_files, write_days
from features.log.store import connect, transaction
from pipelines.simulate import DEFAULT_DAYS, DEFAULT_START, simulate

END = datetime.combine(DEFAULT_START, datetime.min.time(), UTC) + timedelta(days=DEFAULT_DAYS)
_IDS = ("event_id", "customer_id", "anonymous_id", "order_id", "session_id", "case_id")
_ROWS_AT_ONCE = 200_000


def make_lake(home: Home, *, customers: int, copies: int, seed: int, say: Callable[[str], None]) -> int:
    """Fill an empty data folder with the events of a shop, `copies` times; returns how many events."""
    raw = home.root / "simulated"
    say(f"Simulating {customers:,} customers")
    simulate(raw, customers=customers, seed=seed)
    home.catalogue.parent.mkdir(parents=True, exist_ok=True)
    (raw / "items.parquet").replace(home.catalogue)
    EventLog(home).close()
    say(f"Sorting the events of {copies} such shops into a lake")
    files: list[LakeFile] = []
    for days in range(0, DEFAULT_DAYS + 1, 30):
        files += _some_days(home, raw, days, copies, run=len(files) + 1)
    store = connect(home)
    with transaction(store):
        list_files(store, files)
        store.executemany("insert into links values (?, ?, ?, ?)", _links(home, files))
    store.close()
    return sum(file.rows for file in files)


def _some_days(home: Home, raw: Path, first: int, copies: int, *, run: int) -> list[LakeFile]:
    since, until = (END - timedelta(days=DEFAULT_DAYS - day) for day in (first, first + 30))
    names = ", ".join(
        f"{f.name} || '-' || copy as {f.name}" if f.name in _IDS and copies > 1 else f.name for f in EVENT_SCHEMA
    )
    with duckdb.connect(config={"memory_limit": "6GB", "temp_directory": str(home.root / "spill")}) as connection:
        connection.execute("set timezone = 'UTC'")
        rows = connection.sql(
            f"""select {names} from (
              select * exclude (n) from (
                select *, row_number() over (partition by event_id) as n
                from read_parquet('{raw}/events/*.parquet') where occurred_at >= ? and occurred_at < ?) where n = 1
            ), range({copies}) as copies(copy)
            order by date_trunc('day', occurred_at), type, customer_id, occurred_at, event_id""",
            params=[since, until],
        ).to_arrow_reader(_ROWS_AT_ONCE)
        return write_days(home, run, (pa.Table.from_batches([batch]).cast(EVENT_SCHEMA) for batch in rows))


def _links(home: Home, files: list[LakeFile]) -> list[tuple[str, int, int | None, str]]:
    told: dict[str, list[IdentityEvent]] = {}
    with duckdb.connect() as connection:
        paths = [str(home.root / file.path) for file in files]
        rows = connection.execute(
            "select anonymous_id, occurred_at, event_id, received_at, action, customer_id from read_parquet(?)"
            " where type = 'identity' and anonymous_id is not null",
            [paths],
        ).fetchall()
    for visitor, at, event_id, heard, action, customer in rows:
        told.setdefault(visitor, []).append(IdentityEvent(visitor, to_us(at), event_id, to_us(heard), action, customer))
    return [
        (link.external_id, link.linked_at, link.unlinked_at, link.customer_id)
        for events in told.values()
        for link in link_history(events)
    ]
