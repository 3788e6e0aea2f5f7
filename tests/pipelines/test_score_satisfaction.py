"""`tahdikas score satisfaction`: texts and facts in, the chance of dissatisfaction out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataError
from pipelines.score_satisfaction import dissatisfied, score_satisfaction

SAID = {True: ["never arrived", "broken zip", "two weeks late"], False: ["lovely", "fits well", "as promised"]}
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def rated(n: int = 300, seed: int = 0) -> pa.Table:
    """Reviews: score, text, when it was promised and when it came, the language, an id."""
    draw = np.random.default_rng(seed)
    bad = draw.random(n) < 0.4
    late = np.where(bad, draw.integers(-1, 9, n), draw.integers(-6, 2, n))
    return pa.table(
        {
            "order_id": [f"o{row}" for row in range(n)],
            "text": [str(draw.choice(SAID[bool(b)])) if draw.random() < 0.7 else "ordered online" for b in bad],
            "score": np.where(bad, draw.integers(1, 3, n), draw.integers(3, 6, n)),
            "language": draw.choice(["en", "fi"], n).tolist(),
            "promised": [DAY] * n,
            "delivered": [None if days > 7 else DAY + timedelta(days=int(days)) for days in late],
        }
    )


def written(tmp_path: Path, name: str, table: pa.Table) -> Path:
    file = tmp_path / name
    pq.write_table(table, file)
    return file


def test_every_row_gets_its_chance_in_order(tmp_path: Path) -> None:
    train, asked = written(tmp_path, "t.parquet", rated()), written(tmp_path, "in.parquet", rated(100, 1).drop("score"))
    told = score_satisfaction(asked, train, tmp_path / "f.parquet")
    found = pq.read_table(tmp_path / "f.parquet")
    assert found.column_names == ["row", "order_id", "dissatisfaction_probability", "causes"]
    assert found["order_id"].to_pylist() == [f"o{row}" for row in range(100)]
    chance, score = found["dissatisfaction_probability"].to_numpy(), rated(100, 1)["score"].to_numpy()
    assert chance[score <= 2].mean() > 0.7 > 0.3 > chance[score > 2].mean()
    assert "dissatisfied is 2.6 or less" in told.notes[0]


def test_the_same_files_give_the_same_bytes_and_lines_may_stand_in_any_order(tmp_path: Path) -> None:
    train, asked = rated(), rated(60, 1).drop("score")
    backwards = np.arange(len(asked))[::-1]
    for name, table in (("a", asked), ("b", asked), ("c", asked.take(backwards))):
        score_satisfaction(written(tmp_path, "in", table), written(tmp_path, "t", train), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    forth, back = (pq.read_table(tmp_path / n)["dissatisfaction_probability"].to_numpy() for n in "ac")
    assert forth.tolist() == back[::-1].tolist()


def test_without_rated_texts(tmp_path: Path) -> None:
    asked = written(tmp_path, "in", pa.table({"text": ["Kiitos, hyvä!", None, "Ei ole tullut, pettynyt"]}))
    told = score_satisfaction(asked, None, tmp_path / "f")
    good, nothing, bad = pq.read_table(tmp_path / "f")["dissatisfaction_probability"].to_pylist()
    assert good < nothing < bad
    assert "seed words" in told.notes[0]


@pytest.mark.parametrize(
    ("scores", "bad"),
    [([0, 1], [1, 0]), ([1, 2, 3, 5], [1, 1, 0, 0]), ([0, 6, 7, 10], [1, 1, 0, 0]), ([0, 40, 41, 100], [1, 1, 0, 0])],
)
def test_the_scale_is_the_smallest_that_holds_the_scores(scores: list[int], bad: list[int]) -> None:
    truth, _ = dissatisfied(pa.chunked_array([scores]), Path("t"), None, None)
    assert truth.tolist() == bad


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"words": ["a"]}, "no column text; it has words"),
        ({"text": [1]}, "text is int64, not words"),
        ({"text": pa.array([], pa.string())}, "has no rows"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, table: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        score_satisfaction(written(tmp_path, "in", pa.table(table)), None, tmp_path / "f")
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0, None], "score of row 1 is nan"),
        ([1.0, 700.0], "from 1.0 to 700.0. Say the scale's ends"),
        (["bad"], "score is string, not a number"),
    ],
)
def test_scores_that_are_none_are_refused(tmp_path: Path, scores: list, message: str) -> None:
    train = written(tmp_path, "t", pa.table({"text": ["a"] * len(scores), "score": scores}))
    with pytest.raises(DataError, match=message):
        score_satisfaction(written(tmp_path, "in", pa.table({"text": ["b"]})), train, tmp_path / "f")


def test_scores_beyond_the_scale_named_are_refused() -> None:
    with pytest.raises(DataError, match="beyond the scale 1"):
        dissatisfied(pa.chunked_array([[1, 7]]), Path("t"), 1.0, 5.0)
