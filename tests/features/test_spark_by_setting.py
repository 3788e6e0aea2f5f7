"""The setting that moves a shop to Spark: the same snapshots, in another engine's files."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_histories import T
from twisted_shop import twisted_shop

from features.columns import EVENT_SCHEMA
from features.feature_store.snapshots import BATCH
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # PySpark leaves sockets to the collector
]


def _snapshots(root: Path, engine: str) -> list[tuple[str, pa.Table]]:
    home = Home.open(root)
    home.config.mkdir()
    (home.config / "feature_store.yaml").write_text(f"offline:\n  engine: {engine}\n  memory_limit_gb: 2\n")
    with twisted_shop(home, 12):
        pass
    found = build_snapshots(home, [T - timedelta(days=30), T])
    assert sorted(path.name for path in home.features.iterdir()) == ["batch", "state"]
    return [(one.kind, pa.concat_tables(pq.read_table(file) for file in one.files)) for one in found]


def test_one_word_in_the_settings_changes_the_engine_and_no_value(tmp_path: Path) -> None:
    of_duckdb, of_spark = _snapshots(tmp_path / "duckdb", "duckdb"), _snapshots(tmp_path / "spark", "spark")
    assert [kind for kind, _ in of_spark] == ["batch", "batch", "state", "state"]
    for (_, expected), (_, found) in zip(of_duckdb, of_spark, strict=True):
        assert found.cast(expected.schema).equals(expected)
        assert found.num_rows == 12


def _night(root: Path, engine: str) -> tuple[list[pa.Table], list[str]]:
    """A snapshot of T mended after an erasure and an old purchase, and one made from it a day later."""
    home, said = Home.open(root), list[str]()
    home.config.mkdir()
    (home.config / "feature_store.yaml").write_text(f"offline:\n  engine: {engine}\n  memory_limit_gb: 2\n")
    first = [_told(f"e{n}", T - timedelta(days=3 * n, hours=1), customer_id=f"c{n}") for n in range(1, 20)]
    seen = _told("v1", T - timedelta(days=9), anonymous_id="v", type="feedback", kind="rating", score=1.0)
    link = _told("v2", T - timedelta(days=8), anonymous_id="v", customer_id="guest", type="identity", action="link")
    _append(home, [*first, seen, link])
    build_snapshots(home, [T], kinds=[BATCH])
    late = _told("late", T - timedelta(days=2), customer_id="c3")
    gone = _told("gone", T - timedelta(days=1), customer_id="c5", type="erasure")
    asked = _told("asked", T - timedelta(days=1), anonymous_id="v", type="erasure")
    _append(home, [late, gone, asked, _told("new", T + timedelta(hours=2), customer_id="c7")])
    found = build_snapshots(home, [T, T + timedelta(days=1)], said.append, kinds=[BATCH])
    return [pa.concat_tables(pq.read_table(file, partitioning=None) for file in one.files) for one in found], said


def _told(number: str, at: datetime, **more: Any) -> dict[str, Any]:
    lines = [{"item_id": "hat", "quantity": 1, "unit_price": 1000}]
    bought = {"order_id": number, "currency": "EUR", "lines": lines} if "type" not in more else {}
    told = {"event_id": number, "type": "purchase", "occurred_at": at, "received_at": at, "channel": "web"}
    return told | {"source": "test", "schema_version": 1} | bought | more


def _append(home: Home, rows: list[dict[str, Any]]) -> None:
    with EventLog(home, durable=False) as log:
        log.append_history([pa.Table.from_pylist(rows, EVENT_SCHEMA)], source="test", now=T + timedelta(days=9))


def test_snapshots_are_mended_and_advanced_on_spark_as_on_duckdb(tmp_path: Path) -> None:
    expected, _ = _night(tmp_path / "duckdb", "duckdb")
    found, said = _night(tmp_path / "spark", "spark")
    assert said[:2] == [
        f"Batch features as of {T:%Y-%m-%d} are mended",
        f"Batch features as of {T + timedelta(days=1):%Y-%m-%d}, from those of {T:%Y-%m-%d}",
    ]
    for of_spark, of_duckdb in zip(found, expected, strict=True):
        order = [("customer_id", "ascending")]
        assert of_spark.cast(of_duckdb.schema).sort_by(order).equals(of_duckdb.sort_by(order))
        assert set(of_duckdb["customer_id"].to_pylist()) == {f"c{n}" for n in range(1, 20)} - {"c5"}
