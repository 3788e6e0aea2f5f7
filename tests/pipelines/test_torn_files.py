"""Files torn in half: a snapshot is made again, a lake file is named with the remedy; a killed run's leftovers go."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.columns import EVENT_SCHEMA
from features.errors import DataError
from features.feature_store.snapshots import BATCH, MANIFEST, Snapshot, snapshot, snapshot_cutoffs
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots

T, DAY = datetime(2024, 6, 1, tzinfo=UTC), timedelta(days=1)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Home, Snapshot]:
    """A shop of two customers and its snapshot."""
    home = Home.open(tmp_path)
    line = {"item_id": "hat", "quantity": 1, "unit_price": 1000}
    rows: list[dict[str, Any]] = [
        {
            "event_id": f"e{number}", "type": "purchase", "customer_id": who, "order_id": f"o{number}",
            "occurred_at": T - number * DAY, "received_at": T - number * DAY, "channel": "web", "source": "test",
            "schema_version": 1, "currency": "EUR", "lines": [line],
        }
        for number, who in enumerate(["ada", "bea", "ada"], 1)
    ]  # fmt: skip
    with EventLog(home) as log:
        log.append_history([pa.Table.from_pylist(rows, EVENT_SCHEMA)], source="test", now=T)
    (one,) = build_snapshots(home, [T], kinds=[BATCH])
    return home, one


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("torn", ["part-00000.parquet", "links/part-00000.parquet", MANIFEST])
def test_a_torn_snapshot_is_not_read_and_made_again(made: tuple[Home, Snapshot], torn: str) -> None:
    home, one = made
    whole = pq.read_table(one.files, partitioning=None)
    _halve(one.folder / torn)
    assert snapshot(home, BATCH, T) is None
    assert snapshot_cutoffs(home, BATCH) == []
    (again,) = build_snapshots(home, [T], kinds=[BATCH])
    assert pq.read_table(again.files, partitioning=None).equals(whole)


def test_what_a_killed_run_left_is_not_read_and_goes(made: tuple[Home, Snapshot]) -> None:
    home, one = made
    draft = one.folder.parent / ".4711"
    draft.mkdir()
    (draft / "part-00000.parquet").write_bytes(one.files[0].read_bytes())
    scratch = home.features / ".scratch" / "old"
    scratch.mkdir(parents=True)
    assert snapshot(home, BATCH, T) == one
    build_snapshots(home, [T], kinds=[BATCH])
    assert not draft.exists() and not scratch.exists()
    assert snapshot(home, BATCH, T) == one, "what was whole is kept"


def test_a_torn_lake_file_is_named_with_the_remedy_and_nothing_is_lost(made: tuple[Home, Snapshot]) -> None:
    home, one = made
    file = next(home.lake.rglob("*.parquet"))
    content = file.read_bytes()
    _halve(file)
    with pytest.raises(DataError, match=f"{file.name} has .* bytes instead of .* Put the file back from a backup"):
        build_snapshots(home, [T + DAY], kinds=[BATCH])
    file.write_bytes(content)
    assert [found.manifest.rows for found in build_snapshots(home, [T, T + DAY], kinds=[BATCH])] == [2, 2]
    assert snapshot(home, BATCH, T) == one
