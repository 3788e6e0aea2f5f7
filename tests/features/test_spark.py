"""Spark, for real in local mode: the same features, the same history of state, the same training rows as on DuckDB.

All of it shares one session, which takes seconds to start.
"""

import gc
import math
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batched_histories import batched_histories
from feature_histories import CATALOGUE, CUTOFFS, T, links, purchase, table

from features.columns import EVENT_SCHEMA
from features.errors import DataError
from features.feature_store.batch import BATCH_FEATURES, compute
from features.feature_store.engines.spark import SparkEngine
from features.feature_store.engines.spark_session import SparkSettings, spark_session
from features.log.event_log import LINK_SCHEMA

FAST_START = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # PySpark leaves sockets to the collector


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    conf = FAST_START | {"spark.sql.shuffle.partitions": "2"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        engine = SparkEngine(SparkSettings(conf=conf, memory_gb=2, scratch=tmp_path_factory.mktemp("spark")))
        yield engine
        engine.close()
        gc.collect()


def test_a_thousand_histories_equal_the_oracle(spark: SparkEngine, tmp_path: Path) -> None:
    rows, expected = batched_histories(1_000)
    for name, told in (("events", table(rows)), ("links", links(rows)), ("items", CATALOGUE)):
        pq.write_table(told, tmp_path / f"{name}.parquet")
    features = compute(
        spark.parquet([tmp_path / "events.parquet"], EVENT_SCHEMA.empty_table()),
        spark.parquet([tmp_path / "links.parquet"], LINK_SCHEMA.empty_table()),
        spark.parquet([tmp_path / "items.parquet"], CATALOGUE.slice(0, 0)),
        CUTOFFS,
    )
    (tmp_path / "found").mkdir()
    spark.write(features, tmp_path / "found")
    found = {(row.pop("customer_id"), row.pop("event_timestamp")): row for row in _rows_of(tmp_path / "found")}
    assert found.keys() == expected.keys()
    assert len(found) > 5_000
    wrong = {
        (key, name): (found[key][name], value)
        for key, row in expected.items()
        for name, value in row.items()
        if not _equal(found[key][name], value)
    }
    assert wrong == {}
    assert all(row.keys() == BATCH_FEATURES.keys() for row in expected.values())


def _rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def _equal(found: Any, expected: Any) -> bool:
    """Integers, texts and times exactly; floats to 1e-9."""
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    return bool(found == expected) and type(found) is type(expected)


def test_parts_are_written_in_order_with_instants_in_microseconds(spark: SparkEngine, tmp_path: Path) -> None:
    day = tmp_path / "day=2024-05-01" / "[odd]*name"  # neither a column nor a pattern
    day.mkdir(parents=True)
    at = T - timedelta(microseconds=1)
    pq.write_table(table([purchase(who, at, n) for n, who in enumerate(["cid", "ada", "bea"])]), day / "a.parquet")
    events = spark.parquet([day / "a.parquet"], EVENT_SCHEMA.empty_table())
    assert "day" not in events.columns
    spark.write(events.select("customer_id", "occurred_at"), tmp_path / "out", order_by=["customer_id"])
    assert [row["customer_id"] for row in _rows_of(tmp_path / "out")] == ["ada", "bea", "cid"]
    schema = pq.read_schema(next((tmp_path / "out").glob("*.parquet")))
    assert schema.field("occurred_at").type == pa.timestamp("us", "UTC")
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix != ".parquet"]
    assert spark.rows(events.agg(last=events.occurred_at.max(), n=events.count())) == [{"last": at, "n": 3}]


def test_no_files_are_no_rows_of_the_same_columns(spark: SparkEngine, tmp_path: Path) -> None:
    events = spark.parquet([], EVENT_SCHEMA.empty_table())
    assert events.columns == tuple(EVENT_SCHEMA.names)
    spark.write(events, tmp_path / "none", order_by=["event_id"])
    written = pq.read_table(tmp_path / "none")
    assert (written.num_rows, written.column_names) == (0, EVENT_SCHEMA.names)


def test_a_second_session_is_refused(spark: SparkEngine) -> None:
    with pytest.raises(DataError, match="already runs"), spark_session(SparkSettings()):
        pass
