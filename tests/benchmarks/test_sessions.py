"""The session benchmark: the split is read as published, figures are per prefix, intervals over sessions."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.session_words import OURS, figures_table, over_sessions, parts_table, wins_words
from benchmarks.sessions import Case, Found


def case(folder: Path) -> Case:
    train = pa.table({"session_id": [2, 1], "items": [[7, 8, 9], [8, 5]]})
    test = pa.table({"prefix_id": [0, 1, 2], "items": [[7, 8, 7], [7, 8], [5]], "target": [9, 7, 8]})
    pq.write_table(train, folder / "train.parquet")
    pq.write_table(test, folder / "test.parquet")
    return Case.read(folder)


def test_prefixes_of_one_session_belong_together(tmp_path: Path) -> None:
    found = case(tmp_path)
    assert found.session.tolist() == [0, 0, 1]
    assert found.repeated.tolist() == [False, True, False]
    assert found.known.item.tolist() == [2, 0, 1, 2, 3]
    assert found.target.tolist() == [3, 1, 2]


def test_hits_and_reciprocal_ranks(tmp_path: Path) -> None:
    found = Found.of(np.array([0, 0, 1, 2]), np.array([1, 3, 1, 0]), np.array([0, 1, 0, 0]), case(tmp_path))
    assert found.hit.tolist() == [1, 1, 0]
    assert found.reciprocal.tolist() == [0.5, 1, 0]


def test_an_interval_over_sessions_is_wider_where_prefixes_hang_together() -> None:
    draw = np.random.default_rng(0)
    hit = np.repeat((draw.random(100) < 0.5).astype(float), 10)
    together = over_sessions(hit, np.zeros(1000), np.repeat(np.arange(100), 10))
    apart = over_sessions(hit, np.zeros(1000), np.arange(1000))
    assert together.value == apart.value == 100 * hit.mean()
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_the_table_says_who_wins() -> None:
    right, wrong, session = np.ones(50), np.zeros(50), np.arange(50)
    table, facts = figures_table({OURS: (right, wrong), "S-POP": (wrong, wrong)}, session)
    assert table["table"]["rows"][1][2] == "+100.00 [+100.00, +100.00] win"
    assert "MRR@20: parity against S-POP; our interval lies below" in wins_words(facts)


def test_repeat_and_discovery_apart() -> None:
    values = np.array([1.0, 0.0, 0.0, 0.0])
    _, facts = parts_table({OURS: (values, values)}, np.array([True, True, False, False]))
    assert facts[OURS] == {"repeat": {"p": 50.0, "mrr": 50.0}, "discovery": {"p": 0.0, "mrr": 0.0}}
