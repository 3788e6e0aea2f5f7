"""Places within groups, and the rows of keys: fast ways equal the plain ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.inputs.places import MANY, grouped, places, rows_at


def plain(group: np.ndarray, *by: np.ndarray) -> list[int]:
    """Sort each group's rows in Python, one group at a time."""
    found = [0] * len(group)
    for one in set(group.tolist()):
        rows = np.flatnonzero(group == one)
        keys = {row: tuple((np.isnan(c[row]), c[row] if c[row] == c[row] else 0) for c in by) for row in rows.tolist()}
        for place, row in enumerate(sorted(rows.tolist(), key=keys.__getitem__)):
            found[row] = place
    return found


@pytest.mark.parametrize("rows", [0, 1, 50, MANY - 1, MANY, 3 * MANY])
@pytest.mark.parametrize("values", [2, 40, 10**9])
def test_places_equal_plain_sorting_with_ties_and_absent_values(rows: int, values: int) -> None:
    draw = np.random.default_rng(rows + values)
    group = draw.integers(0, 30, rows)
    first = np.where(draw.random(rows) < 0.1, np.nan, draw.integers(0, values, rows) / 7)
    second = draw.integers(0, 3, rows)
    assert places(group, -first, second).tolist() == plain(group, -first, second)
    assert places(group, first).tolist() == plain(group, first), "equal rows keep their order"


def test_places_of_more_groups_than_sixteen_bits_tell() -> None:
    group = np.repeat(np.arange(70_000), 2)
    assert places(group, np.tile([2.0, 1.0], 70_000)).tolist() == [1, 0] * 70_000


@given(st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)))
def test_rows_of_keys(wanted: list[int], keys: list[int]) -> None:
    told = sorted(set(keys))
    ascending, which = grouped(np.array(keys, np.int64))
    assert ascending.tolist() == told and ascending[which].tolist() == keys
    at = rows_at(ascending, np.array(wanted, np.int64))
    assert at.tolist() == [told.index(key) if key in told else -1 for key in wanted]
