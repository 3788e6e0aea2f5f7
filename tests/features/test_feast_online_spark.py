"""Materializing from a history that Spark keeps: the same records as from DuckDB's, streamed through files."""

import contextlib
import gc
import io
import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.data_format import ParquetFormat
from feast.types import Float64, Int64, String, UnixTimestamp
from feast.value_type import ValueType

from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_TIMESTAMP, TIME
from features.feature_store.engines.spark import SparkEngine
from features.feature_store.engines.spark_session import SparkSettings
from features.feature_store.online import OnlineFeatures, OnlineRecord
from features.home import Home

NOON, DAY = datetime(2024, 6, 1, 12, tzinfo=UTC), timedelta(days=1)
FIELDS = {"bought": Int64, "share": Float64, "category": String, "last_at": UnixTimestamp}
CUSTOMERS = [f"c{n:02}" for n in range(20)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # PySpark leaves sockets to the collector
    pytest.mark.filterwarnings("ignore:The spark .* is an experimental feature:RuntimeWarning"),  # Feast's word for it
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        conf = {"spark.sql.shuffle.partitions": "2"}
        engine = SparkEngine(SparkSettings(conf=conf, memory_gb=2, scratch=tmp_path_factory.mktemp("spark")))
        yield engine
        engine.close()
        gc.collect()


def _materialized(folder: Path, history: Path, spark: SparkEngine | None) -> list[OnlineRecord | None]:
    home = Home.open(folder)
    home.feast.mkdir()
    times = {"timestamp_field": EVENT_TIMESTAMP, "created_timestamp_column": CREATED_TIMESTAMP}
    source: Any = FileSource(name="history", path=str(history), file_format=ParquetFormat(), **times)
    if spark is not None:
        from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource

        spark.read([history], _history().slice(0, 0)).createOrReplaceTempView("history")
        source = SparkSource(name="history", table="history", **times)
    customer = Entity(name="customer", join_keys=[CUSTOMER_ID], value_type=ValueType.STRING)
    schema = [Field(name=CUSTOMER_ID, dtype=String), *(Field(name=n, dtype=t) for n, t in FIELDS.items())]
    view = FeatureView(name="taste", entities=[customer], ttl=timedelta(0), schema=schema, source=source)
    package = "features.feature_store.feast_online"
    store = FeatureStore(
        config=RepoConfig(
            project="contract",
            provider="local",
            registry=str(home.feast / "registry.db"),
            offline_store={"type": "duckdb" if spark is None else "spark"},
            online_store={"type": f"{package}.PackedOnlineStore", "root": str(home.root)},
            batch_engine={"type": f"{package}.ArrowComputeEngine"},
            entity_key_serialization_version=3,
            repo_path=home.feast,
        )
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        store.apply([customer, view])
        store.materialize(NOON - DAY, NOON)
    assert [path.name for path in home.feast.iterdir()] == ["registry.db"]
    with closing(OnlineFeatures(home, view="taste", deadline_seconds=10)) as reader:
        return reader.read(CUSTOMERS)


def _history() -> pa.Table:
    """20 customers; the even ones also have an older row, every fifth has absent values."""
    rows = []
    for number, who in enumerate(CUSTOMERS):
        for at in (NOON - DAY, NOON)[number % 2 :]:
            told = {"bought": number, "share": number / 3, "category": "kengät", "last_at": at - 3 * DAY}
            values = dict.fromkeys(told) if number % 5 == 4 else told
            rows.append({CUSTOMER_ID: who, **values, EVENT_TIMESTAMP: at, CREATED_TIMESTAMP: at})
    types = [(CUSTOMER_ID, pa.string()), ("bought", pa.int64()), ("share", pa.float64()), ("category", pa.string())]
    times = [(name, TIME) for name in ("last_at", EVENT_TIMESTAMP, CREATED_TIMESTAMP)]
    return pa.Table.from_pylist(rows, pa.schema([*types, *times]))


def test_spark_and_duckdb_histories_give_the_same_records(spark: SparkEngine, tmp_path: Path) -> None:
    history = tmp_path / "history.parquet"
    pq.write_table(_history(), history)
    ours = _materialized(tmp_path / "spark", history, spark)
    assert ours == _materialized(tmp_path / "duckdb", history, None)
    newest = ours[3]
    assert newest is not None
    assert newest.event_time == NOON
    last_at = (NOON - 3 * DAY).timestamp()
    assert newest.values == {"bought": 3, "share": 1.0, "category": "kengät", "last_at": last_at}
    absent = ours[4]
    assert absent is not None
    assert set(absent.values.values()) == {None}
