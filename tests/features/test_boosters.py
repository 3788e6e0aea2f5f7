from pathlib import Path
from threading import Thread
from typing import Any

import lightgbm
import numpy as np
import pytest

from features.errors import BundleError
from features.inputs.boosters import Booster


def trained(objective: str) -> tuple[Any, np.ndarray[Any, Any]]:
    draw = np.random.default_rng(7)
    rows = draw.normal(size=(400, 5))
    rows[draw.random(rows.shape) < 0.1] = np.nan
    truth = (np.nan_to_num(rows).sum(axis=1) > 0).astype(float)
    data = lightgbm.Dataset(rows, truth, group=[40] * 10 if objective == "lambdarank" else None)
    settings = {"objective": objective, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
    return lightgbm.train(settings, data, 20), rows


@pytest.mark.parametrize("objective", ["binary", "regression", "lambdarank"])
def test_the_same_numbers_as_lightgbm_itself(tmp_path: Path, objective: str) -> None:
    model, rows = trained(objective)
    path = tmp_path / "mödel.txt"
    path.write_text(model.model_to_string(), "utf-8")
    ours = Booster(path)
    assert ours.inputs == 5
    for some in (rows, rows[:1], rows[::3], np.asfortranarray(rows), rows[:0]):
        expected = model.predict(some, num_threads=1) if len(some) else np.empty(0)
        assert np.array_equal(ours.predict(some), expected)
    assert np.array_equal(
        ours.predict(rows.astype(np.float32)), model.predict(rows.astype(np.float32).astype(np.float64))
    )


def test_many_threads_may_share_one(tmp_path: Path) -> None:
    model, rows = trained("binary")
    (tmp_path / "m.txt").write_text(model.model_to_string(), "utf-8")
    ours, expected = Booster(tmp_path / "m.txt"), model.predict(rows)
    found: list[bool] = []
    threads = [Thread(target=lambda: found.append(np.array_equal(ours.predict(rows), expected))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_wrong_files_and_wrong_inputs_are_said(tmp_path: Path) -> None:
    model, rows = trained("binary")
    (tmp_path / "m.txt").write_text(model.model_to_string(), "utf-8")
    with pytest.raises(BundleError, match="takes 5 inputs"):
        Booster(tmp_path / "m.txt").predict(rows[:, :4])
    (tmp_path / "other.txt").write_text("this is no model", "utf-8")
    with pytest.raises(BundleError, match="LightGBM"):
        Booster(tmp_path / "other.txt")
    with pytest.raises(OSError):
        Booster(tmp_path / "absent.txt")


@pytest.mark.parametrize("leads_to", ["0", "7", "-9", "nan", ""])
def test_a_branch_that_leads_nowhere_is_refused_before_it_is_followed(tmp_path: Path, leads_to: str) -> None:
    path = tmp_path / "model.txt"
    path.write_text("tree\nTree=0\nnum_leaves=3\nleft_child=1 -1\nright_child=-2 " + leads_to + "\n")
    with pytest.raises((BundleError, ValueError), match=r"branches|nan"):
        Booster(path)
