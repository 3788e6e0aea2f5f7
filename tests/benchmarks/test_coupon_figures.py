"""Figures of coupon scores on lists small enough to work out by hand, and against the plain definition."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.coupon_figures import Truth, auc_difference, list_figures, mean_difference, weighted_auc
from features.coupons.shop import redeemed
from tests.training.coupon_shops import favouring
from training.coupons import CampaignRows, ended_rows
from training.metrics import auc


@pytest.fixture(scope="module")
def rows() -> list[CampaignRows]:
    return ended_rows(favouring(), 120)


@pytest.fixture
def truth(rows: list[CampaignRows]) -> Truth:
    return Truth.of(rows)


def test_weights_count_households_as_often_as_they_say(truth: Truth) -> None:
    generator = np.random.default_rng(0)
    scores = np.round(generator.random(len(truth.used)) + 0.3 * truth.used, 1)  # with many ties
    weights = generator.integers(0, 3, (4, truth.households)).astype(float)
    found = weighted_auc(truth, scores, weights)
    for drawn, value in zip(weights, found, strict=True):
        times = drawn[truth.household].astype(int)
        assert value == pytest.approx(auc(np.repeat(truth.used, times), np.repeat(scores, times)))


def test_a_better_score_wins_and_an_equal_one_does_not(truth: Truth) -> None:
    noise = np.random.default_rng(1).random(len(truth.used))
    assert auc_difference(truth, noise + 0.5 * truth.used, noise, draws=200).better
    same = auc_difference(truth, noise, noise, draws=200)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_recall_of_ties_is_what_a_random_order_gives(rows: list[CampaignRows]) -> None:
    first = rows[0]
    k = len(first.campaign.coupons)
    used = np.zeros((len(first.campaign.customers), k))
    used[0, :2] = 1  # two of twelve, in the first list only
    one = Truth.of([replace(first, truth=used.ravel())])
    scores = np.zeros(used.shape)
    assert list_figures(one, scores.ravel(), k=3).recall.tolist() == [pytest.approx(3 / 12)]
    scores[0, [0, 5, 6]] = 5, 5, 9  # the first ties with one other for places two and three; the second is among nine
    assert list_figures(one, scores.ravel(), k=2).recall.tolist() == [pytest.approx((0.5 + 0) / 2)]
    assert list_figures(one, scores.ravel(), k=3).auc.tolist() == [pytest.approx((8.5 + 4) / 20)]


def test_rows_of_a_household_are_drawn_together() -> None:
    household = np.repeat([4, 9], 50)
    ours, theirs = np.repeat([1.0, 0.0], 50), np.full(100, 0.4)
    difference = mean_difference(household, ours, theirs, draws=400)
    assert difference.value == pytest.approx(0.1)
    assert (difference.low, difference.high) == (pytest.approx(-0.4), pytest.approx(0.6))


def test_yes_and_no_come_from_the_campaign(rows: list[CampaignRows]) -> None:
    shop = favouring()
    assert all((r.truth == redeemed(r.campaign, shop.redemptions).ravel()).all() for r in rows)
