"""Churn, second purchase and value keep one contract; what is their own is tested beside it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from features.inputs.scoring import Model
from tests.training.people_contract import HORIZON_DAYS, NAMES, PARAMS, PeopleContract, Predict, shop_rows
from training.amounts import train_amounts
from training.churn import train_churn
from training.learners import model_text
from training.metrics import Array, auc
from training.people import Result, Rows
from training.second_purchase import ordered_once, second_purchase_rows, train_second_purchase
from training.value import train_value


def _away(groups: Sequence[Rows]) -> list[Rows]:
    return [replace(g, truth=(g.truth == 0).astype(float)) for g in groups]


def _told(result: Result) -> tuple[Predict, list[object]]:
    model = Model(result.fitted.spec, result.calibration, result.fitted.boosters)
    texts = [model_text(booster) for booster in result.fitted.boosters.values()]
    return lambda rows: model.probability(rows, NAMES), [result.fitted.spec, result.calibration, texts]


class TestChurn(PeopleContract):
    def learn(self, groups: Sequence[Rows]) -> tuple[Predict, list[object]]:
        return _told(train_churn(_away(groups), NAMES, HORIZON_DAYS, PARAMS))

    def score(self, truth: Array, predicted: Array) -> float:
        return auc((truth == 0).astype(float), predicted)


class TestSecondPurchase(PeopleContract):
    def learn(self, groups: Sequence[Rows]) -> tuple[Predict, list[object]]:
        return _told(train_second_purchase(_away(groups), NAMES, HORIZON_DAYS, PARAMS))

    def asked(self, group: Rows) -> Array:
        return ordered_once(group.inputs, NAMES)

    def score(self, truth: Array, predicted: Array) -> float:
        return auc((truth > 0).astype(float), predicted)


class TestValue(PeopleContract):
    def learn(self, groups: Sequence[Rows]) -> tuple[Predict, list[object]]:
        found = train_value(groups, NAMES, HORIZON_DAYS, PARAMS)
        amount = found.amounts.fitted
        texts = [model_text(booster) for booster in amount.boosters.values()]
        made = [_told(found.churn)[1], amount.spec, texts, found.model.lift, found.model.residual.tolist()]
        return lambda rows: found.model.expected(rows, NAMES), [*made, found.model.rates]

    def score(self, truth: Array, predicted: Array) -> float:
        """Among who stays away and who comes: the amounts of those who come have tests of their own."""
        return auc((truth > 0).astype(float), predicted)

    def test_shuffled_truth_teaches_nothing(self) -> None:
        """Half of what is expected needs no truth: only the two parts learned from it must know nothing."""
        generator = np.random.default_rng(3)
        noise = [replace(g, truth=generator.permutation(g.truth)) for g in shop_rows()]
        found = train_value(noise, NAMES, HORIZON_DAYS, PARAMS)
        newest = shop_rows(seed=1)[0]
        learned = found.model.two_parts(newest.inputs, NAMES)
        assert self.score(generator.permutation(newest.truth), learned) == pytest.approx(0.5, abs=0.1)


def test_second_purchase_asks_of_customers_with_one_order_and_turns_the_truth() -> None:
    group = _away(shop_rows(200))[0]
    own = second_purchase_rows(group, NAMES)
    once = ordered_once(group.inputs, NAMES)
    assert 0 < once.sum() < len(once)
    assert own.customers.tolist() == group.customers[once].tolist()
    np.testing.assert_array_equal(own.truth, 1 - group.truth[once])


def test_too_few_first_time_buyers_to_choose_by_leave_the_simplest_line_with_a_message() -> None:
    groups = _away(shop_rows(200))
    few = second_purchase_rows(groups[0], NAMES)
    assert 10 <= len(few.truth) < 100
    found = train_second_purchase(groups, NAMES, HORIZON_DAYS, PARAMS)
    assert found.chosen == "recency"
    assert "too few to choose by" in found.note


def test_value_expects_what_is_spent_and_its_interval_holds_what_it_says() -> None:
    found = train_value(shop_rows(1000), NAMES, HORIZON_DAYS, PARAMS)
    newest = shop_rows(1000, seed=1)[0]
    expected = found.model.expected(newest.inputs, NAMES)
    assert expected.mean() == pytest.approx(newest.truth.mean(), rel=0.15)
    assert np.corrcoef(expected, newest.truth)[0, 1] > 0.4
    for share in (0.8, 0.9):  # three in four spend nothing: a narrower one cannot hold less than they are
        low, high = found.model.interval(newest.inputs, NAMES, share)
        assert (low <= high).all()
        assert np.mean((low <= newest.truth) & (newest.truth <= high)) == pytest.approx(share, abs=0.08)


def test_quantiles_of_spend_ascend_and_are_nothing_for_who_stays_away() -> None:
    found = train_value(shop_rows(400), NAMES, HORIZON_DAYS, PARAMS).model
    rows = shop_rows(400, seed=1)[0].inputs
    ladder = np.stack([found.quantile(rows, NAMES, q) for q in (0.1, 0.3, 0.5, 0.7, 0.9)])
    assert (np.diff(ladder, axis=0) >= 0).all()
    leaves = found.leaves.probability(rows, NAMES)
    assert (ladder[2][leaves >= 0.5] == 0).all()
    assert (ladder[2][leaves < 0.5] > 0).all()


def test_older_windows_without_anybody_to_learn_from_are_left_out() -> None:
    newest, older = shop_rows(400, cutoffs=2)
    nobody = replace(older, truth=np.zeros(len(older.truth)))
    regulars = ~ordered_once(older.inputs, NAMES)
    none_once = Rows(older.cutoff, older.customers[regulars], older.inputs[regulars], older.truth[regulars])
    assert "trees" not in train_second_purchase(_away([newest, none_once]), NAMES, HORIZON_DAYS, PARAMS).scores
    assert np.isfinite(train_amounts([newest, nobody], NAMES, HORIZON_DAYS, PARAMS).residual).all()


def test_value_needs_twenty_buyers() -> None:
    groups = shop_rows(200)
    bought = np.flatnonzero(groups[0].truth)
    truth = groups[0].truth.copy()
    truth[bought[12:]] = 0
    with pytest.raises(DataError, match="Only 12 customers bought"):
        train_value([replace(groups[0], truth=truth), *groups[1:]], NAMES, HORIZON_DAYS, PARAMS)
