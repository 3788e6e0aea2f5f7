"""On Spark, training rows see the same: each case by hand, a thousand histories by the oracle, any spine's form."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore
from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
from point_in_time_cases import (
    CASES,
    NAMES,
    SCHEMA,
    START,
    case_rows,
    day,
    feature_rows,
    joined,
    made_up,
    spine_of,
    store_over,
    wrong,
)

from features.errors import DataError
from features.feature_store.engines.spark import SparkEngine
from features.feature_store.engines.spark_session import SparkSettings

FAST_START = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
STORE = {"type": "features.feature_store.feast_offline_spark.PointInTimeSparkOfflineStore"}
ASKED = [(name, day(case[1])) for name, case in CASES.items()]
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # PySpark leaves sockets to the collector
    pytest.mark.filterwarnings("ignore:The spark .* is an experimental feature:RuntimeWarning"),  # Feast's word for it
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    conf = FAST_START | {"spark.sql.shuffle.partitions": "2"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        engine = SparkEngine(SparkSettings(conf=conf, memory_gb=2, scratch=tmp_path_factory.mktemp("spark")))
        yield engine
        engine.close()
        gc.collect()


def _store(spark: SparkEngine, folder: Path, name: str, rows: pa.Table) -> FeatureStore:
    folder.mkdir(exist_ok=True)
    pq.write_table(rows, folder / "rows.parquet")
    spark.read([folder / "rows.parquet"], SCHEMA.empty_table()).createOrReplaceTempView(name)
    times = {"timestamp_field": "event_timestamp", "created_timestamp_column": "created_timestamp"}
    return store_over(SparkSource(name=name, table=name, **times), folder, STORE)


@pytest.fixture(scope="module")
def cases(spark: SparkEngine, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return _store(spark, tmp_path_factory.mktemp("cases"), "by_hand", feature_rows(case_rows()))


def test_every_case(cases: FeatureStore) -> None:
    rows = joined(cases, spine_of(ASKED)).to_arrow().to_pylist()
    found = {row["customer_id"]: (row["ever__bought_y"], row["week__bought_y"]) for row in rows}
    assert found == {name: case[2:] for name, case in CASES.items()}


def test_a_thousand_histories_equal_the_oracle(spark: SparkEngine, tmp_path: Path) -> None:
    rows, asked = made_up(1_000, 4)
    table = joined(_store(spark, tmp_path, "drawn", feature_rows(rows)), spine_of(asked)).to_arrow()
    assert table["place"].to_pylist() == list(range(len(asked)))
    assert wrong(table, rows, asked) == []


def test_a_spine_is_a_frame_a_table_a_file_or_a_query(spark: SparkEngine, cases: FeatureStore, tmp_path: Path) -> None:
    spine = spine_of([*ASKED, ("nobody", START), ASKED[6], ASKED[6]])
    pq.write_table(spine, tmp_path / "spine.parquet")
    expected = joined(cases, spine).to_arrow().to_pylist()
    assert [row["place"] for row in expected] == spine["place"].to_pylist()
    frame = spark.session.read.parquet(str(tmp_path / "spine.parquet"))
    query = f"select * from parquet.`{tmp_path / 'spine.parquet'}`"
    given: list[Any] = [spine.to_pandas(), tmp_path / "spine.parquet", query, frame]
    for one in given:
        found = joined(cases, one).to_arrow()
        assert found.column_names == list(expected[0])
        assert found.sort_by("place").to_pylist() == expected


def test_columns_of_the_spine_may_be_called_anything(cases: FeatureStore) -> None:
    names = ["t", "s0", "v0_k0", "bought_y", "a.b", "a`b", "select"]
    who = {"customer_id": ["at its very time"], "event_timestamp": [day(1)]}
    spine = pa.table(who | {name: [number] for number, name in enumerate(names)})
    refs = [f"ever:{name}" for name in NAMES]
    rows = cases.get_historical_features(spine, refs, filter_by_created_timestamp=True).to_arrow()  # type: ignore[arg-type]
    assert rows.column_names == [*spine.column_names, "ever__bought_y", "share", "from"]
    assert rows.select(names).to_pylist() == spine.select(names).to_pylist()
    assert rows["ever__bought_y"].to_pylist() == [100]


def test_empty_and_absent_and_coarse_and_fine_times(cases: FeatureStore) -> None:
    assert joined(cases, spine_of(ASKED).slice(0, 0)).to_arrow().num_rows == 0
    instants = [
        pa.nulls(1),
        pa.array([day(1)], pa.timestamp("s", "Europe/Helsinki")),
        pa.array([day(1)], pa.timestamp("ns", "UTC")),
        pa.array([START.replace(day=2, tzinfo=None)], pa.timestamp("ms")),
        pa.array([START.replace(day=2).date()], pa.date32()),
    ]
    found = []
    for at in instants:
        spine = pa.table({"customer_id": ["at its very time"], "event_timestamp": at})
        found += joined(cases, spine).to_arrow()["ever__bought_y"].to_pylist()
    assert found == [None, 100, 100, 100, 100]


def test_what_is_wrong_with_a_spine_is_said(cases: FeatureStore) -> None:
    with pytest.raises(DataError, match="lacks event_timestamp"):
        joined(cases, pa.table({"customer_id": ["ada"]}))
    with pytest.raises(DataError, match="type string, not a time"):
        joined(cases, pa.table({"customer_id": ["ada"], "event_timestamp": ["2024-06-01"]}))
