"""The item catalogue: merged in one step, valid over time, refusing what it cannot read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from features.catalogue import ITEM_SCHEMA, as_items, changes_of, items_at, load_items, merge_items, merged_with
from features.errors import DataError
from features.home import Home

SPRING, AUTUMN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path)


def rows(*items):
    return pa.table({name: [item.get(name) for item in items] for name in items[0]})


def test_a_shop_without_a_catalogue_has_an_empty_one(home):
    assert load_items(home).equals(ITEM_SCHEMA.empty_table())
    assert load_items(home, AUTUMN).num_rows == 0


def test_what_a_source_does_not_say_stays_unknown(home):
    assert merge_items(home, rows({"item_id": "boots", "price": 12900})) == 1
    (boots,) = load_items(home).to_pylist()
    assert boots["price"] == 12900
    assert all(value is None for name, value in boots.items() if name not in ("item_id", "price"))


def test_a_newer_row_replaces_the_one_of_the_same_item_and_start(home):
    merge_items(home, rows({"item_id": "boots", "price": 12900}, {"item_id": "coat", "price": 15900}))
    assert merge_items(home, rows({"item_id": "boots", "price": 9900}, {"item_id": "boots", "price": 8900})) == 2
    assert [(i["item_id"], i["price"]) for i in load_items(home).to_pylist()] == [("boots", 8900), ("coat", 15900)]


def test_an_item_changes_over_time(home):
    merge_items(home, rows(
        {"item_id": "boots", "price": 12900, "valid_from": None, "valid_to": AUTUMN},
        {"item_id": "boots", "price": 8900, "valid_from": AUTUMN, "valid_to": None},
    ))  # fmt: skip
    assert load_items(home, SPRING)["price"].to_pylist() == [12900]
    assert load_items(home, AUTUMN)["price"].to_pylist() == [8900], "from its start on, up to its end"
    assert load_items(home).num_rows == 2


def test_lists_and_flags_come_back_as_given(home):
    given = {
        "item_id": "tyre", "title": "Winter tyre", "category": "bicycles/tyres", "price": 4900, "margin": 2000,
        "in_stock": True, "season_months": [10, 11], "consumable": False, "accessory_of": ["bike"],
        "service_for": None, "replaces": ["old-tyre"], "knowledge_url": "https://shop.example/tyres",
        "valid_from": SPRING, "valid_to": None, "stock_at": SPRING,
    }  # fmt: skip
    merge_items(home, pa.Table.from_pylist([given], schema=ITEM_SCHEMA))
    assert load_items(home).to_pylist() == [given]
    assert items_at(load_items(home), datetime(2026, 2, 1, tzinfo=UTC)).num_rows == 0


@pytest.mark.parametrize(("items", "words"), [
    (pa.table({"title": ["Boots"]}), "item_id"),
    (pa.table({"item_id": ["boots", None]}), "item_id"),
    (pa.table({"item_id": ["boots"], "colour": ["red"]}), "colour"),
    (pa.table({"item_id": ["boots"], "price": ["dear"]}), "price"),
    (pa.table({"item_id": ["boots"], "season_months": [[300]]}), "season_months"),
])  # fmt: skip
def test_a_table_that_is_no_catalogue_is_refused_and_changes_nothing(home, items, words):
    merge_items(home, rows({"item_id": "coat"}))
    with pytest.raises(DataError, match=words):
        merge_items(home, items)
    assert load_items(home)["item_id"].to_pylist() == ["coat"]


def test_a_torn_file_says_what_to_do(home):
    merge_items(home, rows({"item_id": "coat"}))
    home.catalogue.write_bytes(home.catalogue.read_bytes()[:100])
    with pytest.raises(DataError, match="ingest its source again"):
        load_items(home)


def test_nothing_but_the_catalogue_is_left_behind(home):
    merge_items(home, rows({"item_id": "coat"}))
    merge_items(home, rows({"item_id": "boots"}))
    assert [path.name for path in home.catalogue.parent.iterdir()] == ["items.parquet"]


def test_as_items_casts_and_fills():
    items = as_items(pa.table({"item_id": ["a"], "price": pa.array([5], pa.int32())}))
    assert items.schema.equals(ITEM_SCHEMA)


def test_of_two_rows_valid_at_once_the_one_begun_last_counts_and_the_other_is_back_when_it_ends(home):
    week = AUTUMN + timedelta(days=7)
    merge_items(home, rows(
        {"item_id": "boots", "price": 9900, "valid_from": AUTUMN, "valid_to": week},
        {"item_id": "boots", "price": 12900, "valid_from": None, "valid_to": None},
        {"item_id": "coat", "price": 15900, "valid_from": None, "valid_to": None},
    ))  # fmt: skip
    assert load_items(home, SPRING)["price"].to_pylist() == [12900, 15900]
    assert load_items(home, AUTUMN)["price"].to_pylist() == [9900, 15900]
    assert load_items(home, week)["price"].to_pylist() == [12900, 15900]
    assert changes_of(load_items(home)) == [AUTUMN, week]


def test_a_catalogue_written_before_a_column_was_known_is_read_with_the_column_empty(home):
    merge_items(home, rows({"item_id": "coat", "in_stock": True}))
    pq.write_table(pq.read_table(home.catalogue).drop_columns(["stock_at"]), home.catalogue)
    assert load_items(home).schema.equals(ITEM_SCHEMA)
    assert load_items(home)["stock_at"].to_pylist() == [None]


def test_of_many_who_merge_at_once_none_is_lost(home):
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(merge_items, home, rows({"item_id": f"item-{n}"})) for n in range(16)]:
            done.result()
    assert load_items(home).num_rows == 16


MOMENTS = st.none() | st.integers(0, 5).map(lambda day: SPRING + timedelta(days=day))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"item_id": st.sampled_from("abc"), "price": st.integers(0, 9), "valid_from": MOMENTS, "valid_to": MOMENTS}
    ),
    unique_by=lambda row: (row["item_id"], row["valid_from"]),
)


def table(found):
    return as_items(pa.Table.from_pylist(found, schema=ITEM_SCHEMA))


@settings(deadline=None)
@drawn(ROWS, st.randoms(), st.integers(-1, 6))
def test_rows_in_any_order_are_the_same_catalogue_and_no_item_is_there_twice(found, chance, day):
    shuffled = chance.sample(found, len(found))
    at = SPRING + timedelta(days=day)
    assert merged_with(table([]), table(found)).equals(merged_with(table([]), table(shuffled)))
    seen = items_at(table(found), at)
    assert seen.equals(items_at(table(shuffled), at))
    for item in "abc":
        valid = [
            row for row in found
            if row["item_id"] == item and (row["valid_from"] is None or row["valid_from"] <= at)
            and (row["valid_to"] is None or at < row["valid_to"])
        ]  # fmt: skip
        latest = max(valid, key=lambda row: row["valid_from"] or SPRING - timedelta(days=1), default=None)
        assert [r["price"] for r in seen.to_pylist() if r["item_id"] == item] == ([latest["price"]] if latest else [])
