"""What the Ta-Feng benchmark counts, on two customers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.tafeng import beyond, lines, read, truth_parts
from benchmarks.yardsticks.als import Als, BasketAls

ROWS = [(1, 0, [5, 6]), (1, 1, [6]), (1, 2, [6, 7]), (4, 0, [5]), (4, 3, [5]), (4, 9, [8])]


def written(folder: Path, rows: list[tuple[int, int, list[int]]], targets: set[tuple[int, int]]) -> Path:
    user, index, items = (list(column) for column in zip(*rows, strict=True))
    marks = [(u, i) in targets for u, i in zip(user, index, strict=True)]
    pq.write_table(
        pa.table({"user_id": user, "basket_index": index, "items": items, "is_target": marks}), folder / "b.parquet"
    )
    return folder / "b.parquet"


def test_the_last_basket_is_the_truth_in_parts(tmp_path: Path) -> None:
    known, then = read(written(tmp_path, ROWS[::-1], {(1, 2), (4, 9)})).before_last()
    assert lines(known).to_numpy().tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 2, 0], [1, 3, 0]]
    parts = {name: rows.to_numpy().tolist() for name, rows in truth_parts(known, then).items()}
    assert parts == {"all": [[0, 1], [0, 2], [1, 3]], "repeat": [[0, 1]], "new": [[0, 2], [1, 3]]}
    shown = pd.DataFrame({"customer": [0, 0, 1], "item": [1, 0, 1], "place": [0, 1, 0]})
    assert beyond(shown, known) == {
        "coverage": 1.0,  # of the two known items
        "buyers": pytest.approx((0.5 + 1 + 0.5) / 3),
        "new": pytest.approx(1 / 3),
    }


def test_a_target_that_is_not_the_last_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        read(written(tmp_path, ROWS, {(1, 1), (4, 9)}))


def test_als_lists_are_hers() -> None:
    told = [(who, basket, item) for who in range(30) for basket in range(3) for item in (who % 2 * 2, who % 2 * 2 + 1)]
    als = BasketAls.fit(pd.DataFrame(told, columns=["customer", "basket", "item"]), 30, 4, Als())
    for anew in (False, True):
        found = als.lists(np.array([3, 4]), 2, anew=anew)
        assert found["customer"].tolist() == [3, 3, 4, 4]
        assert [set(found["item"][:2]), set(found["item"][2:])] == [{2, 3}, {0, 1}]
