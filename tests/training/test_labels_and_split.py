"""Labels and splits on rows readable by hand."""

import numpy as np
import pytest

from features.errors import ConfigError, DataError
from tests.training.shops import day, lines
from training.labels import horizon_days, lapsed
from training.params import Params, read_params
from training.retrieval import connect
from training.split import customer_folds, cutoffs, drawn

ROWS = [
    ("ada", "1", "x", 100, 0.0),
    ("ada", "2", "x", 100, 10.0),  # at the cutoff: after it
    ("bo", "3", "x", 100, 5.0),
    ("bo", "4", "x", 100, 37.999),  # the last moment of the window [10, 38)
    ("cy", "5", "x", 100, 5.0),
    ("cy", "6", "x", 100, 38.0),  # just after it
]


def test_lapsed_is_half_open() -> None:
    with connect(lines(ROWS)) as con:
        assert lapsed(con, ["ada", "bo", "cy"], day(10), 28, day(38)).tolist() == [0, 0, 1]


def test_a_label_is_not_known_before_its_window_is_over() -> None:
    with connect(lines(ROWS)) as con, pytest.raises(ValueError, match="label window"):
        lapsed(con, ["ada"], day(10), 28, day(37))


@pytest.mark.parametrize(("gap", "horizon"), [(7, 28), (30, 60), (75, 90), (120, 180), (300, 180)])
def test_horizon_follows_the_rhythm(gap: int, horizon: int) -> None:
    rows = [("ada", str(n), "x", 100, n * float(gap)) for n in range(2 + 700 // gap)]
    with connect(lines(rows)) as con:
        assert horizon_days(con, day(701)) == horizon


def test_horizon_leaves_history_to_learn_from() -> None:
    rows = [("ada", str(n), "x", 100, n * 45.0) for n in range(3)]
    with connect(lines(rows)) as con:
        assert horizon_days(con, day(100)) == 28


def test_nobody_came_back() -> None:
    with (
        connect(lines([("ada", "1", "x", 100, 0.0), ("bo", "2", "x", 100, 3.0)])) as con,
        pytest.raises(DataError, match="horizon_days"),
    ):
        horizon_days(con, day(100))


def test_cutoffs_step_back_as_far_as_history_goes() -> None:
    found = cutoffs(day(191), day(0), window_days=90, step_days=28, count=6, min_history_days=28)
    assert found == [day(101), day(73), day(45)]


def test_too_little_history_says_how_much_is_needed() -> None:
    with pytest.raises(DataError, match=r"100 days .* 118 are needed"):
        cutoffs(day(100), day(0), window_days=90, step_days=28, count=6, min_history_days=28)


def test_folds_keep_a_customer_together() -> None:
    import numpy as np

    folds = customer_folds(np.array(["a", "b", "a", "c", "d", "e"]), 5)
    assert folds[0] == folds[2]
    assert sorted(set(folds.tolist())) == [0, 1, 2, 3, 4]


def test_params_are_the_defaults_and_unknown_keys_are_refused(tmp_path) -> None:
    from pathlib import Path

    assert read_params(Path(__file__).parents[2] / "params.yaml") == Params()
    wrong = tmp_path / "params.yaml"
    wrong.write_text("churn:\n  horizon: 90\n")
    with pytest.raises(ConfigError, match=r"churn\.horizon = 90"):
        read_params(wrong)
    wrong.write_text("next_offer:\n  k: 0\n")
    with pytest.raises(ConfigError, match=r"next_offer\.k = 0"):
        read_params(wrong)


def test_every_parameter_is_documented() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    for section, values in Params().model_dump().items():
        keys = [section] if not isinstance(values, dict) else [f"{section}.{key}" for key in values if key != "trees"]
        for key in keys:
            assert f"`{key}`" in page, key


def test_who_is_drawn_does_not_hang_on_order_or_on_who_else_is_asked_again() -> None:
    names = np.array([f"c{n % 400}" for n in range(1_000)])
    taken = drawn(names, 100)
    assert len(set(names[taken])) == 100 and drawn(names, 400).all()
    turned = np.random.default_rng(1).permutation(len(names))
    assert set(names[turned][drawn(names[turned], 100)]) == set(names[taken])
    assert set(names[drawn(names, 60)]) < set(names[taken]), "of fewer those who were drawn first"
    other = np.array([f"d{n}" for n in range(20_000)])
    last_digits = np.array([int(one[-1]) for one in other[drawn(other, 5_000)]])
    assert np.abs(np.bincount(last_digits, minlength=10) / 5_000 - 0.1).max() < 0.02
