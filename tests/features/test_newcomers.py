"""New items in the item table: by what they are like, where nobody has bought them yet."""

from dataclasses import fields
from datetime import UTC, datetime
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import ITEM_SCHEMA
from features.inputs.candidates import DAY, NEIGHBOUR, Histories, ItemHistory, ItemTable, candidates
from features.inputs.newcomers import A_LIKE, NEW_DAYS, Newcomer, newcomers_of, with_newcomers

NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
PRICES = {"boot": 9000.0, "clog": 4000.0, "coat": 15000.0, "rye": 300.0}


def shop_table() -> ItemTable:
    """Boots and clogs (shoes), a coat, rye; boots go with coats."""
    return ItemTable(
        item_id=np.array(list(PRICES)),
        buyers=np.array([10, 5, 8, 40], np.float32),
        recent_buyers=np.array([4, 2, 3, 30], np.float32),
        repeat_rate=np.array([0.1, 0.2, 0.1, 0.8], np.float32),
        gap_days=np.array([np.nan, 300, np.nan, 7], np.float32),
        price=np.array(list(PRICES.values()), np.float32),
        category=np.array([2, 2, 0, 1], np.int32),
        categories=np.array(["clothing/coats", "grocery/bread", "shoes/winter"]),
        popular=np.array([3, 0, 2, 1], np.int32),
        neighbour_start=np.array([0, 1, 1, 2, 2]),
        neighbour_item=np.array([2, 0], np.int32),
        neighbour_score=np.array([0.4, 0.4], np.float32),
        as_of=np.array(NOW),
    )


def new(item: str, category: str, price: float = float("nan")) -> Newcomer:
    return Newcomer(item, category, price, NOW - DAY)


def near(table: ItemTable, item: str) -> dict[str, float]:
    row = table.index[item]
    part = slice(table.neighbour_start[row], table.neighbour_start[row + 1])
    return dict(
        zip(table.item_id[table.neighbour_item[part]].tolist(), table.neighbour_score[part].tolist(), strict=True)
    )


def test_a_newcomer_goes_with_its_category_the_nearest_price_first() -> None:
    table = with_newcomers(shop_table(), [new("arctic-boot", "shoes/winter", 9500.0)])
    assert table.item_id.tolist() == ["arctic-boot", "boot", "clog", "coat", "rye"]
    likes = near(table, "arctic-boot")
    assert list(likes) == ["boot", "clog"] and likes["boot"] > 2 * likes["clog"]
    assert list(near(table, "boot")) == ["coat", "arctic-boot"], "what is bought with boots still comes first"
    assert near(table, "rye") == {}
    row = table.index["arctic-boot"]
    assert table.buyers[row] == table.recent_buyers[row] == 0
    assert table.gap_days[row] == 300 and table.repeat_rate[row] == pytest.approx(0.15), "as its like, where known"
    assert [table.item_id[i] for i in table.popular] == ["rye", "boot", "coat", "clog"], "popular is what was bought"


def test_where_its_category_is_new_the_one_above_says_what_it_is_like() -> None:
    table = with_newcomers(shop_table(), [new("sandal", "shoes/summer"), new("lamp", "home/lamps")])
    assert set(near(table, "sandal")) == {"boot", "clog"}
    assert "lamp" not in table.index, "like nothing that was ever sold"
    assert "shoes/summer" in table.categories.tolist()


def test_who_bought_its_like_is_proposed_it() -> None:
    table = with_newcomers(shop_table(), [new("arctic-boot", "shoes/winter", 9500.0)])
    histories = [
        ItemHistory([item], [1], [NOW - DAY], [NOW - DAY], 1, NOW - DAY, NOW - DAY) for item in ("boot", "rye")
    ]
    frame = candidates(Histories.of(histories, table), table, np.array([NOW, NOW]))
    hers = {table.item_id[i]: s for c, i, s in zip(frame.customer, frame.item, frame.source, strict=True) if c == 0}
    assert hers["arctic-boot"] & NEIGHBOUR
    assert "arctic-boot" not in table.item_id[frame.item[frame.customer == 1]]


def test_nothing_new_changes_nothing() -> None:
    table = shop_table()
    assert with_newcomers(table, []) is table
    assert with_newcomers(table, [new("boot", "shoes/winter"), new("lamp", "home/lamps")]) is table


paths = st.sampled_from(["shoes/winter", "grocery", "clothing/coats/rain", "home"])
told = st.tuples(st.text("abcxyz", min_size=1, max_size=4), paths, st.floats(1, 1e6))


@given(st.lists(told, max_size=20, unique_by=lambda one: one[0]), st.randoms())
def test_the_table_stays_whole_whatever_is_new_and_in_whatever_order(told: list, random: Random) -> None:
    table = with_newcomers(shop_table(), [new(*one) for one in told])
    ids = table.item_id.tolist()
    assert ids == sorted(set(ids))
    assert len(table.neighbour_start) == len(table) + 1 and table.neighbour_start[-1] == len(table.neighbour_item)
    for item in PRICES:
        scores = list(near(table, item).values())
        assert scores == sorted(scores, reverse=True)
        assert len(scores) <= 1 + A_LIKE, "newcomers crowd nobody out"
        assert table.price[table.index[item]] == PRICES[item]
    random.shuffle(told)
    again = with_newcomers(shop_table(), [new(*one) for one in told])
    for field in fields(ItemTable):
        assert str(getattr(table, field.name).tolist()) == str(getattr(again, field.name).tolist()), field.name


def test_new_is_what_was_first_listed_in_the_last_months() -> None:
    def row(item: str, days: float | None, **more: object) -> dict[str, object]:
        since = None if days is None else datetime.fromtimestamp(NOW - days * DAY, UTC)
        return dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": item, "category": "c", "valid_from": since} | more

    rows = [
        row("lately", 5, price=100), row("repriced", 5), row("repriced", NEW_DAYS + 1), row("always", None),
        row("tomorrow", -1), row("nameless", 5, category=None), row("old", NEW_DAYS),
    ]  # fmt: skip
    found = newcomers_of(pa.Table.from_pylist(rows, schema=ITEM_SCHEMA), NOW)
    assert found == [Newcomer("lately", "c", 100.0, NOW - 5 * DAY)]
