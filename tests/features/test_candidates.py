"""Candidates: what they hold, and that a customer's rows are hers alone."""

from pathlib import Path

import numpy as np
import pytest

from features.errors import BundleError
from features.inputs.candidates import (
    CANDIDATE_INPUTS,
    NEIGHBOUR,
    PERSONAL,
    POPULAR,
    Histories,
    ItemHistory,
    ItemTable,
    candidates,
)
from tests.training.shops import day, lines, rhythmic
from training.retrieval import connect, histories, item_table

ROWS = [
    ("ada", "1", "bread", 200, 0.0),
    ("ada", "2", "bread", 200, 10.0),
    ("ada", "2", "butter", 400, 10.0),
    ("bo", "3", "bread", 200, 20.0),
    ("bo", "3", "butter", 400, 20.0),
    ("cy", "4", "bread", 200, 25.0),
    ("cy", "4", "butter", 400, 25.0),
    ("dee", "5", "bread", 200, 28.0),
    ("dee", "6", "late", 900, 30.0),  # at the cutoff: not known
]
CATEGORIES = {"bread": "food/bakery", "butter": "food/dairy"}
COLUMN = {name: j for j, name in enumerate(CANDIDATE_INPUTS)}


def _table() -> ItemTable:
    with connect(lines(ROWS)) as con:
        return item_table(con, day(30), categories=CATEGORIES)


def _ada(**changed: object) -> ItemHistory:
    told = {
        "items": ["bread", "butter"],
        "counts": [2.0, 1.0],
        "last_at": [day(10).timestamp()] * 2,
        "first_at": [day(0).timestamp(), day(10).timestamp()],
        "orders": 2.0,
        "first_order_at": day(0).timestamp(),
        "last_order_at": day(10).timestamp(),
    }
    return ItemHistory(**(told | changed))  # type: ignore[arg-type]


def test_item_table_by_hand() -> None:
    table = _table()
    assert table.item_id.tolist() == ["bread", "butter"], "what came at the cutoff is not known"
    assert table.buyers.tolist() == [4, 3]
    assert table.gap_days.tolist()[0] == 10
    assert np.isnan(table.gap_days[1])
    assert table.price.tolist() == [200, 400]
    assert table.popular.tolist() == [0, 1]
    assert table.neighbour_item.tolist() == [1, 0]
    assert (table.neighbour_score > 0).all()


def test_a_row_by_hand() -> None:
    table = _table()
    frame = candidates(Histories.of([_ada()], table), table, np.array([day(30).timestamp()]))
    assert frame.item.tolist() == [0, 1]
    assert frame.source.tolist() == [PERSONAL | NEIGHBOUR | POPULAR] * 2
    bread = dict(zip(CANDIDATE_INPUTS, frame.inputs[0].tolist(), strict=True))
    assert (bread["own_count"], bread["own_share"], bread["own_age_days"], bread["own_gap_days"]) == (2, 1, 20, 10)
    assert (bread["own_due"], bread["own_rate"]) == (2, 2)
    assert bread["own_faded"] == pytest.approx(2 * 0.5 ** (20 / 90))
    assert bread["category_share"] == pytest.approx(2 / 3)
    assert (bread["orders"], bread["order_size"], bread["order_gap_days"], bread["order_due"]) == (2, 1.5, 10, 2)
    butter = frame.inputs[1]
    assert np.isnan(butter[COLUMN["own_gap_days"]]), "bought once: no rhythm"
    assert butter[COLUMN["price_ratio"]] == pytest.approx(np.log1p(400) - np.log1p((2 * 200 + 400) / 3), abs=1e-5)


def test_a_stranger_is_shown_what_is_popular() -> None:
    table = _table()
    frame = candidates(Histories.of([ItemHistory((), (), (), ())], table), table, np.array([day(30).timestamp()]))
    assert frame.item.tolist() == [0, 1]
    assert (frame.source == POPULAR).all()
    assert np.isnan(frame.inputs[:, COLUMN["own_count"]]).all(), "absent is absent, not zero"


def test_nobody_has_no_candidates() -> None:
    table = _table()
    assert len(candidates(Histories.of([], table), table, np.empty(0)).item) == 0


def test_an_item_newer_than_the_table_is_left_out() -> None:
    table = _table()
    history = _ada(items=["bread", "brand-new"])
    assert candidates(Histories.of([history], table), table, np.array([day(30).timestamp()])).item.tolist() == [0, 1]


def test_one_customer_alone_is_bit_for_bit_the_same_as_in_a_batch() -> None:
    with connect(lines(rhythmic(60))) as con:
        table = item_table(con, day(150))
        names, everyone = histories(con, day(150), table)
    at = np.full(len(names), day(150).timestamp())
    batch = candidates(everyone, table, at)
    for i in range(len(names)):
        alone = candidates(everyone.take(np.array([i])), table, at[:1])
        own = batch.customer == i
        assert alone.item.tolist() == batch.item[own].tolist()
        assert alone.source.tolist() == batch.source[own].tolist()
        assert alone.inputs.tobytes() == batch.inputs[own].tobytes()


def test_histories_of_live_state_equal_those_of_the_log() -> None:
    with connect(lines(ROWS)) as con:
        table = item_table(con, day(30), categories=CATEGORIES)
        names, logged = histories(con, day(30), table)
    live = Histories.of([_ada()], table)
    mine = logged.take(np.array([names.index("ada")]))
    for name in ("start", "item", "count", "last_at", "first_at", "orders", "first_order_at", "last_order_at"):
        assert getattr(live, name).tolist() == getattr(mine, name).tolist(), name


def test_the_future_cannot_change_the_past() -> None:
    rows = rhythmic(40)
    later = [*rows, *[("c000", f"new-{n}", "popular", 1, 150 + n) for n in range(20)]]
    told = []
    for some in (rows, later):
        with connect(lines(some)) as con:
            table = item_table(con, day(150))
            names, everyone = histories(con, day(150), table)
            told.append(candidates(everyone, table, np.full(len(names), day(150).timestamp())).inputs.tobytes())
    assert told[0] == told[1]


def test_item_table_survives_its_file_and_tells_of_a_torn_one(tmp_path: Path) -> None:
    table, path = _table(), tmp_path / "items.npz"
    table.save(path)
    assert ItemTable.load(path).item_id.tolist() == table.item_id.tolist()
    again = tmp_path / "again.npz"
    table.save(again)
    assert again.read_bytes() == path.read_bytes()
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BundleError, match=r"items\.npz"):
        ItemTable.load(path)


def test_every_array_and_input_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "bundle.md").read_text("utf-8")
    for name in ItemTable.__dataclass_fields__:
        assert f"`{name}`" in page, name
