"""What she buys of a coupon's sort of thing: its types, categories, departments and makers.

A coupon's profile is the share of its items in each group of a level; her taste is the share of her faded lines in each
group. A taste for a coupon is the sum of the products, beside what everybody's taste gives.
"""

import numpy as np
from scipy import sparse

from features.coupons.history import OwnLines
from features.coupons.shop import Campaign, Floats, Items, Lines

LEVELS = ("type", "category", "department", "maker")
SHRUNK = 5.0  # lines of everybody's taste that each customer is given, so that few lines say little


def profiles(campaign: Campaign, items: Items, level: str) -> sparse.csr_array:
    """`[coupons, groups]`, rows sum to 1."""
    counted = campaign.items @ items.members(level)
    return sparse.csr_array(counted.multiply(1 / np.maximum(campaign.items.sum(axis=1), 1)[:, None]))


def tastes(
    campaign: Campaign, own: OwnLines, everyone: Lines, items: Items, *, half_life_days: float
) -> dict[str, Floats]:
    """Inputs by name, `[n, k]`: for each level her faded lines, and how far her taste lies above everybody's (log)."""
    weight = own.faded(half_life_days)
    hers = own.by_item(weight, len(items))
    faded = 0.5 ** ((campaign.start - everyone.day) / half_life_days)
    all_lines = np.bincount(everyone.item, faded, len(items))
    total = np.asarray(hers.sum(axis=1))[:, None]
    found: dict[str, Floats] = {}
    for level in LEVELS:
        members, profile = items.members(level), profiles(campaign, items, level)
        amount = np.asarray((hers @ members @ profile.T).todense())
        usual = (profile @ (all_lines @ members)) / max(all_lines.sum(), 1e-9)
        found[f"{level}_lines"] = amount
        found[f"{level}_lift"] = np.log((amount + SHRUNK * usual + 1e-6) / ((total + SHRUNK) * usual + 1e-6))
    return found


def coupon_lines(campaign: Campaign, own: OwnLines, items: Items, *, half_life_days: float) -> dict[str, Floats]:
    """Faded lines she bought with a coupon, `[n, k]`: of the coupon's items, its categories and its makers."""
    used = own.by_item(own.coupon_used * own.faded(half_life_days), len(items))
    found = {"own_coupon_lines": np.asarray((used @ campaign.items.T).todense())}
    for level in ("category", "maker"):
        profile = profiles(campaign, items, level)
        found[f"{level}_coupon_lines"] = np.asarray((used @ items.members(level) @ profile.T).todense())
    return found


def spend_in(campaign: Campaign, own: OwnLines, items: Items, level: str) -> Floats:
    """Money she ever spent in the groups in which the coupon has any item, `[n, k]`."""
    members = items.members(level)
    inside = ((campaign.items @ members) > 0).astype(np.float64)
    return np.asarray((own.by_item(own.paid, len(items)) @ members @ inside.T).todense())
