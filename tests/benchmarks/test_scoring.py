"""The scoring benchmark's shop, its points and its ways, small."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.made_up_purchases import DAYS, START, made_up_purchases, power_law
from benchmarks.scoring_growth import point
from benchmarks.scoring_ways import als, live_history, ours, read, save_histories, side_by_side_us, spread
from benchmarks.scoring_words import growth_parts, way_parts
from features.inputs.candidates import Histories
from training.purchases import PURCHASE_SCHEMA
from training.ranker import baselines
from training.retrieval import connect, histories, item_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ranker that needs no trees, the item table and the histories of a small made-up shop."""
    where = tmp_path_factory.mktemp("scoring")
    (where / "ranker.json").write_text(json.dumps(baselines()["personal_popular"].spec))
    (where / "ranker_calibration.json").write_text(json.dumps({"kind": "none"}))
    as_of = START + timedelta(days=DAYS)
    with connect(made_up_purchases(80, 40, seed=1)) as con:
        table = item_table(con, as_of)
        _, everyone = histories(con, as_of, table)
    table.save(where / "items.npz")
    save_histories(everyone, where / "histories.npz")
    return where


def test_a_made_up_shop_is_of_the_size_asked_and_the_same_again() -> None:
    shop = made_up_purchases(2_000, 50, seed=3)
    assert shop.schema == PURCHASE_SCHEMA
    assert shop.equals(made_up_purchases(2_000, 50, seed=3))
    assert not shop.equals(made_up_purchases(2_000, 50, seed=4))
    assert len(set(shop["customer_id"].to_pylist())) == 2_000
    assert len(set(shop["item_id"].to_pylist())) == 50
    assert len(shop) / 2_000 == pytest.approx(12, rel=0.05)
    frame = shop.to_pandas()
    assert (frame.groupby("order_id")[["customer_id", "occurred_at"]].nunique() == 1).all(axis=None)
    assert frame["occurred_at"].between(START, START + timedelta(days=DAYS), inclusive="left").all()


def test_items_of_a_power_law_are_drawn_in_proportion_to_one_over_their_rank() -> None:
    drawn = np.bincount(power_law(np.random.default_rng(0), 200_000, 1_000), minlength=1_000) / 200_000
    rank = np.arange(1, 1_001)
    wanted = np.log1p(1 / rank) / np.log(1_001)
    assert len(drawn) == 1_000
    assert drawn[:50] == pytest.approx(wanted[:50], rel=0.1, abs=1e-3)


def test_a_live_history_is_the_row_of_all(folder: Path) -> None:
    _, table, everyone = read(folder)
    for i in (0, 41, 79):
        one, row = Histories.of([live_history(everyone, table, i)], table), everyone.take(np.array([i]))
        assert all(np.array_equal(getattr(one, name), getattr(row, name)) for name in vars(row))


def test_spread_is_even_and_within() -> None:
    assert spread(5, 300).tolist() == [0, 1, 2, 3, 4]
    assert spread(1_000_000, 3).tolist() == [0, 499_999, 999_999]


def test_calls_take_turns_and_the_first_round_does_not_count() -> None:
    seen: list[str] = []
    found = side_by_side_us({"a": lambda i: seen.append(f"a{i}"), "b": lambda i: seen.append(f"b{i}")}, 2)
    assert seen == ["a0", "b0", "a1", "b1"] * 2
    assert found.keys() == {"a", "b"}


def test_ways_and_points_have_what_the_page_tells(folder: Path) -> None:
    trees = {
        "rows": 900,
        "block_rows": 5,
        "one_us": {"ours": 1.0, "pyfunc": 7.0},
        "block_us": {"ours": 10.0, "pyfunc": 12.0},
    }
    ways = {"ours": ours(folder), "als": als(folder), "pyfunc": trees}
    assert ways["ours"]["all"]["seconds"] > 0
    assert ways["als"]["one_anew_us"] > 0
    lists, _, alone, _ = way_parts(ways, 80)
    assert lists["table"]["rows"][0][2] == "1.00 x"
    assert [row[2] for row in alone["table"]["rows"]] == ["1.0 x", "7.0 x"]
    found = [point(customers, 30, folder) for customers in (40, 1_500)]
    assert [(p["customers"], p["items_sold"], p["scored"]) for p in found] == [(40, 30, 40), (1_500, 30, 1_500)]
    table = growth_parts(found)[1]["table"]
    assert {len(row) for row in table["rows"]} == {len(table["columns"])}
