"""Contributions add up to what the model says, for every kind of model; LightGBM's are LightGBM's own."""

import json
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BundleError
from features.inputs.boosters import Booster
from features.inputs.contributions import contributions
from features.inputs.scoring import Model, logit, read_model

NAMES = ["a", "b", "c", "d"]


def _booster(seed: int, objective: str = "binary") -> lightgbm.Booster:
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(500, 3))
    rows[draw.random(rows.shape) < 0.1] = np.nan
    truth = (np.nan_to_num(rows).sum(axis=1) + draw.normal(size=500) > 0).astype(float)
    settings = {"objective": objective, "verbose": -1, "num_threads": 1, "num_leaves": 7}
    return lightgbm.train(settings, lightgbm.Dataset(rows, truth), 25)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(["one.txt", "two.txt"]):
        (folder / name).write_text(_booster(seed).model_to_string(), "utf-8")
    (folder / "amounts.txt").write_text(_booster(2, "regression").model_to_string(), "utf-8")
    return folder


def _line(coef: list[float], kind: str = "logistic") -> dict[str, object]:
    return {
        "kind": kind, "inputs": ["a", "d"], "log": [False, True], "fill": [0.5, 1.0], "mean": [0.1, 0.2],
        "scale": [2.0, 0.7], "coef": coef, "intercept": -0.4,
    }  # fmt: skip


def _trees(file: str) -> dict[str, object]:
    return {"kind": "lightgbm", "inputs": ["c", "a", "b"], "file": file}


SPECS = {
    "line": _line([1.0, -2.0]),
    "trees": _trees("one.txt"),
    "mean": {"kind": "mean", "parts": [_trees("one.txt"), _line([1.0, -2.0])]},
    "product": {"kind": "product", "parts": [_trees("one.txt"), _trees("two.txt"), _line([-1.0, 0.3])]},
    "mean of a product": {
        "kind": "mean", "parts": [{"kind": "product", "parts": [_trees("one.txt"), _line([9.0, 1.0])]},
                                  _trees("two.txt")],
    },
}  # fmt: skip
AMOUNTS = {
    "amount": _line([1.0, -2.0], "linear"),
    "amount of trees": _trees("amounts.txt"),
    "column": {"kind": "column", "inputs": ["b"]},
    "mean of amounts": {"kind": "mean", "parts": [_trees("amounts.txt"), _line([1.0, 0.1], "linear")]},
}


def _model(spec: dict[str, object], folder: Path, into: Path) -> Model:
    (into / "m.json").write_text(json.dumps(spec))
    (into / "m_calibration.json").write_text('{"kind": "none"}')
    for path in folder.glob("*.txt"):
        (into / path.name).write_bytes(path.read_bytes())
    return read_model(into, "m")


numbers = st.one_of(st.floats(-30, 30), st.just(float("nan")))


@pytest.mark.parametrize("name", [*SPECS, *AMOUNTS])
def test_law_they_add_up_to_the_output(name: str, files: Path, tmp_path: Path) -> None:
    model = _model((SPECS | AMOUNTS)[name], files, tmp_path)

    @given(st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=1, max_size=5))
    def law(drawn: list[list[float]]) -> None:
        rows = np.array(drawn)
        if name == "column":
            rows = np.nan_to_num(rows)
        found = contributions(model, rows, NAMES)
        raw = model.raw(rows, NAMES)
        assert found.of.shape == rows.shape and found.is_log_odds == (name in SPECS)
        expected = logit(raw) if found.is_log_odds else raw
        inside = np.abs(expected) < 13 if found.is_log_odds else np.full(len(rows), True)  # beyond, logits are cut
        assert np.allclose((found.base + found.of.sum(axis=1))[inside], expected[inside], rtol=1e-6, atol=1e-6)
        alone = contributions(model, rows[:1], NAMES)
        assert np.array_equal(alone.of[0], found.of[0]), "a customer alone is told what she is told among others"

    law()


def test_an_input_not_looked_at_adds_nothing(files: Path, tmp_path: Path) -> None:
    rows = np.random.default_rng(1).normal(size=(50, 4))
    assert not contributions(_model(SPECS["trees"], files, tmp_path), rows, NAMES).of[:, 3].any()
    assert not contributions(_model(SPECS["line"], files, tmp_path), rows, NAMES).of[:, 1:3].any()


def test_a_larger_input_of_a_line_adds_more(files: Path, tmp_path: Path) -> None:
    rows = np.array([[-3.0, 0, 0, 1], [0.1, 0, 0, 1], [4.0, 0, 0, 1]])
    told = contributions(_model(SPECS["line"], files, tmp_path), rows, NAMES).of[:, 0]
    assert told[0] < 0 and abs(told[1]) < 1e-12 and told[2] > 0


@pytest.mark.parametrize("objective", ["binary", "regression", "lambdarank"])
def test_those_of_trees_are_lightgbm_s_own(tmp_path: Path, objective: str) -> None:
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(300, 3))
    data = lightgbm.Dataset(rows, (rows[:, 0] > 0).astype(float), group=[30] * 10 if objective[0] == "l" else None)
    theirs = lightgbm.train({"objective": objective, "verbose": -1, "num_threads": 1}, data, 10)
    (tmp_path / "m.txt").write_text(theirs.model_to_string(), "utf-8")
    ours = Booster(tmp_path / "m.txt")
    assert np.array_equal(ours.contributions(rows), theirs.predict(rows, pred_contrib=True, num_threads=1))
    assert ours.is_log_odds == (objective == "binary")


def test_what_cannot_be_told_is_refused(files: Path) -> None:
    spec = {"kind": "lightgbm", "inputs": ["a", "b", "c"], "file": "x.txt"}
    rows = np.zeros((1, 4))
    with pytest.raises(BundleError, match="not read from a bundle"):
        contributions(Model(spec, {"kind": "none"}, {"x.txt": _booster(1)}), rows, NAMES)
    with pytest.raises(BundleError, match="'magic' is not known"):
        contributions(Model({"kind": "magic"}, {"kind": "none"}, {}), rows, NAMES)
