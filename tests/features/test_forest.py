"""Trees asked about rows that share their parts give LightGBM's own numbers, bit for bit."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.inputs.boosters import Booster
from features.inputs.forest import ROWS_AT_ONCE, Block, Forest

INPUTS = 6
ODD = np.array([0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, -np.nan, 1e-40, 3.4e38], np.float32)


def _cells(random: np.random.Generator, n: int, absent: float) -> np.ndarray:
    """Inputs with ties, signs, what is absent, and whole columns of zero."""
    cells = np.round(random.normal(size=(n, INPUTS)) * 3, 1).astype(np.float32)
    cells[random.random((n, INPUTS)) < absent] = np.nan
    cells[:, INPUTS - 1] = np.where(random.random(n) < 0.5, 0, cells[:, INPUTS - 1])
    return cells


def _trained(
    folder: Path, seed: int, leaves: int, absent: float, objective: str, named: list[int] | None = None, **more: Any
) -> Booster:
    random = np.random.default_rng(seed)
    cells = _cells(random, 400, absent)
    truth = (np.nan_to_num(cells).sum(axis=1) + random.normal(size=400) > 0).astype(float)
    told = {"objective": objective, "num_leaves": leaves, "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    if named:
        cells[:, named] = np.abs(np.nan_to_num(cells[:, named])).round()
    data = lightgbm.Dataset(cells.astype(np.float64), truth, categorical_feature=named or "auto")
    made = lightgbm.train({**told, **more}, data, num_boost_round=12)
    path = folder / "model.txt"
    made.save_model(path)
    return Booster(path)


def _whole(cells: np.ndarray) -> list[Block]:
    return [Block(slice(0, INPUTS), cells)]


def _sums(forest: Forest, blocks: list[Block], n: int) -> np.ndarray:
    sums, of = forest.sums(blocks, np.arange(INPUTS), n)
    return sums if of is None else sums[of]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    leaves=st.sampled_from([2, 7, 8, 9, 16, 31, 33, 64]),
    absent=st.sampled_from([0.0, 0.3]),
    objective=st.sampled_from(["binary", "regression"]),
    n=st.sampled_from([1, 2, 3, 60]),
)
def test_the_sums_are_lightgbms_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, seed: int, leaves: int, absent: float, objective: str, n: int
) -> None:
    booster = _trained(tmp_path_factory.mktemp("model"), seed, leaves, absent, objective)
    cells = _cells(np.random.default_rng(seed + 1), n, 0.2)
    cells[:, seed % INPUTS] = np.resize(ODD, n)
    forest = booster.forest
    assert forest is not None
    found = booster.told(_sums(forest, _whole(cells), n))
    assert found.tolist() == booster.predict(cells.astype(np.float64)).tolist()
    alone = [_sums(forest, _whole(row[None, :]), 1)[0] for row in cells]
    assert alone == _sums(forest, _whole(cells), n).tolist()


def test_blocks_say_the_same_as_rows_side_by_side(tmp_path: Path) -> None:
    booster = _trained(tmp_path, 7, 15, 0.2, "binary")
    forest, random = booster.forest, np.random.default_rng(8)
    assert forest is not None
    for n in (1, 5, ROWS_AT_ONCE + 3):
        hers, item, both = (_cells(random, k, 0.2) for k in (3, 40, n))
        of_her, of_item = random.integers(0, 3, n), random.integers(0, 40, n)
        blocks = [
            Block(slice(0, 2), hers[:, :2], of_her),
            Block(slice(2, 5), item[:, 2:5], of_item, lasts=True),
            Block(slice(5, 6), both[:, 5:], np.arange(n)),
        ]
        rows = np.concatenate([block.values[block.of] for block in blocks], axis=1)
        for _ in range(2):  # the second time from what was kept
            assert _sums(forest, blocks, n).tolist() == _sums(forest, _whole(rows), n).tolist()


def test_rows_of_full_precision_are_compared_as_they_are(tmp_path: Path) -> None:
    booster, random = _trained(tmp_path, 7, 15, 0.2, "binary"), np.random.default_rng(10)
    assert booster.forest is not None
    at = np.array([float(t) for line in (tmp_path / "model.txt").read_text().splitlines() if line[:10] == "threshold="
                   for t in line[10:].split()])  # fmt: skip
    for n in (1, 3, 500):
        rows = random.choice([*at, *np.nextafter(at, np.inf), *np.nextafter(at, -np.inf), np.nan], (n, INPUTS))
        found = booster.predict_blocks([Block(slice(0, INPUTS), rows)], np.arange(INPUTS), n)
        assert found is not None
        assert found.tolist() == booster.predict(rows).tolist()


def test_what_lasts_is_worked_out_anew_when_it_changes(tmp_path: Path) -> None:
    forest, random = _trained(tmp_path, 7, 15, 0.2, "binary").forest, np.random.default_rng(9)
    assert forest is not None
    for _ in range(2):
        cells = _cells(random, 20, 0.2)
        lasting = [Block(slice(0, INPUTS), cells, np.arange(20), lasts=True)]
        assert _sums(forest, lasting, 20).tolist() == _sums(forest, _whole(cells), 20).tolist()


@pytest.mark.parametrize(
    "settings",
    [
        {"leaves": 100},
        {"named": [0], "min_data_per_group": 1, "cat_smooth": 1},
        {"zero_as_missing": True},
        {"linear_tree": True},
        {"objective": "poisson"},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    ],
)
def test_trees_of_another_kind_are_left_to_lightgbm(tmp_path: Path, settings: dict[str, Any]) -> None:
    told: dict[str, Any] = {"seed": 7, "leaves": 15, "absent": 0.0, "objective": "regression"} | settings
    assert _trained(tmp_path, **told).forest is None
