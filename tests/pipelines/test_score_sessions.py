"""`tahdikas score session`: sessions in, what is viewed next out."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.errors import DataError
from pipelines.cli import app
from pipelines.score_sessions import score_sessions

NAMES = [f"item{n}" for n in range(60)]


def sessions(n: int, seed: int) -> list[list[str]]:
    draw = np.random.default_rng(seed)
    first = draw.integers(0, 60, n)
    return [[NAMES[(start + step) % 60] for step in range(5)] for start in first]


def train(n: int = 700) -> pa.Table:
    return pa.table({"session_id": range(n), "items": sessions(n, 0)})


def asked(n: int = 40) -> pa.Table:
    views = [views[:2] for views in sessions(n, 1)]
    views[0], views[1] = [], ["never seen"]
    return pa.table({"prefix_id": [f"p{row}" for row in range(n)], "items": pa.array(views, pa.list_(pa.string()))})


def scored(folder: Path, known: pa.Table, wanted: pa.Table, k: int = 5) -> tuple[pa.Table, list[str]]:
    pq.write_table(known, folder / "t.parquet")
    pq.write_table(wanted, folder / "in.parquet")
    told = score_sessions(folder / "in.parquet", folder / "t.parquet", k, folder / "out.parquet")
    found = pq.read_table(folder / "out.parquet")
    assert told.rows == len(found)
    return found, told.notes


def test_the_next_item_first_and_everybody_gets_a_list(tmp_path: Path) -> None:
    found, notes = scored(tmp_path, train(), asked())
    assert found.schema.names == ["prefix_id", "rank", "item_id", "score"]
    assert found["prefix_id"].to_pylist() == [f"p{row}" for row in range(40) for _ in range(5)]
    assert found["rank"].to_pylist() == [1, 2, 3, 4, 5] * 40
    first = found["item_id"].to_pylist()[10::5]
    then = [views[2] for views in sessions(40, 1)[2:]]
    assert np.mean([a == b for a, b in zip(first, then, strict=True)]) > 0.9
    score = found["score"].to_numpy().reshape(-1, 5)
    assert (np.diff(score) <= 0).all()
    assert (score > 0).all()
    assert (score <= 1).all()
    assert any("1 of 77 views" in note for note in notes)
    assert any("2 prefixes" in note for note in notes)


def test_the_same_files_give_the_same_bytes_and_rows_may_stand_in_any_order(tmp_path: Path) -> None:
    bytes_of = []
    for _ in range(2):
        forth, _notes = scored(tmp_path, train(), asked())
        bytes_of.append((tmp_path / "out.parquet").read_bytes())
    assert bytes_of[0] == bytes_of[1]
    backwards = scored(tmp_path, train().take(np.arange(700)[::-1]), asked().take(np.arange(40)[::-1]))[0]
    order = [("prefix_id", "ascending"), ("rank", "ascending")]
    assert forth.sort_by(order).equals(backwards.sort_by(order))


def test_numbers_as_ids_and_items(tmp_path: Path) -> None:
    known = pa.table({"session_id": ["b", "a"], "items": [[7, 8], [7, 9]]})
    found, notes = scored(tmp_path, known, pa.table({"prefix_id": [3], "items": [[7]]}), k=2)
    assert found["prefix_id"].to_pylist() == [3, 3]
    assert set(found["item_id"].to_pylist()) <= {7, 8, 9}
    assert "nearest" in notes[0]


def test_more_than_there_are_items_gives_all_of_them(tmp_path: Path) -> None:
    known = pa.table({"session_id": [1], "items": [[7, 8, 9]]})
    found, _ = scored(tmp_path, known, pa.table({"prefix_id": [3], "items": [[7]]}), k=50)
    assert sorted(found["item_id"].to_pylist()) == [7, 8, 9]


BAD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"session": [1], "items": [[1]]}, {}, "t.parquet has no column session_id"),
    ({"session_id": [1]}, {}, "t.parquet has no column items"),
    ({"session_id": [1, 1], "items": [[1], [2]]}, {}, "session_id 1 stands in 2 rows"),
    ({"session_id": [1], "items": ["1 2"]}, {}, "t.parquet: items is string"),
    ({"session_id": [1], "items": [[0.5]]}, {}, "t.parquet: items is list"),
    ({"session_id": [1], "items": [[1, None]]}, {}, "t.parquet: items holds 1 absent"),
    ({"session_id": [1], "items": pa.array([[]], pa.list_(pa.int64()))}, {}, "all its lists of items are empty"),
    ({"session_id": [1.5], "items": [[1]]}, {}, "session_id is double"),
    ({"session_id": [None, 1], "items": [[1], [1]]}, {}, "session_id is absent in 1"),
    ({}, {"prefix_id": [1], "views": [[1]]}, "in.parquet has no column items"),
    ({}, {"prefix_id": [4, 4], "items": [[1], [2]]}, "prefix_id 4 stands in 2 rows"),
    ({}, {"prefix_id": [1], "items": [["a"]]}, "Write both in one type"),
    (
        {},
        {"prefix_id": pa.array([], pa.int64()), "items": pa.array([], pa.list_(pa.int64()))},
        "in.parquet has no rows",
    ),
]


@pytest.mark.parametrize(("known", "wanted", "says"), BAD)
def test_files_that_are_not_that(tmp_path: Path, known: dict[str, Any], wanted: dict[str, Any], says: str) -> None:
    right = {"session_id": [1, 2], "items": [[1, 2], [2, 3]]}, {"prefix_id": [1], "items": [[1]]}
    with pytest.raises(DataError, match=says):
        scored(tmp_path, pa.table(known or right[0]), pa.table(wanted or right[1]))
    assert not (tmp_path / "out.parquet").exists()


def test_no_parquet_at_all(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("session_id,items")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        score_sessions(tmp_path / "t.parquet", tmp_path / "t.parquet", 5, tmp_path / "out.parquet")


def test_the_command(tmp_path: Path) -> None:
    scored(tmp_path, train(20), asked(3))
    files = [str(tmp_path / name) for name in ("in.parquet", "t.parquet", "new.parquet")]
    told = CliRunner().invoke(
        app, ["score", "session", files[0], "--train", files[1], "--k", "3", "--out", files[2], "--json"]
    )
    assert told.exit_code == 0, told.output
    assert '"rows": 9' in told.output
    assert len(pq.read_table(files[2])) == 9
