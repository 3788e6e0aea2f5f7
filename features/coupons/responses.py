"""How customers answered coupons before: lifts over what their campaigns made one expect, shrunk where little is known.

A lift is (seen + m) / (expected + m): the mean of a Gamma(m, m) prior updated with a Poisson count, so 1 says "as
everybody", and it stays near 1 until about m redemptions were to be expected. What one expects of a pair is the
campaign's own rate so far, and so kinds of campaigns with high and low rates count alike.
"""

from dataclasses import dataclass

import numpy as np

from features.coupons.shop import Campaign, CouponShop, Floats, positions
from features.coupons.tastes import profiles

PRIOR = 2.0  # expected redemptions that are needed to believe half of what is seen
LEVELS = ("category", "maker")


@dataclass(frozen=True)
class Past:
    """Sums over the campaigns started before, as of a day: seen and expected redemptions, and where."""

    coupon: Floats  # [k] of the campaign asked about, seen
    coupon_expected: Floats
    customer: Floats  # [n]
    customer_expected: Floats
    received: Floats  # [n], campaigns


def responses(campaign: Campaign, known: CouponShop) -> dict[str, Floats]:
    """Inputs by name, each `[n, k]`, from what was known before the campaign's start."""
    past = _sums(campaign, known)
    n, k = len(campaign.customers), len(campaign.coupons)
    row, mine = positions(campaign.customers, known.redemptions.customer)
    own = known.redemptions.take(mine)
    row = row[mine]
    last = np.full(n, np.nan)
    np.fmax.at(last, row, own.day)
    customer = {
        "received": past.received,
        "redeemed": past.customer,
        "customer_lift": _lift(past.customer, past.customer_expected),
        "since_redeemed_days": campaign.start - last,
    }
    found = {name: np.repeat(values[:, None], k, axis=1) for name, values in customer.items()}
    found["coupon_lift"] = np.repeat(_lift(past.coupon, past.coupon_expected)[None], n, axis=0)
    for level in LEVELS:
        found[f"{level}_response_lift"] = np.repeat(_group_lift(campaign, known, level)[None], n, axis=0)
    return found


def _lift(seen: Floats, expected: Floats) -> Floats:
    return np.asarray((seen + PRIOR) / (expected + PRIOR))


def _sums(campaign: Campaign, known: CouponShop) -> Past:
    n, k = len(campaign.customers), len(campaign.coupons)
    past = Past(np.zeros(k), np.zeros(k), np.zeros(n), np.zeros(n), np.zeros(n))
    for earlier in known.campaigns:
        own = known.redemptions.take(known.redemptions.campaign == earlier.number)
        column, shared = positions(campaign.coupons, earlier.coupons)
        past.coupon_expected[column[shared]] += len(own.day) / len(earlier.coupons)
        row, both = positions(campaign.customers, earlier.customers)
        past.customer_expected[row[both]] += len(own.day) / len(earlier.customers)
        past.received[row[both]] += 1
    column, shared = positions(campaign.coupons, known.redemptions.coupon)
    np.add.at(past.coupon, column[shared], 1.0)
    row, both = positions(campaign.customers, known.redemptions.customer)
    np.add.at(past.customer, row[both], 1.0)
    return past


def _group_lift(campaign: Campaign, known: CouponShop, level: str) -> Floats:
    """Lift of the groups of a level, each coupon's mean over its profile, `[k]`."""
    groups = known.items.members(level).shape[1]
    seen, expected = np.zeros(groups), np.zeros(groups)
    for earlier in known.campaigns:
        profile = profiles(earlier, known.items, level)
        own = known.redemptions.take(known.redemptions.campaign == earlier.number)
        place, there = positions(earlier.coupons, own.coupon)
        used = np.bincount(place[there], minlength=len(earlier.coupons)).astype(np.float64)
        seen += used @ profile
        expected += np.full(len(earlier.coupons), used.mean()) @ profile
    return np.asarray(profiles(campaign, known.items, level) @ _lift(seen, expected))
