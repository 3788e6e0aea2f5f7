"""What a shop's texts may be: any of them gets a chance, or the file is refused with what to do; nothing falls over."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataError
from pipelines.cli import main
from pipelines.score_satisfaction import score_satisfaction

SAID = {True: ("never arrived", "broken zip"), False: ("lovely colour", "fits well")}
LONG = 1_000_000
MIXED = "не пришло 😡 quick ok hyvä 坏了 ممتاز"
WEIRD = ["", "   ", None, "😡", "😊😊😊", MIXED, "\u0000", "a" * LONG, "broken zip " * (LONG // 11), "\u202e\u200b"]
HALF_PAIR = pa.array([b"\xed\xa0\x80 broken", b"fine"], pa.binary())  # a lone surrogate, as some programs write it
Score = Callable[..., tuple[str, int]]


def rated(n: int = 200, seed: int = 0) -> pa.Table:
    """Rated texts whose words tell, with a number beside them."""
    draw = np.random.default_rng(seed)
    bad = draw.random(n) < 0.4
    texts = [str(draw.choice(SAID[bool(one)])) for one in bad]
    late = np.where(bad, 1.0, 0) + 2 * draw.random(n)
    return pa.table({"text": texts, "score": np.where(bad, 1, 5), "late_days": late})


def no_utf8(values: pa.Array) -> pa.Array:
    """Bytes as they are, told to be words."""
    return pa.Array.from_buffers(pa.string(), len(values), values.buffers())


@pytest.fixture
def score(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Score:
    """`tahdikas score satisfaction` on two tables: what it says, and how it ended; the chances are in `f.parquet`."""

    def run(asked: pa.Table, train: pa.Table | None = None) -> tuple[str, int]:
        words = [str(tmp_path / "in.parquet"), "--out", str(tmp_path / "f.parquet")]
        pq.write_table(asked, tmp_path / "in.parquet")
        if train is not None:
            pq.write_table(train, tmp_path / "t.parquet")
            words += ["--train", str(tmp_path / "t.parquet")]
        monkeypatch.setattr(sys, "argv", ["tahdikas", "--home", str(tmp_path), "score", "satisfaction", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return " ".join((told.out + told.err).split()), int(ended.value.code or 0)

    return run


def chances(folder: Path) -> list[float]:
    return [float(p) for p in pq.read_table(folder / "f.parquet")["dissatisfaction_probability"].to_pylist()]


@pytest.mark.parametrize("learned", [True, False])
def test_whatever_is_asked_gets_a_chance(score: Score, tmp_path: Path, learned: bool) -> None:
    train = rated().drop("late_days") if learned else None
    _, code = score(pa.table({"text": [*WEIRD, "never arrived", "lovely colour"]}), train)
    found = chances(tmp_path)
    assert code == 0 and all(0 <= p <= 1 for p in found)
    assert found[0] == found[1] == found[2], "nothing is nothing, however it is written"
    assert found[8] > found[0], "a long complaint is one"
    assert not learned or found[-2] > 0.8 > 0.2 > found[-1]


def test_it_learns_from_whatever_was_rated(score: Score, tmp_path: Path) -> None:
    """Both kinds were written in no letters, or at great length; what else was said is learned all the same."""
    noise = pa.table({"text": WEIRD * 2, "score": [1] * len(WEIRD) + [5] * len(WEIRD)})
    train = pa.concat_tables([rated().drop("late_days"), noise])
    _, code = score(pa.table({"text": ["never arrived", "lovely colour", MIXED]}), train)
    bad, good, mixed = chances(tmp_path)
    assert code == 0 and bad > 0.7 > 0.3 > good and 0 < mixed < 1


@pytest.mark.parametrize("text", ["", None, "😡", "the same"])
def test_texts_that_are_all_one_leave_the_seed_words_with_a_message(
    score: Score, tmp_path: Path, text: str | None
) -> None:
    told, code = score(
        pa.table({"text": ["Terrible, never again", "Kiitos, hyvä!"]}),
        pa.table({"text": pa.array([text] * 100, pa.string()), "score": [1, 5] * 50}),
    )
    bad, good = chances(tmp_path)
    assert code == 0 and "All 100 rated texts say the same, or nothing: seed words alone judge" in told
    assert bad > good


@pytest.mark.parametrize(("scores", "rarer"), [([5] * 100, 0), ([1] * 100, 0), ([1, 5] * 5, 5)])
def test_one_class_and_ten_customers_leave_the_seed_words_with_a_message(
    score: Score, tmp_path: Path, scores: list[int], rarer: int
) -> None:
    told, code = score(rated(4).drop("score"), pa.table({"text": ["fine, thanks"] * len(scores), "score": scores}))
    assert code == 0 and len(chances(tmp_path)) == 4
    assert f"hold {rarer} of the rarer kind; 20 are needed: seed words alone judge" in told
    assert ("say the scale by --low, --high" in told) == (not rarer)


@pytest.mark.parametrize("missing", [pa.nulls(200, pa.float64()), pa.nulls(200)])
@pytest.mark.parametrize("both", [True, False])
def test_facts_that_nobody_has_do_no_harm(score: Score, tmp_path: Path, missing: pa.Array, both: bool) -> None:
    place = rated().column_names.index("late_days")
    empty = rated().set_column(place, "late_days", missing)
    _, code = score(empty.drop("score"), empty if both else rated())
    found, truth = np.array(chances(tmp_path)), rated()["score"].to_numpy() == 1
    assert code == 0 and found[truth].min() > 0.7 > 0.3 > found[~truth].max()


@pytest.mark.parametrize("part", ["in", "t"])
def test_words_that_are_no_utf8_are_refused_with_the_column_and_the_remedy(score: Score, part: str) -> None:
    broken = pa.table({"text": no_utf8(HALF_PAIR), "score": [1, 5]})
    told, code = score(broken if part == "in" else rated(), broken if part == "t" else rated())
    assert code != 0 and f"{part}.parquet: the column text is not UTF-8" in told and "Write its words as UTF-8" in told


def test_a_fact_that_is_words_here_and_a_number_there_is_refused_with_the_remedy(score: Score) -> None:
    asked = rated(2).drop("score").set_column(1, "late_days", pa.array(["three", "none"]))
    told, code = score(asked, rated())
    assert code != 0 and "late_days is string" in told and "Write it as numbers in both files, or leave it out" in told


def test_a_column_that_is_the_score_is_named(tmp_path: Path) -> None:
    """A planted future: it may be known only with the score."""
    table = rated(400).drop("late_days")
    table = table.append_column("stars", pa.array(table["score"].to_numpy() * 20.0))
    for name, one in (("t", table), ("in", table.drop("score"))):
        pq.write_table(one, tmp_path / name)
    told = score_satisfaction(tmp_path / "in", tmp_path / "t", tmp_path / "f.parquet")
    assert any("stars alone tells the score" in note for note in told.notes)


def test_scores_without_any_text_are_refused(tmp_path: Path) -> None:
    pq.write_table(rated().select(["score"]), tmp_path / "t")
    pq.write_table(rated(2), tmp_path / "in")
    with pytest.raises(DataError, match=r"no column text; it has score\. Rename or add it"):
        score_satisfaction(tmp_path / "in", tmp_path / "t", tmp_path / "f.parquet")
