"""The model's inputs of every pair (receiver, coupon) of a campaign, from what was known when the campaign started."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from features.coupons.history import OwnLines, own_purchases
from features.coupons.responses import responses
from features.coupons.shop import Campaign, CouponShop, Floats, Ints
from features.coupons.tastes import coupon_lines, profiles, spend_in, tastes

HALF_LIFE_DAYS = 60.0
IN_LIST = ("own_orders_faded", "own_spend_faded", "type_lines", "category_lines", "maker_lines", "buyers")
"""Inputs that are also given as the place among the campaign's coupons, for what counts is which one suits her best."""


@dataclass(frozen=True)
class PairInputs:
    """Pairs of a campaign, receiver by receiver, coupons in the campaign's order; `values` is `[pairs, names]`."""

    customer: Ints
    coupon: Ints
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]


def pair_inputs(shop: CouponShop, campaign: Campaign) -> PairInputs:
    """All inputs; nothing of the campaign's first day or later is read, not even from this campaign."""
    known = shop.before(campaign.start)
    own = OwnLines.of(campaign, known.lines)
    found = own_purchases(campaign, own, HALF_LIFE_DAYS)
    found |= tastes(campaign, own, known.lines, known.items, half_life_days=HALF_LIFE_DAYS)
    found |= coupon_lines(campaign, own, known.items, half_life_days=HALF_LIFE_DAYS)
    found["category_spend"] = spend_in(campaign, own, known.items, "category")
    found |= responses(campaign, known)
    found |= _wide(campaign, by_coupon=_coupons(campaign, known), by_customer=_customers(own))
    found |= {f"{name}_place": _place(found[name]) for name in IN_LIST}
    found |= _wide(campaign, by_coupon={}, by_customer=_lists(found))
    pairs = len(campaign.customers) * len(campaign.coupons)
    return PairInputs(
        customer=np.repeat(campaign.customers, len(campaign.coupons)),
        coupon=np.tile(campaign.coupons, len(campaign.customers)),
        names=tuple(found),
        values=np.stack([values.reshape(pairs).astype(np.float32) for values in found.values()], axis=1),
    )


def _wide(campaign: Campaign, by_coupon: Mapping[str, Floats], by_customer: Mapping[str, Floats]) -> dict[str, Floats]:
    """Values of coupons and of customers as `[n, k]`."""
    shape = (len(campaign.customers), len(campaign.coupons))
    coupons = {name: np.broadcast_to(values, shape) for name, values in by_coupon.items()}
    return coupons | {name: np.broadcast_to(values[:, None], shape) for name, values in by_customer.items()}


def _coupons(campaign: Campaign, known: CouponShop) -> dict[str, Floats]:
    """What a coupon is, `[k]`, and its campaign: breadth, price, how many buy its items, and how many with coupons."""
    lines, n_items = known.lines, campaign.items.shape[1]
    faded = 0.5 ** ((campaign.start - lines.day) / HALF_LIFE_DAYS)
    sold = campaign.items @ np.bincount(lines.item, faded, n_items)
    paid = campaign.items @ np.bincount(lines.item, faded * lines.paid, n_items)
    used = campaign.items @ np.bincount(lines.item, faded * lines.coupon_used, n_items)
    reduced = campaign.items @ np.bincount(lines.item, faded * lines.reduced, n_items)
    certain = np.maximum(sold, 1e-9)
    breadth = np.asarray(campaign.items.sum(axis=1))
    focus = np.asarray(profiles(campaign, known.items, "category").max(axis=1).todense()).ravel()
    ones = np.ones(len(campaign.coupons))
    return {
        "buyers": sold / max(faded.sum(), 1e-9),
        "price": np.where(sold > 0, paid / certain, np.nan),
        "sold_with_coupon": np.where(sold > 0, used / certain, np.nan),
        "sold_reduced": np.where(sold > 0, reduced / certain, np.nan),
        "breadth": breadth,
        "focus": focus,
        "kind": campaign.kind * ones,
        "coupons": len(campaign.coupons) * ones,
        "good_for_days": (campaign.end - campaign.start + 1) * ones,
    }


def _customers(own: OwnLines) -> dict[str, Floats]:
    """How she buys, `[n]`: faded orders, order value, lines an order, coupons and reduced prices among her lines."""
    n = own.receivers
    row, age = own.orders()
    order_fade = 0.5 ** (age / HALF_LIFE_DAYS)
    orders = np.bincount(row, order_fade, n)
    weight = own.faded(HALF_LIFE_DAYS)
    lines, paid, used, reduced = (
        np.bincount(own.row, weight * values, n) for values in (1.0, own.paid, own.coupon_used, own.reduced)
    )
    newest = np.full(n, np.inf)
    np.minimum.at(newest, row, age)
    some = orders > 0
    certain_orders, certain_lines = np.maximum(orders, 1e-9), np.maximum(lines, 1e-9)
    return {
        "orders_faded": orders,
        "order_value": np.where(some, paid / certain_orders, np.nan),
        "order_lines": np.where(some, lines / certain_orders, np.nan),
        "coupon_share": np.where(some, used / certain_lines, np.nan),
        "reduced_share": np.where(some, reduced / certain_lines, np.nan),
        "coupons_used_faded": used,
        "since_order_days": np.where(some, newest, np.nan),
    }


def _lists(found: Mapping[str, Floats]) -> dict[str, Floats]:
    """How well a whole campaign suits her, `[n]`: coupons for what she bought, and the faded orders of all of them."""
    return {
        "list_bought": (found["own_orders"] > 0).sum(axis=1).astype(np.float64),
        "list_orders_faded": found["own_orders_faded"].sum(axis=1),
        "list_coupon_lines": found["own_coupon_lines"].sum(axis=1),
    }


def _place(values: Floats) -> Floats:
    """The place of each coupon in her list as a share: near 1 the highest, equal ones the mean of their places.

    Rounded first, so that sums of the same numbers in another order stay equal.
    """
    return np.asarray(rankdata(values.astype(np.float32), axis=1) / values.shape[1])


def history_days(shop: CouponShop, campaign: Campaign) -> float:
    """Days of purchases before the campaign."""
    return campaign.start - shop.first_day
