"""A small shop that sends coupons: households buy their favourite items and mostly use coupons for these."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from features.coupons.shop import Campaign, CouponShop, Items, Lines, Redemptions

HOUSEHOLDS, ITEMS, FAVOURITES = 80, 24, 4
STARTS = (40, 70, 100, 130, 160)
RUNS_DAYS = 20


def favouring(seed: int = 1) -> CouponShop:
    """Five campaigns of twelve coupons, each good for two items; a coupon for a favourite is used one time in three."""
    generator = np.random.default_rng(seed)
    liked = np.stack([generator.choice(ITEMS, FAVOURITES, replace=False) for _ in range(HOUSEHOLDS)])
    campaigns = tuple(campaign(number, start, generator) for number, start in enumerate(STARTS))
    return CouponShop(
        lines=_lines(liked, generator),
        items=Items({level: np.arange(ITEMS) // size for level, size in LEVELS.items()}),
        campaigns=campaigns,
        redemptions=_redemptions(liked, campaigns, generator),
        first_day=0.0,
    )


LEVELS = {"type": 2, "category": 3, "department": 12, "maker": 4}


def campaign(number: int, start: int, generator: np.random.Generator) -> Campaign:
    """Sent to three households in four; coupon k of any campaign is good for items 2k and 2k + 1."""
    sent = np.sort(generator.choice(HOUSEHOLDS, 3 * HOUSEHOLDS // 4, replace=False))
    good = np.kron(np.eye(ITEMS // 2), np.ones((1, 2)))
    return Campaign(number, 0, start, start + RUNS_DAYS - 1, sent, np.arange(ITEMS // 2), sparse.csr_array(good))


def shuffled(shop: CouponShop, seed: int = 5) -> CouponShop:
    """The same with all rows in another order."""
    generator = np.random.default_rng(seed)
    return replace(
        shop,
        lines=shop.lines.take(generator.permutation(len(shop.lines.day))),
        redemptions=shop.redemptions.take(generator.permutation(len(shop.redemptions.day))),
        campaigns=tuple(reversed(shop.campaigns)),
    )


def _lines(liked: np.ndarray, generator: np.random.Generator) -> Lines:
    rows, order = [], 0
    for household, favourites in enumerate(liked):
        for day in np.arange(generator.uniform(0, 5), 200, 5):
            basket = sorted({*generator.choice(favourites, 2).tolist(), int(generator.integers(ITEMS))})
            rows += [(day, household, order, item, 1.0 + item / 10, generator.random() < 0.2) for item in basket]
            order += 1
    day, household, number, item, paid, coupon = (np.array(column) for column in zip(*rows, strict=True))
    return Lines(day, household, number, item, paid, coupon, np.zeros(len(day), np.bool_))


def _redemptions(liked: np.ndarray, campaigns: tuple[Campaign, ...], generator: np.random.Generator) -> Redemptions:
    rows = [
        (sent.start + int(generator.integers(RUNS_DAYS)), household, sent.number, coupon)
        for sent in campaigns
        for household in sent.customers
        for coupon in sent.coupons
        if generator.random() < (0.33 if np.isin(liked[household], [2 * coupon, 2 * coupon + 1]).any() else 0.01)
    ]
    day, household, number, coupon = (np.array(column) for column in zip(*rows, strict=True))
    return Redemptions(day.astype(np.float64), household, number, coupon)
