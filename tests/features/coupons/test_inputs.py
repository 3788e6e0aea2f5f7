"""Inputs of (receiver, coupon) pairs: worked out by hand, never from the campaign's own days, in whatever order."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from features.coupons.inputs import IN_LIST, pair_inputs
from features.coupons.shop import Campaign, CouponShop, Items, Lines, Redemptions, redeemed
from features.errors import DataError
from tests.training.coupon_shops import STARTS, favouring, shuffled

START = STARTS[2]


def ann_and_bea() -> CouponShop:
    """Ann (0) bought item 0 on days 10, 30 and 50 and item 2 on day 50; Bea (1) item 1 on day 40. Sent on day 60."""
    days = [10.0, 30.0, 50.0, 50.0, 40.0]
    lines = Lines(
        day=np.array(days),
        customer=np.array([0, 0, 0, 0, 1]),
        order=np.array([7, 8, 9, 9, 10]),
        item=np.array([0, 0, 0, 2, 1]),
        paid=np.array([1.0, 1.0, 1.0, 4.0, 2.0]),
        coupon_used=np.array([False, False, True, False, False]),
        reduced=np.zeros(5, np.bool_),
    )
    groups = np.array([0, 0, 1])
    items = Items(dict.fromkeys(("type", "category", "department", "maker"), groups))
    good = sparse.csr_array(np.array([[1.0, 0, 0], [0, 1, 1]]))
    early = Campaign(1, 0, 20, 29, np.array([0, 1]), np.array([100]), good[:1])
    now = Campaign(2, 0, 60, 80, np.array([0, 1]), np.array([100, 101]), good)
    uses = Redemptions(
        day=np.array([22.0, 61.0]), customer=np.array([0, 1]), campaign=np.array([1, 2]), coupon=np.array([100, 101])
    )
    return CouponShop(lines, items, (early, now), uses, 0.0)


@pytest.fixture
def inputs() -> dict[str, np.ndarray]:
    shop = ann_and_bea()
    pairs = pair_inputs(shop, shop.campaigns[1])
    return {name: pairs.values[:, i].reshape(2, 2) for i, name in enumerate(pairs.names)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("own_orders", [[3, 1], [0, 1]]),
        ("own_since_days", [[10, 10], [np.nan, 20]]),
        ("own_gap_days", [[20, np.nan], [np.nan, np.nan]]),
        ("own_due", [[0.5, np.nan], [np.nan, np.nan]]),
        ("own_orders_faded", [[0.5 ** (5 / 6) + 0.5**0.5 + 0.5 ** (1 / 6), 0.5 ** (1 / 6)], [0, 0.5 ** (1 / 3)]]),
        ("category_spend", [[3, 7], [2, 2]]),  # the second coupon reaches both categories
        ("own_coupon_lines", [[0.5 ** (1 / 6), 0], [0, 0]]),
        ("received", [[1, 1], [1, 1]]),
        ("redeemed", [[1, 1], [0, 0]]),
        ("since_redeemed_days", [[38, 38], [np.nan, np.nan]]),
        ("coupon_lift", [[1, 1], [1, 1]]),  # one use seen where one was to be expected
        ("customer_lift", [[3 / 2.5, 3 / 2.5], [2 / 2.5, 2 / 2.5]]),
        ("breadth", [[1, 2], [1, 2]]),
        ("focus", [[1, 0.5], [1, 0.5]]),
        ("good_for_days", [[21, 21], [21, 21]]),
        ("own_orders_faded_place", [[1, 0.5], [0.5, 1]]),
        ("list_bought", [[2, 2], [1, 1]]),
    ],
)
def test_by_hand(inputs: dict[str, np.ndarray], name: str, expected: list[list[float]]) -> None:
    np.testing.assert_allclose(inputs[name], expected, rtol=1e-6)


def test_inputs_of_lists_are_equal_within_a_list(inputs: dict[str, np.ndarray]) -> None:
    for name in ("kind", "orders_faded", "coupon_share", "since_order_days", "list_orders_faded", "redeemed"):
        np.testing.assert_array_equal(inputs[name][:, 0], inputs[name][:, 1])
    assert set(IN_LIST) < set(inputs)


def test_truth_is_what_was_used_in_this_campaign() -> None:
    shop = ann_and_bea()
    assert redeemed(shop.campaigns[1], shop.redemptions).tolist() == [[0, 0], [0, 1]]
    assert redeemed(shop.campaigns[0], shop.redemptions).tolist() == [[1], [0]]


def campaign_at(shop: CouponShop, day: int) -> Campaign:
    return next(c for c in shop.campaigns if c.start == day)


def test_the_future_changes_nothing() -> None:
    shop = favouring()
    lines, uses = shop.lines, shop.redemptions
    later, used_later = lines.day >= START, uses.day >= START
    assert later.any()
    assert used_later.any()
    other = replace(
        shop,
        lines=replace(lines, item=np.where(later, 0, lines.item), paid=np.where(later, 99.0, lines.paid)),
        redemptions=uses.take(~used_later),
        campaigns=tuple(c for c in shop.campaigns if c.start <= START),
    )
    first, second = (pair_inputs(s, campaign_at(s, START)) for s in (shop, other))
    np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.parametrize(("day", "seen"), [(START - 0.001, True), (START + 0.0, False)])
def test_the_last_moment_before_the_start_counts_and_the_start_does_not(day: float, seen: bool) -> None:
    shop = favouring()
    who = campaign_at(shop, START).customers[0]
    extra = Lines(*(np.array([v]) for v in (day, who, 10**6, 5, 3.0, True, False)))
    columns = {name: np.concatenate([getattr(shop.lines, name), getattr(extra, name)]) for name in vars(extra)}
    before, after = (pair_inputs(s, campaign_at(s, START)) for s in (shop, replace(shop, lines=Lines(**columns))))
    assert np.array_equal(before.values, after.values, equal_nan=True) is not seen


def test_rows_in_another_order_give_the_same() -> None:
    shop = favouring()
    first, second = (pair_inputs(s, campaign_at(s, START)) for s in (shop, shuffled(shop)))
    np.testing.assert_array_equal(first.values, second.values)


def test_somebody_without_purchases_gets_a_row() -> None:
    shop = ann_and_bea()
    sent = replace(shop.campaigns[1], customers=np.array([0, 1, 5]))
    pairs = pair_inputs(shop, sent)
    nobody = dict(zip(pairs.names, pairs.values[4], strict=True))
    assert np.isnan(nobody["own_since_days"])
    assert np.isnan(nobody["order_value"])
    assert nobody["received"] == 0


def test_columns_of_unequal_length_and_empty_campaigns_are_refused() -> None:
    one = np.array([1])
    with pytest.raises(DataError, match="one value a row"):
        Redemptions(np.array([1.0, 2.0]), one, one, one)
    with pytest.raises(DataError, match="Campaign 3 has 0 customers"):
        Campaign(3, 0, 1, 2, np.empty(0, np.int64), one, sparse.csr_array(np.ones((1, 1))))
