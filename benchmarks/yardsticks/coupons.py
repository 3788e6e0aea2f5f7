"""Which coupon she uses, by popularity, by her spend in its categories, and by a logistic regression on both.

Each is `[receivers, coupons]` of one campaign from what was known before its start, the same as ours may know.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from features.coupons.shop import Campaign, CouponShop, Floats, positions
from training.coupons import CampaignRows

RECEIVERS = 100.0  # the weight of a coupon's prior rate, in receivers
RECENT_DAYS = 60.0


def product_popularity(shop: CouponShop, campaign: Campaign) -> Floats:
    """Purchase lines of the coupon's items in the 60 days before the start, `[k]`."""
    lines = shop.lines.before(campaign.start)
    recent = lines.item[lines.day >= campaign.start - RECENT_DAYS]
    return np.asarray(campaign.items @ np.bincount(recent, minlength=campaign.items.shape[1]))


def coupon_popularity(shop: CouponShop, campaign: Campaign) -> Floats:
    """Uses a receiver of this coupon in campaigns begun before, `[k]`; where it is new or rare, by its items' sales.

    The prior of a coupon is the mean rate of all, times its product popularity as a share of the campaign's mean.
    """
    known = shop.before(campaign.start)
    sales = product_popularity(shop, campaign)
    sent, used = np.zeros(len(campaign.coupons)), np.zeros(len(campaign.coupons))
    all_sent = 0.0
    for earlier in known.campaigns:
        place, there = positions(campaign.coupons, earlier.coupons)
        sent[place[there]] += len(earlier.customers)
        all_sent += len(earlier.customers) * len(earlier.coupons)
    place, there = positions(campaign.coupons, known.redemptions.coupon)
    np.add.at(used, place[there], 1.0)
    mean_rate = len(known.redemptions.day) / max(all_sent, 1.0)
    prior = mean_rate * sales / max(sales.mean(), 1e-9)
    return np.asarray((used + RECEIVERS * prior) / (sent + RECEIVERS))


def category_spend(shop: CouponShop, campaign: Campaign) -> Floats:
    """All money she spent before in the product categories in which the coupon has an item, `[n, k]`."""
    lines = shop.lines.before(campaign.start)
    category = shop.items.groups["category"]
    row, hers = positions(campaign.customers, lines.customer)
    groups = int(category.max()) + 1
    spent = np.zeros((len(campaign.customers), groups))
    np.add.at(spent, (row[hers], category[lines.item[hers]]), lines.paid[hers])
    of_coupon = sparse.coo_array(campaign.items)
    inside = np.zeros((len(campaign.coupons), groups))
    inside[of_coupon.coords[0], category[of_coupon.coords[1]]] = 1.0
    return np.asarray(spent @ inside.T)


def score_yardsticks(
    shop: CouponShop, learn: Sequence[CampaignRows], test: Sequence[Campaign]
) -> dict[str, list[Floats]]:
    """Scores of every pair of the test campaigns, one `[n * k]` a campaign, per yardstick."""
    scores: dict[str, list[Floats]] = {
        "product popularity": [_everyone(c, product_popularity(shop, c)) for c in test],
        "coupon popularity": [_everyone(c, coupon_popularity(shop, c)) for c in test],
        "personal spend in category": [category_spend(shop, c).ravel() for c in test],
    }
    truth = np.concatenate([r.truth for r in learn])
    line = LogisticRegression(max_iter=1000).fit(np.concatenate([_both(shop, r.campaign) for r in learn]), truth)
    scores["logistic on both"] = [np.asarray(line.predict_proba(_both(shop, c))[:, 1]) for c in test]
    return scores


def _everyone(campaign: Campaign, values: Floats) -> Floats:
    return np.tile(values, len(campaign.customers))


def _both(shop: CouponShop, campaign: Campaign) -> Floats:
    """Logarithms of product popularity, coupon popularity and personal spend, `[n * k, 3]`."""
    columns = [
        _everyone(campaign, np.log1p(product_popularity(shop, campaign))),
        _everyone(campaign, np.log(coupon_popularity(shop, campaign) + 1e-5)),
        np.log1p(category_spend(shop, campaign).ravel()),
    ]
    return np.stack(columns, axis=1)
