"""`tahdikas score baskets`: baskets in, everybody's next one out."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.errors import DataError
from pipelines.cli import app
from pipelines.score_baskets import score_baskets


def shop(users: int = 250, baskets: int = 5) -> pa.Table:
    """Each user has two items of hers in every basket, and one of five popular ones."""
    draw = np.random.default_rng(0)
    rows = []
    for user in range(users):
        own = [f"own{n}" for n in draw.choice(80, 2, replace=False)]
        rows += [(f"u{user:03}", n, [*own, f"popular{draw.integers(5)}"]) for n in range(baskets)]
    return table(rows)


def table(rows: list[tuple[Any, Any, Any]], **more: Any) -> pa.Table:
    user, index, items = (list(column) for column in zip(*rows, strict=True))
    return pa.table({"user_id": user, "basket_index": index, "items": items, **more})


def scored(folder: Path, baskets: pa.Table, k: int = 5) -> tuple[pa.Table, list[str]]:
    pq.write_table(baskets, folder / "in.parquet")
    told = score_baskets(folder / "in.parquet", k, folder / "out.parquet")
    found = pq.read_table(folder / "out.parquet")
    assert told.rows == len(found)
    return found, told.notes


def test_her_own_first_then_what_is_popular(tmp_path: Path) -> None:
    known = shop()
    found, notes = scored(tmp_path, known)
    assert found.schema.names == ["user_id", "rank", "item_id", "score"]
    assert found["user_id"].to_pylist() == [f"u{n:03}" for n in range(250) for _ in range(5)]
    assert found["rank"].to_pylist() == [1, 2, 3, 4, 5] * 250
    listed = np.array(found["item_id"].to_pylist()).reshape(250, 5)
    own = known["items"].to_pylist()[::5]
    assert np.mean([set(basket[:2]) == set(row[:2]) for basket, row in zip(own, listed, strict=True)]) > 0.95
    score = found["score"].to_numpy().reshape(250, 5)
    assert (np.diff(score) <= 0).all()
    assert (score > 0).all()
    assert (score <= 1).all()
    assert score[:, :2].mean() > 0.9  # her own are in every basket
    assert any("blended" in note for note in notes)


def test_rows_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    known = shop(120)
    folders = [tmp_path / name for name in "ab"]
    for folder, rows in zip(
        folders, (known, known.take(np.random.default_rng(1).permutation(len(known)))), strict=True
    ):
        folder.mkdir()
        scored(folder, rows)
    assert (folders[0] / "out.parquet").read_bytes() == (folders[1] / "out.parquet").read_bytes()


def test_a_small_file_gets_the_simpler_model_with_whole_numbers_as_names(tmp_path: Path) -> None:
    found, notes = scored(tmp_path, table([(1, 5, [10]), (1, 3, [10, 20]), (2, 0, [30])]), k=3)
    lists = {user: [r["item_id"] for r in found.to_pylist() if r["user_id"] == user] for user in (1, 2)}
    assert lists == {1: [10, 20, 30], 2: [30, 10, 20]}
    assert any("fewer than" in note for note in notes)


def test_double_rows_are_one_basket_and_other_columns_are_named(tmp_path: Path) -> None:
    rows = [(1, 0, [1, 1, 2]), (1, 0, [2, 3]), (2, 0, [])]
    found, notes = scored(tmp_path, table(rows, is_target=[False] * 3))
    assert sorted(found.filter(pa.compute.equal(found["user_id"], 1))["item_id"].to_pylist()) == [1, 2, 3]
    assert any("is_target" in note for note in notes)
    assert any("1 rows repeat" in note for note in notes)


@pytest.mark.parametrize(
    ("baskets", "said"),
    [
        (table([(1, 0, [1])]).rename_columns(["user", "basket_index", "items"]), "no column user_id; it has user"),
        (table([(1, 0, [1])])[:0], "no rows"),
        (table([(None, 0, [1]), (1, 0, [1])]), "user_id is absent in 1 rows"),
        (table([(1, 0.5, [1])]), "basket_index is double"),
        (table([(0.5, 0, [1])]), "user_id is double"),
        (table([(1, 0, "bread")]), "items is string"),
        (table([(1, 0, [1, None])]), "1 absent values"),
        (table([(1, 0, None), (1, 1, [2])]), "1 absent values"),
        (table([(1, 0, [])]), "are empty"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_the_remedy(tmp_path: Path, baskets: pa.Table, said: str) -> None:
    with pytest.raises(DataError, match=said) as refusal:
        scored(tmp_path, baskets)
    assert str(tmp_path / "in.parquet") in str(refusal.value)
    assert not (tmp_path / "out.parquet").exists()


def test_what_is_no_parquet_and_k_of_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_text("user_id,items")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        score_baskets(tmp_path / "in.parquet", 5, tmp_path / "out.parquet")
    with pytest.raises(DataError, match="--k is 0"):
        score_baskets(tmp_path / "in.parquet", 0, tmp_path / "out.parquet")


def test_the_command(tmp_path: Path) -> None:
    pq.write_table(table([("ann", 0, ["milk"])]), tmp_path / "in.parquet")
    arguments = ["score", "baskets", str(tmp_path / "in.parquet"), "--k", "2", "--out", str(tmp_path / "out.parquet")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "1 rows written" in result.output
    assert pq.read_table(tmp_path / "out.parquet")["item_id"].to_pylist() == ["milk"]
