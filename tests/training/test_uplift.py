"""Uplift: a planted effect is found, none is claimed where none is, and what cannot be learned is refused."""

from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from tests.training.drawn_arms import drawn, true_effect
from training.metrics import auc
from training.uplift import CANDIDATES, train_uplift
from training.uplift_learners import UpliftRows, average_effect, row_effects


@pytest.fixture(scope="module")
def rows() -> UpliftRows:
    return drawn()


def test_a_planted_effect_is_found_and_claimed(rows: UpliftRows) -> None:
    result = train_uplift(rows)
    fresh = drawn(seed=2)
    assert result.effect is not None
    assert result.qini.better
    assert result.average.low < true_effect(rows).mean() < result.average.high
    told = result.effect(fresh.inputs)
    assert auc(true_effect(fresh) > 0, told) > 0.95
    assert told.mean() == pytest.approx(true_effect(fresh).mean(), abs=0.03)
    assert "whom it moves can be told" in result.message
    assert result.incrementality == pytest.approx(0.1 / 0.3, abs=0.08)


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_learner_orders_customers_by_what_moves_them(rows: UpliftRows, name: str) -> None:
    told = CANDIDATES[name](rows)(drawn(seed=2).inputs)
    assert auc(true_effect(drawn(seed=2)) > 0, told) > 0.9


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_learner_follows_the_stated_chances_of_the_draw(name: str) -> None:
    uneven = drawn(8000, share=0.85, seed=5)
    told = CANDIDATES[name](uneven)(uneven.inputs)
    assert told.mean() == pytest.approx(true_effect(uneven).mean(), abs=0.04)
    assert auc(true_effect(uneven) > 0, told) > 0.85


def test_an_effect_that_is_the_same_for_all_is_told_as_an_average_only() -> None:
    draw, rows = np.random.default_rng(61), drawn(seed=6)
    outcome = (draw.random(len(rows)) < 0.2 + 0.1 * rows.treated).astype(np.float64)
    result = train_uplift(replace(rows, outcome=outcome))
    assert result.effect is None
    assert result.average.better
    assert result.average.value == pytest.approx(0.1, abs=0.03)
    assert "No uplift is claimed" in result.message


def test_a_shuffled_treatment_gives_no_claim(rows: UpliftRows) -> None:
    draw, few = np.random.default_rng(7), rows.take(np.arange(2000))
    results = [train_uplift(replace(few, treated=draw.permutation(few.treated))) for _ in range(6)]
    assert sum(result.claimed for result in results) <= 1  # one in forty by chance
    assert all("No uplift is claimed" in result.message for result in results if not result.claimed)


def test_the_order_of_rows_does_not_matter_and_training_again_gives_the_same(rows: UpliftRows) -> None:
    first = train_uplift(rows)
    again = train_uplift(rows.take(np.random.default_rng(8).permutation(len(rows))))
    assert first.message == again.message
    assert first.scores == again.scores
    np.testing.assert_array_equal(first.effects, again.effects)
    np.testing.assert_array_equal(first.ranking(rows.inputs), again.ranking(rows.inputs))


def test_a_customer_with_two_rows_counts_once(rows: UpliftRows) -> None:
    """Every row told twice is no more evidence: neither a higher Qini nor a narrower interval."""
    twice = UpliftRows(
        np.tile(rows.customers, 2), np.tile(rows.inputs, (2, 1)), rows.names, np.tile(rows.treated, 2),
        np.tile(rows.outcome, 2), np.tile(rows.share, 2),
    )  # fmt: skip
    single, doubled = train_uplift(rows), train_uplift(twice)
    assert doubled.qini.value == pytest.approx(single.qini.value, abs=0.02)
    width = single.qini.high - single.qini.low
    assert doubled.qini.high - doubled.qini.low == pytest.approx(width, rel=0.25)


def test_single_row_effects_average_to_the_truth(rows: UpliftRows) -> None:
    likes = rows.inputs[:, 0] > 0
    found = row_effects(rows)
    assert found[likes].mean() == pytest.approx(0.2, abs=0.04)
    assert found[~likes].mean() == pytest.approx(0.0, abs=0.04)
    assert average_effect(rows) == pytest.approx(0.1, abs=0.03)


def test_absent_inputs_are_no_hindrance(rows: UpliftRows) -> None:
    holes = rows.inputs.copy()
    holes[::3, 1], holes[:, 2] = np.nan, np.nan
    result = train_uplift(replace(rows, inputs=holes))
    assert result.claimed
    assert np.isfinite(result.ranking(holes)).all()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda r: replace(r, treated=np.ones(len(r))), "0 controls"),
        (lambda r: replace(r, outcome=np.zeros(len(r))), "0 responded"),
        (lambda r: replace(r, outcome=np.ones(len(r))), "without a response"),
        (lambda r: r.take(np.arange(10)), "Draw a larger control group"),
        (lambda r: r.take(np.arange(0)), "0 controls, of whom 0"),
        (lambda r: replace(r, share=np.full(len(r), 0.9)), "State its true chance"),
        (lambda r: replace(r, share=np.ones(len(r))), "had no choice"),
        (lambda r: replace(r, treated=(r.inputs[:, 0] > 0).astype(float)), "no random controls"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_remedy(rows: UpliftRows, spoil: object, told: str) -> None:
    assert callable(spoil)
    with pytest.raises(DataError, match=told):
        train_uplift(spoil(rows))
