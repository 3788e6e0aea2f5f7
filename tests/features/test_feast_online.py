"""Feast's online-store contract, as its documentation states it, kept by our plugin over SQLite and over Valkey."""

import contextlib
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, RepoConfig
from feast.data_format import ParquetFormat
from feast.data_source import PushMode
from feast.infra.online_stores.online_store import OnlineStore as FeastOnlineStore
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float64, Int64, String, UnixTimestamp
from feast.value_type import ValueType
from online_stores import STORES, home_with, valkey_url

from features.feature_store.online import OnlineWriter
from features.home import Home
from features.instants import to_us

NOON, DAY = datetime(2024, 6, 1, 12, tzinfo=UTC), timedelta(days=1)
CUSTOMER = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
FIELDS = {"bought": Int64, "share": Float64, "category": String, "last_at": UnixTimestamp}
ASKED = [f"taste:{name}" for name in FIELDS]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with valkey_url() as found:
        yield found


class Shop:
    """One data folder with two views of customers, `taste` (also by push) and `other`, and their history."""

    def __init__(self, home: Home, engine: str | None = "ArrowComputeEngine") -> None:
        self.home = home
        self.parquet = home.root / "taste.parquet"
        self.source = FileSource(
            name="history",
            path=str(self.parquet),
            file_format=ParquetFormat(),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
        )
        home.feast.mkdir(exist_ok=True)
        package = "features.feature_store.feast_online"
        more: dict[str, Any] = {} if engine is None else {"batch_engine": {"type": f"{package}.{engine}"}}
        self.store = FeatureStore(
            config=RepoConfig(
                project="contract",
                provider="local",
                registry=str(home.feast / "registry.db"),
                offline_store={"type": "duckdb"},
                online_store={"type": f"{package}.PackedOnlineStore", "root": str(home.root)},
                entity_key_serialization_version=3,
                repo_path=home.feast,
                **more,
            )
        )
        self.remember([])
        self.taste, self.other = self.view("taste", FIELDS), self.view("other", {"bought": Int64})
        self.store.apply([CUSTOMER, self.taste, self.other])

    def view(self, name: str, fields: dict[str, Any]) -> FeatureView:
        schema = [Field(name="customer_id", dtype=String), *(Field(name=n, dtype=t) for n, t in fields.items())]
        source = PushSource(name=f"push_{name}", batch_source=self.source)
        return FeatureView(name=name, entities=[CUSTOMER], ttl=timedelta(0), schema=schema, source=source)

    def remember(self, rows: list[dict[str, Any]]) -> None:
        """The history, in place of what it was."""
        time = pa.timestamp("us", "UTC")
        types = {"customer_id": pa.string(), "bought": pa.int64(), "share": pa.float64(), "category": pa.string()}
        types |= {"last_at": time, "event_timestamp": time, "created_timestamp": time}
        pq.write_table(pa.Table.from_pylist(rows, pa.schema(list(types.items()))), self.parquet)

    def tell(self, *rows: dict[str, Any], view: str = "taste") -> None:
        self.store.write_to_online_store(view, pd.DataFrame(rows))

    def materialize(self, start: datetime, end: datetime) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self.store.materialize(start, end)

    def materialize_up_to(self, end: datetime) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self.store.materialize_incremental(end)

    def ask(self, *customers: str, features: Any = None) -> dict[str, list[Any]]:
        rows = [{"customer_id": who} for who in customers]
        found: dict[str, list[Any]] = self.store.get_online_features(features or ASKED, rows).to_dict()
        return found

    @property
    def plugin(self) -> FeastOnlineStore:
        found: FeastOnlineStore = self.store._get_provider().online_store
        return found


def _row(who: str, bought: int | None, at: datetime = NOON, created: datetime | None = None) -> dict[str, Any]:
    values = {"bought": bought, "share": 0.25, "category": "kengät", "last_at": NOON - DAY}
    return {"customer_id": who, **values, "event_timestamp": at, "created_timestamp": created or at}


@pytest.fixture(params=STORES)
def shop(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Iterator[Shop]:
    made = Shop(home_with(tmp_path, store=request.param, url=url))
    yield made
    made.store.teardown()


def test_every_type_comes_back_as_it_was_written(shop: Shop) -> None:
    shop.tell(_row("ada", 2**53 + 1))
    assert shop.ask("ada") == {
        "customer_id": ["ada"],
        "bought": [2**53 + 1],
        "share": [0.25],
        "category": ["kengät"],
        "last_at": [NOON - DAY],
    }


def test_what_is_absent_stays_absent(shop: Shop) -> None:
    nothing = {"share": None, "category": None, "last_at": pd.NaT}
    shop.tell(_row("ada", 1) | nothing)
    assert shop.ask("ada") == {
        "customer_id": ["ada"],
        "bought": [1],
        "share": [None],
        "category": [None],
        "last_at": [None],
    }


def test_an_unknown_customer_has_no_values_and_says_not_found(shop: Shop) -> None:
    shop.tell(_row("ada", 1))
    rows = [{"customer_id": who} for who in ("ada", "nobody")]
    answer = shop.store.get_online_features(["taste:bought"], rows)
    assert answer.to_dict()["bought"] == [1, None]
    (told,) = answer.proto.results[1:]
    assert list(told.statuses) == [FieldStatus.PRESENT, FieldStatus.NOT_FOUND]


def test_answers_keep_the_order_and_repetition_of_the_question(shop: Shop) -> None:
    shop.tell(*(_row(f"c{n}", n) for n in range(3)))
    assert shop.ask("c2", "c0", "nobody", "c2", "c1")["bought"] == [2, 0, None, 2, 1]


def test_only_requested_features_are_read(shop: Shop) -> None:
    shop.tell(_row("ada", 1))
    assert set(shop.ask("ada", features=["taste:category"])) == {"customer_id", "category"}
    keys = [EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=who)]) for who in ("ada", "nobody")]
    found, missing = shop.plugin.online_read(shop.store.config, shop.taste, keys, ["category"])
    assert found == (NOON, {"category": Value(string_val="kengät")})
    assert missing == (None, None)
    ((_, every),) = shop.plugin.online_read(shop.store.config, shop.taste, keys[:1])
    assert set(every or {}) == set(FIELDS)


def test_a_feature_service_over_two_views_reads_both(shop: Shop) -> None:
    shop.tell(_row("ada", 1))
    shop.tell({k: v for k, v in _row("ada", 7).items() if k not in ("share", "category", "last_at")}, view="other")
    shop.store.apply([FeatureService(name="all", features=[shop.taste[["category"]], shop.other])])
    rows = [{"customer_id": "ada"}]
    found = shop.store.get_online_features(shop.store.get_feature_service("all"), rows, full_feature_names=True)
    assert found.to_dict() == {"customer_id": ["ada"], "taste__category": ["kengät"], "other__bought": [7]}


def test_an_older_event_never_overwrites_a_newer_one(shop: Shop) -> None:
    shop.tell(_row("ada", 1))
    shop.tell(_row("ada", 2, NOON - timedelta(hours=1)), _row("bea", 2, NOON - timedelta(hours=1)))
    assert shop.ask("ada", "bea")["bought"] == [1, 2]
    shop.tell(_row("ada", 3, NOON + timedelta(seconds=1)))
    assert shop.ask("ada", "bea")["bought"] == [3, 2]
    shop.tell(_row("ada", 4, NOON + timedelta(seconds=1), created=NOON))
    assert shop.ask("ada")["bought"] == [3]
    shop.tell(_row("ada", 5, NOON + timedelta(seconds=1), created=NOON + DAY))
    assert shop.ask("ada")["bought"] == [5]


def test_one_batch_may_hold_a_customer_twice(shop: Shop) -> None:
    shop.tell(_row("ada", 2, NOON), _row("ada", 1, NOON - DAY))
    assert shop.ask("ada")["bought"] == [2]


def test_a_time_without_zone_is_utc_and_progress_is_told(shop: Shop) -> None:
    key = EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val="ada")])
    values, told = {"bought": Value(int64_val=1)}, list[int]()
    rows = [(key, values, datetime(2024, 6, 1, 12), None)]  # noqa: DTZ001
    shop.plugin.online_write_batch(shop.store.config, shop.taste, rows, told.append)
    ((at, _),) = shop.plugin.online_read(shop.store.config, shop.taste, [key])
    assert (at, told) == (NOON, [1])
    shop.plugin.online_write_batch(shop.store.config, shop.taste, [], None)


def test_a_key_that_is_no_text_is_refused(shop: Shop) -> None:
    key = EntityKey(join_keys=["customer_id"], entity_values=[Value(int64_val=1)])
    with pytest.raises(ValueError, match="customer_id"):
        shop.plugin.online_read(shop.store.config, shop.taste, [key])


def test_materialize_writes_the_newest_row_of_the_span(shop: Shop) -> None:
    rows = [
        _row("ada", 1, NOON - 2 * DAY),
        _row("ada", 2, NOON - DAY),
        _row("ada", 3, NOON),
        _row("bea", 4, NOON - DAY),
    ]
    shop.remember(rows)
    shop.materialize(NOON - 2 * DAY, NOON - DAY)
    assert shop.ask("ada", "bea")["bought"] == [2, 4]
    assert shop.ask("ada", features=["other:bought"])["bought"] == [2]
    shop.materialize(NOON - 9 * DAY, NOON - 2 * DAY)
    assert shop.ask("ada")["bought"] == [2]
    shop.materialize(NOON - DAY, NOON)
    assert shop.ask("ada", "bea")["bought"] == [3, 4]


def test_materialize_incremental_goes_on_where_it_stopped(shop: Shop) -> None:
    rows = [_row("ada", 1, NOON - DAY)]
    shop.remember(rows)
    shop.materialize_up_to(NOON - DAY)
    shop.remember([*rows, _row("ada", 2, NOON), _row("bea", 9, NOON - 2 * DAY)])
    shop.materialize_up_to(NOON)
    assert shop.ask("ada", "bea")["bought"] == [2, None]


def test_push_reaches_the_views_of_its_source(shop: Shop) -> None:
    shop.store.push("push_taste", pd.DataFrame([_row("ada", 1)]), to=PushMode.ONLINE)
    assert shop.ask("ada", features=["taste:bought", "taste:category"])["category"] == ["kengät"]
    assert shop.ask("ada", features=["other:bought"])["bought"] == [None]


def test_applying_twice_keeps_and_deleting_a_view_deletes_its_records(shop: Shop) -> None:
    shop.tell(_row("ada", 1))
    shop.tell({k: v for k, v in _row("ada", 7).items() if k not in ("share", "category", "last_at")}, view="other")
    shop.store.apply([CUSTOMER, shop.taste, shop.other])
    assert shop.ask("ada")["bought"] == [1]
    shop.store.apply([CUSTOMER, shop.other], objects_to_delete=[shop.taste], partial=False)
    assert shop.ask("ada", features=["other:bought"])["bought"] == [7]
    shop.store.apply([CUSTOMER, shop.taste, shop.other])
    assert shop.ask("ada")["bought"] == [None]


def test_teardown_leaves_nothing_and_may_be_repeated(shop: Shop) -> None:
    shop.tell(_row("ada", 1))
    shop.store.teardown()
    shop.store.apply([CUSTOMER, shop.taste, shop.other])
    assert shop.ask("ada")["bought"] == [None]
    shop.store.teardown()
    shop.store.apply([CUSTOMER, shop.taste, shop.other])


def test_a_changed_feature_set_is_not_found_until_it_is_written_again(shop: Shop) -> None:
    shop.remember([_row("ada", 1)])
    shop.materialize(NOON, NOON)
    fewer = shop.view("taste", {name: kind for name, kind in FIELDS.items() if name != "share"})
    shop.store.apply([CUSTOMER, fewer, shop.other])
    assert shop.ask("ada", features=["taste:bought"])["bought"] == [None]
    shop.materialize(NOON, NOON)
    assert shop.ask("ada", features=["taste:bought"])["bought"] == [1]


def test_who_was_forgotten_is_not_found_and_does_not_come_back(shop: Shop) -> None:
    shop.remember([_row("ada", 1), _row("bea", 2)])
    shop.materialize(NOON, NOON)
    with closing(OnlineWriter(shop.home)) as writer:
        writer.forget(["ada"], at=to_us(NOON + DAY), sequence=0)
    shop.materialize(NOON, NOON)
    assert shop.ask("ada", "bea")["bought"] == [None, 2]


def test_our_expiry_holds_whatever_the_view_says(tmp_path: Path, url: str) -> None:
    lately = datetime.now(UTC).replace(microsecond=0)
    for name in STORES:
        shop = Shop(home_with(tmp_path / name, store=name, url=url, ttl_days=30))
        shop.tell(_row("ada", 1, lately - 29 * DAY), _row("bea", 2, lately - 31 * DAY))
        assert shop.ask("ada", "bea")["bought"] == [1, None]
        shop.store.teardown()


def test_both_compute_engines_write_the_same(tmp_path: Path) -> None:
    rows = [_row(f"c{n:05}", n if n % 7 else None) for n in range(25_000)]
    found = []
    for folder, engine in (("ours", "ArrowComputeEngine"), ("feast", None)):
        shop = Shop(home_with(tmp_path / folder), engine)
        shop.remember(rows if engine else rows[:500])
        shop.materialize(NOON, NOON)
        found.append(shop.ask(*(f"c{n:05}" for n in (0, 1, 2, 7, 499))))
        beyond = shop.ask("c10001", "c24999")["bought"]
        assert beyond == ([10_001, 24_999] if engine else [None, None])
    assert found[0] == found[1]
    assert found[0]["bought"] == [None, 1, 2, None, 499]
