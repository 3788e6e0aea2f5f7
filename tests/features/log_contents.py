"""Everything a log holds that must not depend on the way it came in, and a few events to send."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.log.event_log import EventLog
from features.log.store import connect
from features.log.validation import rows_from_json

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def at(hours: float) -> str:
    """An instant, so many hours after the first of August."""
    return (datetime(2026, 8, 1, tzinfo=UTC) + timedelta(hours=hours)).isoformat()


def event(event_id: str, type_: str, customer: str | None, hours: float, **payload: Any) -> dict[str, Any]:
    """An event of a customer, or of a visitor if her name begins with "~"; received an hour after it happened."""
    told = {"event_id": event_id, "type": type_, "occurred_at": at(hours), "received_at": at(hours + 1), "source": "t"}
    if customer is not None:
        told["anonymous_id" if customer.startswith("~") else "customer_id"] = customer.removeprefix("~")
    return told | {"payload": payload}


def link(event_id: str, visitor: str, customer: str, hours: float, action: str = "link") -> dict[str, Any]:
    """A visitor is said to be, or not to be, a customer."""
    return event(event_id, "identity", customer, hours, action=action) | {"anonymous_id": visitor}


def purchase(event_id: str, customer: str, hours: float, item: str = "socks") -> dict[str, Any]:
    """One article bought."""
    lines = [{"item_id": item, "quantity": 1, "unit_price": 500}]
    return event(event_id, "purchase", customer, hours, order_id=f"o-{event_id}", currency="EUR", lines=lines)


def rating(event_id: str, customer: str, hours: float, score: int) -> dict[str, Any]:
    """A rating on a scale of 1 to 5."""
    return event(event_id, "feedback", customer, hours, kind="rating", score=score)


def table(events: list[dict[str, Any]]) -> pa.Table:
    """The events as a batch of history."""
    rows, rejects = rows_from_json(events, source="t", received_at=NOW)
    assert rejects == []
    return rows


def lake_rows(log: EventLog) -> list[dict[str, Any]]:
    """All rows of the lake's files, by id."""
    tables = [pq.read_table(path, schema=EVENT_SCHEMA) for path in log.files()]
    return sorted(pa.concat_tables(tables).to_pylist() if tables else [], key=lambda row: row["event_id"])


def contents(home: Home, *, live: bool = False) -> dict[str, Any]:
    """What the log holds, without positions and run numbers; `live`: also what is not in the lake yet is left there."""
    with EventLog(home) as log:
        if not live:
            log.flush_live()
        rows = lake_rows(log)
        on_disk = sorted(str(path.relative_to(home.root)) for path in home.lake.rglob("*") if path.is_file())
        assert on_disk == sorted(str(path.relative_to(home.root)) for path in log.files()), "files that nobody lists"
    connection = connect(home)
    told = {
        "seen": "select event_id, content from seen",
        "facts": "select event_id, origin_id, occurred_at, received_at, type, payload_hash, body from facts",
        "state": "select customer_id, body from state",
        "links": "select * from links",
        "watermarks": "select * from watermarks",
        "quarantine": "select id, reason, event_id, raw from quarantine",
        "pending": "select event_id, body from pending",
    }
    held = {name: sorted(connection.execute(query).fetchall()) for name, query in told.items()}
    connection.close()
    return held | {"lake": rows}


def new_home(folder: Path) -> Home:
    """An empty data folder."""
    return Home.open(folder)
