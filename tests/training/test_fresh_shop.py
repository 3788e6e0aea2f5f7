"""Learned in one simulated shop, told of the customers of another: the level and the probabilities are still true.

Inputs and truth come straight from the shops' lives (`benchmarks/truth/contacts.py`), so that both shops are quick.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest

from benchmarks.truth.contacts import inputs_at
from benchmarks.truth.worlds import live_to, midnight
from features.inputs.scoring import Model
from pipelines.simulate import simulate
from training.churn import train_churn
from training.metrics import Array, auc, ece
from training.params import ChurnParams, Trees
from training.people import Result, Rows
from training.satisfaction import train_satisfaction
from training.second_purchase import second_purchase_rows, train_second_purchase

CUSTOMERS, WEEKS, HORIZON, NEWEST = 2_000, 52, 8, 44
PARAMS = ChurnParams(horizon_days=7 * HORIZON, trees=Trees(rounds=60))
MARGIN = 0.03
"""Beyond chance: shops differ in who their customers are, not in how they are."""


def shop_groups(seed: int, weeks: tuple[int, ...]) -> tuple[list[Rows], list[str]]:
    """Everybody who had bought by each week, newest first; the truth: no order in the 8 weeks after it."""
    shop = live_to(seed, customers=CUSTOMERS, weeks=WEEKS, until=WEEKS)
    life, groups = shop.life(), []
    for week in weeks:
        before = np.unique(life.orders.who[life.orders.at < 7 * week])
        after = life.orders.who[(life.orders.at >= 7 * week) & (life.orders.at < 7 * (week + HORIZON))]
        names, inputs = inputs_at(life, shop.catalogue, CUSTOMERS, week, before)
        who = np.array([f"s{seed}-{number}" for number in before.tolist()])
        groups.append(Rows(midnight(week), who, inputs, 1.0 - np.isin(before, after)))
    return groups, names


def by_chance(p: Array, bins: int = 1) -> float:
    """What a perfect model shows with so few rows: two standard errors of the mean, or of ten bins' mean gap."""
    error = float(np.sqrt(np.mean(p * (1 - p)) * bins / len(p)))
    return 2 * error if bins == 1 else float(np.sqrt(2 / np.pi)) * error


def check(told: Array, truth: Array) -> None:
    """The stated margins."""
    assert auc(truth, told) > 0.65
    assert abs(told.mean() - truth.mean()) <= MARGIN + by_chance(told)
    assert ece(truth, told) <= MARGIN + by_chance(told, bins=10)


@pytest.fixture(scope="module")
def shops() -> tuple[list[Rows], Rows, list[str]]:
    """One shop at four moments to learn from, another at the newest of them to be told of."""
    learned, names = shop_groups(11, (NEWEST, NEWEST - 4, NEWEST - 8, NEWEST - 12))
    (asked,), _ = shop_groups(12, (NEWEST,))
    return learned, asked, names


def told_by(result: Result, rows: Rows, names: list[str]) -> Array:
    model = Model(result.fitted.spec, result.calibration, result.fitted.boosters)
    return np.asarray(model.probability(rows.inputs, names))


@pytest.fixture(scope="module")
def leaves(shops: tuple[list[Rows], Rows, list[str]]) -> Array:
    """What churn, learned in the one shop, tells of the other's customers."""
    learned, asked, names = shops
    return told_by(train_churn(learned, names, 7 * HORIZON, PARAMS), asked, names)


def test_churn_is_calibrated_on_a_fresh_shop(shops: tuple[list[Rows], Rows, list[str]], leaves: Array) -> None:
    check(leaves, shops[1].truth)


def test_second_purchase_is_calibrated_on_a_fresh_shop(shops: tuple[list[Rows], Rows, list[str]]) -> None:
    learned, asked, names = shops
    own = second_purchase_rows(asked, names)
    check(told_by(train_second_purchase(learned, names, 7 * HORIZON, PARAMS), own, names), own.truth)


def test_the_margins_can_be_missed(shops: tuple[list[Rows], Rows, list[str]], leaves: Array) -> None:
    """A level that is off by half a unit of log-odds does not pass."""
    moved = leaves / (leaves + (1 - leaves) * np.exp(-0.5))
    with pytest.raises(AssertionError):
        check(moved, shops[1].truth)


def rated_of(folder: Path, seed: int) -> tuple[list[str], Array]:
    """Texts with a score, and 1 for the dissatisfied, as a simulated shop exports them."""
    simulate(folder, customers=1_500, seed=seed, start=date(2024, 11, 1), days=364)
    table = ds.dataset(folder / "events").to_table(
        filter=(ds.field("type") == "feedback") & ds.field("text").is_valid() & ds.field("score").is_valid()
    )
    low, high, score = (table[name].to_numpy() for name in ("scale_min", "scale_max", "score"))
    share = (score - low) / (high - low)
    up = table["higher_is_better"].to_numpy(zero_copy_only=False).astype(bool)
    return table["text"].to_pylist(), (np.where(up, share, 1 - share) <= 0.4).astype(np.float64)


def test_dissatisfaction_is_calibrated_on_a_fresh_shop(tmp_path: Path) -> None:
    (texts, truth), (asked, said) = (rated_of(tmp_path / str(seed), seed) for seed in (21, 22))
    check(train_satisfaction(texts, truth).model.probability(asked), said)
