"""Who the simulated customers are: the latent things the shop never sees."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.catalogue import FACTORS, Catalogue
from pipelines.shop.parameters import OFFERS, Parameters

STAPLES = 4
LANGUAGES = ("fi", "en", "sv")
REGIONS = ("Uusimaa", "Pirkanmaa", "Varsinais-Suomi", "Pohjois-Pohjanmaa", "Keski-Suomi", "Lappi")
# What a department sells at all, before anyone's taste.
DEPARTMENT_WEIGHTS = {
    "bicycles": 0.035,
    "bicycle_gear": 0.04,
    "skis": 0.035,
    "ski_care": 0.03,
    "shoes": 0.14,
    "outdoor_clothing": 0.14,
    "children": 0.1,
    "books": 0.13,
    "coffee": 0.1,
    "groceries": 0.08,
    "household": 0.05,
    "pets": 0.05,
    "home": 0.11,
}


@dataclass(frozen=True)
class Customers:
    """Arrays over the customers of one chunk; weeks count from the first day, times are in days."""

    first: int  # number of the first customer of the chunk
    join_week: Ints  # -1: known before the first day
    rate: Floats  # planned orders a week
    taste: Floats  # [n, departments], rows sum to 1
    factors: Floats  # [n, FACTORS]
    staple: Ints  # [n, STAPLES] items, -1 none
    cycle: Floats  # [n, STAPLES] days
    price_sensitivity: Floats  # 0..1
    store_share: Floats
    own_level: Floats  # satisfaction she returns to
    touchiness: Floats  # multiplies every shock
    hazard: Floats  # weekly dropout at satisfaction 0
    segment: Ints  # index of SEGMENTS
    uplift: Floats  # [n, offers] added weekly order intensity by a letter
    language: Ints
    birth_year: Ints
    region: Ints
    loyalty: Ints  # 0 none, 1 basic, 2 gold
    email: Ints  # marketing by e-mail: 0 absent, 1 granted, 2 refused
    profiling: Ints  # 0 absent, 1 granted, 2 objected
    feedback: Ints  # 0 absent, 1 granted
    browse_rate: Floats
    devices: Flags  # [n, 3]: main, second, one that never logs in

    @property
    def size(self) -> int:
        """How many customers there are in the chunk."""
        return len(self.rate)


def draw_customers(
    rng: np.random.Generator, catalogue: Catalogue, p: Parameters, *, first: int, size: int, weeks: int
) -> Customers:
    """Draw `size` customers, numbered from `first`, for a shop of `weeks` weeks."""
    base = np.array([DEPARTMENT_WEIGHTS[d] for d in catalogue.departments])
    taste = rng.standard_gamma(p.taste_concentration * base / base.sum(), (size, len(base))) + 1e-4
    taste /= taste.sum(axis=1, keepdims=True)
    factors = rng.normal(0, 1, (size, FACTORS))
    rate = rng.gamma(p.rate_shape, p.rate_mean / p.rate_shape, size) + 0.004
    join = rng.integers(0, weeks, size)
    staple, cycle = _staples(rng, catalogue, p, taste)
    price_sensitivity = rng.beta(2.0, 2.5, size)
    segment = _segments(rng, rate, price_sensitivity, p)
    strength = np.array([o.strength for o in OFFERS])
    noise = rng.lognormal(-0.08, 0.4, (size, len(OFFERS)))
    uplift = np.where(segment[:, None] == 0, p.uplift * strength * noise * (0.5 + price_sensitivity[:, None]), 0.0)
    dog = -(1 - p.sleeping_dog_factor) * rate[:, None] * np.minimum(strength * noise + 0.3, 1.2)
    return Customers(
        first=first,
        join_week=np.where(chance(rng, p.known_from_start, size), -1, join),
        rate=rate,
        taste=taste,
        factors=factors,
        staple=staple,
        cycle=cycle,
        price_sensitivity=price_sensitivity,
        store_share=rng.beta(0.5, 0.5 * (1 / p.stores_share - 1), size),
        own_level=rng.normal(0.15, p.satisfaction_sd, size),
        touchiness=rng.lognormal(-0.12, 0.5, size),
        hazard=rng.gamma(p.dropout_shape, p.dropout / p.dropout_shape, size),
        segment=segment,
        uplift=np.where(segment[:, None] == 3, dog, uplift),
        language=rng.choice(3, size, p=[0.76, 0.16, 0.08]),
        birth_year=np.clip(rng.normal(1982, 14, size), 1940, 2007).astype(np.int64),
        region=rng.choice(len(REGIONS), size, p=[0.4, 0.16, 0.14, 0.12, 0.11, 0.07]),
        loyalty=(rng.random(size) < 0.3 + 1.5 * rate).astype(np.int64) + (rate > 0.18),
        email=rng.choice(3, size, p=[0.95 - p.email_grant, p.email_grant, 0.05]),
        profiling=rng.choice(
            3, size, p=[1 - p.profiling_grant - p.profiling_objection, p.profiling_grant, p.profiling_objection]
        ),
        feedback=chance(rng, p.feedback_grant, size).astype(np.int64),
        browse_rate=rng.gamma(0.8, p.browse / 0.8, size) * np.sqrt(rate / p.rate_mean),
        devices=np.column_stack([np.ones(size, dtype=np.bool_), chance(rng, 0.35, size), chance(rng, 0.2, size)]),
    )


def _staples(rng: np.random.Generator, catalogue: Catalogue, p: Parameters, taste: Floats) -> tuple[Ints, Floats]:
    """Up to STAPLES consumables a customer, drawn by her taste, each with her own cycle."""
    size = len(taste)
    consumables = np.flatnonzero(catalogue.cycle_days > 0)
    weight = taste[:, catalogue.department[consumables]] * catalogue.appeal[consumables]
    item = np.full((size, STAPLES), -1, dtype=np.int64)
    count = np.where(chance(rng, p.staples_share, size), 1 + rng.binomial(STAPLES - 1, 0.4, size), 0)
    cumulative = np.cumsum(weight, axis=1)
    for slot in range(STAPLES):
        drawn = (cumulative <= (rng.random(size) * cumulative[:, -1])[:, None]).sum(axis=1)
        drawn = consumables[np.minimum(drawn, len(consumables) - 1)]
        repeated = (item[:, :slot] == drawn[:, None]).any(axis=1)
        item[:, slot] = np.where((slot < count) & ~repeated, drawn, -1)
    household = rng.lognormal(0.35, 0.35, size)[:, None]
    cycle = catalogue.cycle_days[np.maximum(item, 0)] * household * rng.lognormal(0, 0.2, item.shape)
    return item, np.clip(cycle, 10, 150)


def _segments(rng: np.random.Generator, rate: Floats, price_sensitivity: Floats, p: Parameters) -> Ints:
    """Persuadable, sure thing, lost cause or sleeping dog; likelier by traits whose traces the shop can see."""
    z = np.log(rate / p.rate_mean)
    utility = np.column_stack(
        [
            0.2 + 2.6 * (price_sensitivity - 0.45) - 0.35 * z**2,
            -0.1 + 1.2 * z - 1.0 * (price_sensitivity - 0.45),
            -0.2 - 0.8 * z,
            -1.0 - 1.5 * (price_sensitivity - 0.45) + 0.0 * z,
        ]
    )
    segment: Ints = np.argmax(utility + rng.gumbel(size=utility.shape), axis=1)
    return segment
