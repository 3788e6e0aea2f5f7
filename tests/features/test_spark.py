"""Spark, for real in local mode: the same features, the same history of state, the same training rows as on DuckDB.

All of it shares one session, which takes seconds to start.
"""

import gc
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batched_histories import batched_histories
from feature_histories import CATALOGUE, CUTOFFS, T, links, purchase, table
from twisted_shop import twisted_shop

from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_SCHEMA, EVENT_TIMESTAMP
from features.customer.hold_rules import HoldRules
from features.customer.incidents import incidents_of, telling
from features.customer.state import known_by
from features.customer.view import STATE_FEATURES
from features.errors import DataError
from features.feature_store.batch import BATCH_FEATURES, compute
from features.feature_store.engines.spark import SparkEngine
from features.feature_store.engines.spark_session import SparkSettings, spark_session
from features.feature_store.feast_repo import feature_store, historical, historical_frame
from features.feature_store.feast_sources import snapshot_schema
from features.feature_store.snapshots import BATCH, STATE, Manifest, Snapshot, drafting, keep
from features.home import Home
from features.instants import to_us
from features.log.event_log import LINK_SCHEMA, EventLog
from pipelines.materialize import build_snapshots
from pipelines.spark_states import write_states

FAST_START = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
WHEN = [T - timedelta(days=90), T - timedelta(days=30), T]
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


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EventLog, list[Snapshot]]]:
    """A log, and the snapshots that DuckDB and the live store make of it: batch at each of `WHEN`, then state."""
    home = Home.open(tmp_path_factory.mktemp("home"))
    with twisted_shop(home) as log:
        yield log, build_snapshots(home, WHEN)


def test_state_history_equals_that_of_the_live_store(
    spark: SparkEngine, shop: tuple[EventLog, list[Snapshot]], tmp_path: Path
) -> None:
    log, batches, states = shop[0], shop[1][:3], shop[1][3:]
    told = log.shop_facts()
    incidents = [telling(incidents_of(known_by(told, at)), to_us(at)) for at in WHEN]
    assert [len(known) for known in incidents] == [0, 0, 1]
    drafts = [tmp_path / f"draft{n}" for n in range(3)]
    write_states(log, spark, _made(tmp_path / "s1"), batches, drafts, HoldRules(), incidents)
    for state, draft in zip(states, drafts, strict=True):
        assert _parts([draft]).equals(_parts(state.files))
        assert state.manifest.rows > 30
    last = _parts([drafts[2]]).to_pylist()
    assert {row[CUSTOMER_ID] for row in last if row["days_since_last_seen"] < 0.1} == {"c003", "c004"}
    assert [row["open_cases"] for row in last if row[CUSTOMER_ID] == "c009"] == [1.0]  # her visitor's

    pq.write_table(pa.table({CUSTOMER_ID: ["c001", "c009"]}), _made(tmp_path / "only") / "part-0.parquet")
    stale, mended = _with_cases(states[2], _made(tmp_path / "stale"), 9.0), [tmp_path / "mended"]
    again = _made(tmp_path / "s2")
    touched = tmp_path / "only"
    write_states(log, spark, again, batches[2:], mended, HoldRules(), incidents[2:], only=touched, before=stale)
    found = {row[CUSTOMER_ID]: row["open_cases"] for row in _parts(mended).to_pylist()}
    assert {who for who, cases in found.items() if cases != 9.0} == {"c001", "c009"}
    assert list(found) == [row[CUSTOMER_ID] for row in last]


def _with_cases(one: Snapshot, folder: Path, cases: float) -> Snapshot:
    """A copy of a state snapshot in which everyone has so many open cases."""
    rows = _parts(one.files)
    place = rows.column_names.index("open_cases")
    pq.write_table(rows.set_column(place, "open_cases", pa.array([cases] * len(rows))), folder / one.files[0].name)
    return replace(one, folder=folder)


def _parts(paths: Sequence[Path]) -> pa.Table:
    """The rows of files, and of all parts in folders, in the order of their names."""
    files = [file for path in paths for file in (sorted(path.glob("*.parquet")) if path.is_dir() else [path])]
    return pa.concat_tables(pq.read_table(file) for file in files)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_training_rows_from_feast_equal_those_of_duckdb(
    spark: SparkEngine, shop: tuple[EventLog, list[Snapshot]]
) -> None:
    home, hour = shop[0].home, timedelta(hours=1)
    asked = [(f"c{n:03}", at) for n in range(40) for at in (WHEN[0] - hour, WHEN[0], WHEN[1] + hour, T + hour)]
    asked += [("nobody", T), ("c001", T), ("c001", T)]
    who, at = zip(*asked, strict=True)
    spine = pd.DataFrame({CUSTOMER_ID: who, EVENT_TIMESTAMP: pd.to_datetime(at, utc=True), "row": range(len(asked))})
    expected = historical(feature_store(home), "churn_v1", spine).sort_by("row").to_pylist()
    frame = spark.session.createDataFrame(spine)
    found = historical_frame(feature_store(home, spark), "churn_v1", frame).toArrow()
    assert found.num_rows == len(asked)
    rows = found.sort_by("row").to_pylist()
    names = [CUSTOMER_ID, EVENT_TIMESTAMP, "row", *BATCH_FEATURES, *STATE_FEATURES]
    wrong = [
        (one["row"], name, one[name], other[name])
        for one, other in zip(rows, expected, strict=True)
        for name in names
        if not _equal(_plain(one[name]), _plain(other[name]))
    ]
    assert wrong == []
    assert [row["revenue_total"] is None for row in rows[:4]] == [True, False, False, False]
    assert rows[-3]["revenue_total"] is None


def test_what_was_learned_late_is_left_out_on_spark(
    spark: SparkEngine, shop: tuple[EventLog, list[Snapshot]], tmp_path: Path
) -> None:
    home, day = Home.open(tmp_path / "home"), timedelta(days=1)
    learned = [(T - 2 * day, T - 2 * day, 100), (T - day, T + day, 200), (T + day, T, 300)]
    for event_time, created, revenue in learned:
        _one_row_snapshots(home, event_time, created, revenue, shop[1][0].manifest)
    at = [T - 3 * day, T - 2 * day, T - timedelta(microseconds=1), T, T + day, T + 900 * day]
    spine = pd.DataFrame({CUSTOMER_ID: "ada", EVENT_TIMESTAMP: pd.to_datetime(at, utc=True)})
    expected = [None, 100, 100, 100, 300, 300]
    for engine in (None, spark):  # one after the other: they share the registry's file
        rows = historical(feature_store(home, engine), "churn_v1", spine).sort_by(EVENT_TIMESTAMP)
        assert [_plain(value) for value in rows["revenue_total"].to_pylist()] == expected


def _one_row_snapshots(home: Home, at: datetime, created: datetime, revenue: int, like: Manifest) -> None:
    """Snapshots of both kinds in which ada has nothing but a revenue, with the manifest of another."""
    for kind in (BATCH, STATE):
        schema = snapshot_schema(kind)
        told = {CUSTOMER_ID: "ada", EVENT_TIMESTAMP: at, CREATED_TIMESTAMP: created, "revenue_total": revenue}
        with drafting(home, kind, at) as draft:
            row = pa.Table.from_pylist([{name: told.get(name) for name in schema.names}], schema=schema)
            pq.write_table(row, draft / "part-00000.parquet")
            keep(home, kind, at, draft, like)


def _plain(value: Any) -> Any:
    """Absence is null here and not a number there; instants may be pandas' own."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
