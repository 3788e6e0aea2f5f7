"""Coupon yardsticks: from days before the start only, and the same spend as the product finds on its own way."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.yardsticks.coupons import category_spend, coupon_popularity, product_popularity, score_yardsticks
from features.coupons.inputs import pair_inputs
from tests.training.coupon_shops import STARTS, favouring
from training.coupons import ended_rows

SHOP = favouring()
NOW = SHOP.campaigns[3]


def test_spend_is_the_products_own_figure_computed_another_way() -> None:
    pairs = pair_inputs(SHOP, NOW)
    column = pairs.values[:, pairs.names.index("category_spend")]
    np.testing.assert_allclose(category_spend(SHOP, NOW).ravel(), column, rtol=1e-5)


def test_popularity_counts_lines_of_sixty_days() -> None:
    lines = SHOP.lines
    recent = (lines.day < NOW.start) & (lines.day >= NOW.start - 60)
    assert product_popularity(SHOP, NOW)[3] == np.isin(lines.item[recent], [6, 7]).sum()


def test_a_coupon_often_used_is_popular_and_a_new_one_is_as_popular_as_its_items() -> None:
    seen = replace(NOW, coupons=NOW.coupons + 1000)  # the same items, coupons never seen before
    new = coupon_popularity(SHOP, seen)
    assert np.corrcoef(new, product_popularity(SHOP, NOW))[0, 1] == pytest.approx(1)
    known = SHOP.before(NOW.start)
    used = np.bincount(known.redemptions.coupon, minlength=len(NOW.coupons))
    sent = sum(len(c.customers) for c in known.campaigns)
    expected = (used + 100 * new) / (sent + 100)
    np.testing.assert_allclose(coupon_popularity(SHOP, NOW), expected)


def test_no_yardstick_sees_the_campaigns_own_days() -> None:
    later = replace(
        SHOP,
        lines=SHOP.lines.before(NOW.start),
        redemptions=SHOP.redemptions.before(NOW.start),
    )
    learned = ended_rows(SHOP, STARTS[2])
    first, second = (score_yardsticks(shop, learned, [NOW]) for shop in (SHOP, later))
    for name in first:
        np.testing.assert_array_equal(first[name][0], second[name][0], err_msg=name)
