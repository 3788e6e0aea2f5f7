"""The coupon model: it learns favourites, knows nothing from noise, and is the same whenever it is made."""

from dataclasses import replace

import numpy as np
import pytest

from features.coupons.inputs import pair_inputs
from features.coupons.shop import redeemed
from features.errors import DataError
from tests.training.coupon_shops import STARTS, favouring, shuffled
from training.coupons import (
    CANDIDATES,
    CampaignRows,
    ended_rows,
    fit_both,
    fit_trees_of_pairs,
    train_coupons,
    walk_forward,
)
from training.learners import model_text
from training.metrics import auc

LAST = STARTS[-1]


@pytest.fixture(scope="module")
def rows() -> list[CampaignRows]:
    return ended_rows(favouring(), LAST)


def test_only_campaigns_that_are_over_are_learned_from(rows: list[CampaignRows]) -> None:
    assert [r.campaign.number for r in rows] == [0, 1, 2, 3]
    assert [r.campaign.number for r in ended_rows(favouring(), rows[3].campaign.end)] == [0, 1, 2]
    assert not ended_rows(replace(favouring(), first_day=STARTS[3] - 27.0), LAST)


def test_who_likes_an_item_is_told_from_who_does_not(rows: list[CampaignRows]) -> None:
    result = train_coupons(rows)
    shop = favouring()
    newest = next(c for c in shop.campaigns if c.start == LAST)
    truth = redeemed(newest, shop.redemptions).ravel()
    p = result.probability(pair_inputs(shop, newest))
    assert auc(truth, p) > 0.8
    assert p.mean() == pytest.approx(truth.mean(), rel=0.35)


def test_a_campaign_is_predicted_only_from_those_over_before_it(rows: list[CampaignRows]) -> None:
    walked = walk_forward(rows, {"trees": fit_trees_of_pairs})
    later = [*rows[:3], replace(rows[3], truth=1 - rows[3].truth)]
    again = walk_forward(later, {"trees": fit_trees_of_pairs})
    assert [r.campaign.number for r in walked.rows] == [1, 2, 3]
    np.testing.assert_array_equal(walked.raw["trees"], again.raw["trees"])


def test_shuffled_truth_teaches_nothing(rows: list[CampaignRows]) -> None:
    generator = np.random.default_rng(3)
    noise = [replace(r, truth=generator.permutation(r.truth)) for r in rows]
    walked = walk_forward(noise, CANDIDATES)
    truth = np.concatenate([r.truth for r in walked.rows])
    ones, zeros = truth.sum(), (1 - truth).sum()
    error = np.sqrt((ones + zeros + 1) / (12 * ones * zeros))
    for name, raw in walked.raw.items():
        assert abs(auc(truth, raw) - 0.5) < 3.5 * error, name


def test_training_again_gives_the_same_files(rows: list[CampaignRows]) -> None:
    first, second = train_coupons(rows), train_coupons(ended_rows(shuffled(favouring()), LAST)[::-1])
    assert first.model.spec == second.model.spec
    assert first.model.calibration == second.model.calibration
    assert first.chosen == second.chosen
    for fit in (fit_trees_of_pairs, fit_both):
        one, two = fit(rows), fit(rows)
        assert {f: model_text(b) for f, b in one.boosters.items()} == {
            f: model_text(b) for f, b in two.boosters.items()
        }


def test_too_few_uses_are_refused_with_what_there_is(rows: list[CampaignRows]) -> None:
    with pytest.raises(DataError, match="1 campaigns with"):
        train_coupons(rows[:1])
    with pytest.raises(DataError, match="Wait for more"):
        train_coupons([])
