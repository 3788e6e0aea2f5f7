"""The assortment as arrays to simulate with, and as the catalogue table the shop would export."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from features.catalogue import ITEM_SCHEMA
from pipelines.shop.arrays import Flags, Floats, Ints
from pipelines.shop.assortment import RANGES, Range

FACTORS = 4
OUT_OF_SEASON = 0.06


@dataclass(frozen=True)
class Catalogue:
    """Items in a fixed order; arrays are indexed by item number.

    `department` numbers `departments` (the first part of the category), `group` numbers RANGES. `appeal` is the true
    popularity within the department, `factors` [items, FACTORS] what tastes differ by, `defects` the chance that a
    sold unit is faulty. `choice[month]` is searched with department + u in [0, 1) to draw an item by appeal and season.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    departments: tuple[str, ...]
    department: Ints
    group: Ints
    price: Ints
    margin: Ints
    cycle_days: Floats
    sized: Flags
    in_stock: Flags
    appeal: Floats
    factors: Floats
    defects: Floats
    choice: Floats
    complement: Ints

    @property
    def size(self) -> int:
        """How many items there are."""
        return len(self.ids)

    def members(self, *categories: str) -> Ints:
        """Item numbers of the given categories, or of a whole department."""
        groups = [i for i, r in enumerate(RANGES) if r.category in categories or r.category.split("/")[0] in categories]
        return np.flatnonzero(np.isin(self.group, groups))


def _steps(count: int) -> list[float]:
    return [1.0 + 0.22 * i for i in range(count)]


def _relatives(catalogue: Catalogue, categories: tuple[str, ...]) -> list[str] | None:
    return [catalogue.ids[i] for i in catalogue.members(*categories)] if categories else None


def make_catalogue(rng: np.random.Generator) -> Catalogue:
    """The fixed assortment with drawn appeal, tastes, defects and stock."""
    departments = tuple(dict.fromkeys(r.category.split("/")[0] for r in RANGES))
    titles: list[str] = []
    group: list[int] = []
    price: list[int] = []
    margin: list[int] = []
    for number, products in enumerate(RANGES):
        names, variants = products.products.split("|"), products.variants.split("|")
        small = 0.0 if products.sized else 1.0  # a larger size costs the same
        for i, name in enumerate(names):
            for j, variant in enumerate(variants):
                cents = round(products.price * _steps(len(names))[i] * (1 + 0.35 * j * small) * 20) * 5 - 5
                titles.append(f"{name}, {variant}")
                group.append(number)
                price.append(cents)
                margin.append(round(cents * products.margin))
    groups = np.array(group, dtype=np.int64)
    of_group = np.array([departments.index(r.category.split("/")[0]) for r in RANGES], dtype=np.int64)
    size = len(titles)
    appeal = rng.gamma(1.5, 0.7, size) * np.array([r.weight for r in RANGES])[groups] + 0.05
    group_taste = rng.normal(0, 0.9, (len(RANGES), FACTORS))
    defects = np.minimum(rng.gamma(1.2, 0.016, size), 0.2)
    return Catalogue(
        ids=tuple(f"item-{i + 1:04d}" for i in range(size)),
        titles=tuple(titles),
        departments=departments,
        department=of_group[groups],
        group=groups,
        price=np.array(price, dtype=np.int64),
        margin=np.array(margin, dtype=np.int64),
        cycle_days=np.array([r.cycle_days for r in RANGES], dtype=np.float64)[groups],
        sized=np.array([r.sized for r in RANGES])[groups],
        in_stock=rng.random(size) >= 0.03,
        appeal=appeal,
        factors=group_taste[groups] + rng.normal(0, 0.7, (size, FACTORS)),
        defects=defects,
        choice=_choice(of_group[groups], groups, appeal, len(departments)),
        complement=_complements(rng, groups, appeal),
    )


def _choice(department: Ints, group: Ints, appeal: Floats, departments: int) -> Floats:
    tables = np.zeros((13, len(group)))
    for month in range(1, 13):
        in_season = np.array([not r.months or month in r.months for r in RANGES])[group]
        weight = appeal * np.where(in_season, 1.0, OUT_OF_SEASON)
        for number in range(departments):
            members = department == number
            tables[month, members] = number + np.cumsum(weight[members]) / weight[members].sum()
    return tables


def _complements(rng: np.random.Generator, group: Ints, appeal: Floats) -> Ints:
    """For each item the one that most often goes into the same basket, or -1; [items, 2]."""
    result = np.full((len(group), 2), -1, dtype=np.int64)
    by_category = {r.category: i for i, r in enumerate(RANGES)}
    for item, number in enumerate(group):
        wanted = RANGES[number].goes_with
        for slot in range(2 if wanted else 0):
            members = np.flatnonzero(group == by_category[wanted[slot % len(wanted)]])
            members = members[members != item]
            result[item, slot] = rng.choice(members, p=appeal[members] / appeal[members].sum())
    return result


def items_table(catalogue: Catalogue, start: date) -> pa.Table:
    """The catalogue as `features.catalogue.ITEM_SCHEMA`; money in cents, valid from the shop's first day."""
    ranges: list[Range] = [RANGES[g] for g in catalogue.group]
    since = datetime(start.year, start.month, start.day, tzinfo=UTC)
    columns = {
        "item_id": list(catalogue.ids),
        "title": list(catalogue.titles),
        "category": [r.category for r in ranges],
        "price": catalogue.price,
        "margin": catalogue.margin,
        "in_stock": catalogue.in_stock,
        "season_months": [sorted(r.months) or None for r in ranges],
        "consumable": [r.cycle_days > 0 for r in ranges],
        "accessory_of": [_relatives(catalogue, r.accessory_of) for r in ranges],
        "service_for": [_relatives(catalogue, r.service_for) for r in ranges],
        "knowledge_url": [f"https://shop.example/know/{r.category}" for r in ranges],
        "valid_from": [since] * catalogue.size,
    }
    return pa.table(
        [
            pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(catalogue.size, f.type)
            for f in ITEM_SCHEMA
        ],
        schema=ITEM_SCHEMA,
    )
