"""The response to an action: level and order are right, controls teach nothing, and too little is refused."""

from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from tests.training.drawn_arms import drawn
from training.learners import model_text
from training.metrics import auc
from training.response import fit_both, train_response
from training.uplift_learners import UpliftRows


@pytest.fixture(scope="module")
def rows() -> UpliftRows:
    return drawn(seed=3)


def test_who_responds_is_told_and_how_often(rows: UpliftRows) -> None:
    result = train_response(rows, "spring_offer")
    fresh = drawn(seed=4)
    fresh = fresh.take(fresh.treated > 0.5)
    p = result.probability(fresh)
    assert auc(fresh.outcome, p) > 0.6
    assert p.mean() == pytest.approx(fresh.outcome.mean(), abs=0.03)
    assert result.scores["champion"]["ece"] < 0.05
    assert result.rows == int(rows.treated.sum())


def test_the_controls_teach_nothing(rows: UpliftRows) -> None:
    other = np.where(rows.treated > 0.5, rows.outcome, 1 - rows.outcome)
    first, second = train_response(rows, "a"), train_response(replace(rows, outcome=other), "a")
    np.testing.assert_array_equal(first.probability(rows), second.probability(rows))


def test_shuffled_responses_teach_nothing(rows: UpliftRows) -> None:
    noise = replace(rows, outcome=np.random.default_rng(5).permutation(rows.outcome))
    assert abs(train_response(noise, "a").scores["champion"]["auc"] - 0.5) < 0.04


def test_the_order_of_rows_does_not_matter(rows: UpliftRows) -> None:
    turned = rows.take(np.random.default_rng(6).permutation(len(rows)))
    first, again = train_response(rows, "a"), train_response(turned, "a")
    assert first.model.spec == again.model.spec
    assert first.model.calibration == again.model.calibration
    one, two = (fit_both(r.in_order()).boosters for r in (rows, turned))
    assert {f: model_text(b) for f, b in one.items()} == {f: model_text(b) for f, b in two.items()}


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_one_kind_of_answer_is_refused_with_the_remedy(rows: UpliftRows, rate: float) -> None:
    with pytest.raises(DataError, match=r"'spring_offer' reached .* Let it run longer"):
        train_response(replace(rows, outcome=np.full(len(rows), rate)), "spring_offer")


def test_ten_customers_are_refused(rows: UpliftRows) -> None:
    with pytest.raises(DataError, match="keeps its stated response"):
        train_response(rows.take(np.arange(10)), "a")
