"""Feast over snapshots: point-in-time training sets, materialized records, and the same values on both sides."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_histories import T, purchase
from shop_log import ingested, shop_rows

from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_TIMESTAMP, TIME
from features.customer.hold_rules import HoldRules
from features.customer.state import decode
from features.customer.view import STATE_FEATURES, state_features
from features.errors import DataError
from features.feature_store.batch import BATCH_FEATURES, schema_hash
from features.feature_store.definitions import SERVICES
from features.feature_store.feast_repo import feature_store
from features.feature_store.feast_sources import snapshot_schema
from features.feature_store.online import OnlineFeatures
from features.feature_store.snapshots import BATCH, STATE, Manifest, drafting, keep, snapshot, snapshots
from features.home import Home
from features.inputs.frame import customer_inputs, inputs_of, stored_of, to_columns
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots, materialize
from training.dataset import load_training_set

CUTOFFS = [T - timedelta(days=90), T - timedelta(days=30), T]
NONE = (0, 0)
BY_HAND = Manifest(
    position=0, facts=0, catalogue="", schema="", basis="", events=NONE, links=NONE, items=NONE, erased=NONE
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, EventLog]]:
    home = Home.open(tmp_path_factory.mktemp("shop"))
    with ingested(home, shop_rows()) as log:
        build_snapshots(home, CUTOFFS)
        yield home, log


def test_a_training_set_is_every_known_customer_at_every_cutoff(shop: tuple[Home, EventLog]) -> None:
    frame = load_training_set("churn_v1", home=shop[0], cutoffs=CUTOFFS)
    stored = pd.concat([_stored(shop[0], c) for c in CUTOFFS], ignore_index=True)
    rows = [len(_stored(shop[0], c)) for c in CUTOFFS]
    assert frame[EVENT_TIMESTAMP].value_counts(sort=False).to_dict() == dict(zip(CUTOFFS, rows, strict=True))
    assert list(frame.columns) == [CUSTOMER_ID, EVENT_TIMESTAMP, *BATCH_FEATURES, *STATE_FEATURES]
    np.testing.assert_array_equal(frame["revenue_total"], stored["revenue_total"])
    pd.testing.assert_series_equal(frame["last_browse_at"], stored["last_browse_at"])
    assert frame["open_cases"].notna().all()


def test_rows_come_out_as_they_went_in(shop: tuple[Home, EventLog]) -> None:
    day = timedelta(days=1)
    spine = pd.DataFrame(
        {
            CUSTOMER_ID: ["c002", "nobody", "c001", "c002", "c001"],
            EVENT_TIMESTAMP: pd.to_datetime([T, T, CUTOFFS[1] - day, T, CUTOFFS[0] - day], utc=True),
            "label": [1, 2, 3, 4, 5],
        },
        index=[9, 8, 7, 6, 5],
    )
    before = spine.copy()
    frame = load_training_set("churn_v1", home=shop[0], spine=spine)
    assert frame["label"].tolist() == [1, 2, 3, 4, 5]
    assert frame["revenue_total"].isna().tolist() == [False, True, False, False, True]
    assert frame.loc[0, "revenue_total"] == frame.loc[3, "revenue_total"]
    pd.testing.assert_frame_equal(spine, before)


def test_what_is_missing_is_said(shop: tuple[Home, EventLog]) -> None:
    with pytest.raises(DataError, match="2024-01-05"):
        load_training_set(home=shop[0], cutoffs=[datetime(2024, 1, 5, tzinfo=T.tzinfo)])
    with pytest.raises(DataError, match="lacks"):
        load_training_set(home=shop[0], spine=pd.DataFrame({CUSTOMER_ID: ["c001"]}))


def test_offline_equals_online(shop: tuple[Home, EventLog]) -> None:
    home, log = shop
    materialize(home, T)
    frame = load_training_set("churn_v1", home=home, cutoffs=[T])
    at = np.full(len(frame), (T + timedelta(hours=7)).timestamp())
    names, offline = customer_inputs(to_columns(frame), at)
    reader = OnlineFeatures(home, expected_schema=schema_hash())
    records = reader.read(frame[CUSTOMER_ID].tolist())
    reader.close()
    assert len(records) > 50
    live = []
    for customer, record in zip(frame[CUSTOMER_ID], records, strict=True):
        assert record is not None
        assert (record.problem, record.event_time) == (None, T)
        state = log.state_of(customer)
        assert state is not None
        live.append(record.values | state_features(decode(state[1]), T, HoldRules()))
    np.testing.assert_array_equal(offline, inputs_of(stored_of(live), at))
    assert np.isfinite(offline).any(axis=0).sum() > 35, names


def test_the_registry_is_made_anew_and_keeps_the_order_of_features(shop: tuple[Home, EventLog]) -> None:
    from features.feature_store.feast_online import record_schema

    (shop[0].feast / "registry.db").write_bytes(b"whatever lies here is not read")
    store = feature_store(shop[0])
    assert record_schema(store.get_feature_view("customer_batch")).hash == schema_hash()
    assert {s.name for s in store.list_feature_services()} == set(SERVICES)


def _stored(home: Home, cutoff: datetime) -> pd.DataFrame:
    """The batch features of a snapshot."""
    one = snapshot(home, BATCH, cutoff)
    assert one is not None
    return pd.concat([pq.read_table(file).to_pandas() for file in one.files], ignore_index=True)


def _snapshots(home: Home, rows: list[tuple[str, datetime, datetime, int]]) -> None:
    """Hand-made snapshots with only `revenue_total` filled: (customer, event time, created, revenue)."""
    for customer, at, created, revenue in rows:
        for kind in (BATCH, STATE):
            told = {CUSTOMER_ID: customer, EVENT_TIMESTAMP: at, CREATED_TIMESTAMP: created, "revenue_total": revenue}
            schema = snapshot_schema(kind)
            row = pa.Table.from_pylist([{name: told.get(name) for name in schema.names}], schema=schema)
            with drafting(home, kind, at) as draft:
                pq.write_table(row, draft / "part-00000.parquet")
                keep(home, kind, at, draft, BY_HAND)


def test_what_was_learned_late_is_left_out(tmp_path: Path) -> None:
    home, day = Home.open(tmp_path), timedelta(days=1)
    _snapshots(home, [("ada", T - 2 * day, T - 2 * day, 100), ("ada", T - day, T + day, 200), ("ada", T + day, T, 300)])
    times = [T - 2 * day, T - timedelta(microseconds=1), T, T + day]
    spine = pd.DataFrame({CUSTOMER_ID: "ada", EVENT_TIMESTAMP: pd.to_datetime(times, utc=True)})
    assert load_training_set(home=home, spine=spine)["revenue_total"].tolist() == [100, 100, 100, 300]


def test_what_killed_runs_left_behind_is_not_read(tmp_path: Path) -> None:
    home, day = Home.open(tmp_path), timedelta(days=1)
    _snapshots(home, [("ada", T - day, T - day, 100), ("ada", T, T, 200)])
    for kind in (BATCH, STATE):
        first, second = snapshots(home, kind)
        stray = pq.read_table(second.files[0]).set_column(2, "event_timestamp", pa.array([T + day], TIME))
        for folder in (".4711", "000007", "no_version"):
            (second.folder.parent / folder).mkdir()
            pq.write_table(stray, second.folder.parent / folder / "part-00000.parquet")
        pq.write_table(stray, second.folder / "part-00001.parquet")
        first.files[0].write_bytes(first.files[0].read_bytes()[:-1])
    spine = pd.DataFrame({CUSTOMER_ID: "ada", EVENT_TIMESTAMP: pd.to_datetime([T - day, T, T + day], utc=True)})
    frame = load_training_set(home=home, spine=spine)
    np.testing.assert_array_equal(frame["revenue_total"], [np.nan, 200, 200])
    assert len(load_training_set(home=home)) == 1


def test_columns_of_a_spine_are_kept_as_they_are(shop: tuple[Home, EventLog]) -> None:
    ours = pd.to_datetime([T, T], utc=True).tz_convert("Europe/Helsinki")
    spine = pd.DataFrame({"fold": pd.Categorical(["a", "b"]), CUSTOMER_ID: ["c001", "c002"], EVENT_TIMESTAMP: ours})
    spine["revenue_total"] = [7, 8]
    frame = load_training_set(home=shop[0], spine=spine)
    pd.testing.assert_frame_equal(frame[["fold", "revenue_total"]], spine[["fold", "revenue_total"]])
    assert frame.columns[:4].tolist() == ["fold", CUSTOMER_ID, EVENT_TIMESTAMP, "revenue_total"]
    assert frame[EVENT_TIMESTAMP].tolist() == [T, T]
    assert frame[EVENT_TIMESTAMP].dtype == frame["last_purchase_at"].dtype == "datetime64[us, UTC]"
    plain = load_training_set(home=shop[0], spine=spine[[CUSTOMER_ID, EVENT_TIMESTAMP]])
    np.testing.assert_array_equal(frame["customer_batch__revenue_total"], plain["revenue_total"])
    assert plain["revenue_total"].dtype == np.float64


def test_a_training_set_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No snapshot has a customer"):
        load_training_set(home=Home.open(tmp_path))


def test_feast_reads_and_writes_our_records_and_never_goes_back(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with ingested(home, [purchase("ada", T - timedelta(days=5), 1), purchase("ada", T - timedelta(hours=1), 2)]):
        build_snapshots(home, [T - timedelta(days=1), T])
        materialize(home, T)
        materialize(home, T - timedelta(days=1))
    store = feature_store(home)
    asked = ["customer_batch:purchase_count_total", "customer_batch:last_purchase_at"]
    found = store.get_online_features(asked, [{CUSTOMER_ID: "ada"}, {CUSTOMER_ID: "bea"}]).to_dict()
    assert found["purchase_count_total"] == [2, None]
    assert found["last_purchase_at"] == [T - timedelta(hours=1), None]
    newest = _stored(home, T)
    for at, revenue, kept in ((T - timedelta(days=9), 1, 2000), (T + timedelta(days=1), 5, 5)):
        row = newest.assign(
            revenue_total=revenue, **{EVENT_TIMESTAMP: pd.Timestamp(at), CREATED_TIMESTAMP: pd.Timestamp(at)}
        )
        store.write_to_online_store("customer_batch", row)
        reader = OnlineFeatures(home, expected_schema=schema_hash())
        (record,) = reader.read(["ada"])
        reader.close()
        assert record is not None
        assert record.values["revenue_total"] == kept
        assert record.values["last_purchase_at"] == (T - timedelta(hours=1)).timestamp()
