"""What goes into an order: wishes by taste and season, staples that run out, and what goes along with them."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Floats, Ints, chance, pick
from pipelines.shop.catalogue import Catalogue

CANDIDATES = 5
ALONG = (0.2, 0.1)  # chance that the first and second complement of a line join it


@dataclass(frozen=True)
class Lines:
    """Order lines: `order` numbers the orders they belong to; one row per order and item."""

    order: Ints
    item: Ints
    quantity: Ints


def choose_items(
    rng: np.random.Generator, catalogue: Catalogue, department: Ints, factors: Floats, month: int, strength: float
) -> Ints:
    """One item per row: a few candidates by appeal and season, then the one that suits her taste best.

    `factors` are the rows' customers' tastes [rows, FACTORS]; the choice among candidates is a multinomial logit with
    utility strength * factors . item factors / 2.
    """
    table = catalogue.choice[month]
    order = np.argsort(catalogue.department, kind="stable")
    drawn = np.searchsorted(table[order], department[:, None] + rng.random((len(department), CANDIDATES)))
    candidates = order[np.minimum(drawn, catalogue.size - 1)]
    utility = strength * np.einsum("nf,nkf->nk", factors, catalogue.factors[candidates]) / 2
    best = np.argmax(utility + rng.gumbel(size=utility.shape), axis=1)
    chosen: Ints = candidates[np.arange(len(best)), best]
    return chosen


def wish_lines(
    rng: np.random.Generator,
    catalogue: Catalogue,
    weights: Floats,
    factors: Floats,
    orders: Ints,
    month: int,
    strength: float,
) -> tuple[Ints, Ints]:
    """Lines of planned orders, as (order, item): departments by `weights` [orders, departments]; one to four lines."""
    count = 1 + rng.binomial(3, 0.2, len(orders))
    row = np.repeat(np.arange(len(orders)), count)
    department = pick(rng, weights[row])
    return orders[row], choose_items(rng, catalogue, department, factors[row], month, strength)


def add_complements(rng: np.random.Generator, catalogue: Catalogue, order: Ints, item: Ints) -> tuple[Ints, Ints]:
    """The lines with what goes along with them."""
    orders, items = [order], [item]
    for slot, probability in enumerate(ALONG):
        along = catalogue.complement[item, slot]
        joins = (along >= 0) & chance(rng, probability, len(item))
        orders.append(order[joins])
        items.append(along[joins])
    return np.concatenate(orders), np.concatenate(items)


def merge_lines(rng: np.random.Generator, catalogue: Catalogue, order: Ints, item: Ints) -> Lines:
    """One line per order and item, sorted by order; consumables may be bought by the several."""
    key = np.unique(order * catalogue.size + item)
    merged_order, merged_item = key // catalogue.size, key % catalogue.size
    several = (catalogue.cycle_days[merged_item] > 0) & chance(rng, 0.25, len(key))
    return Lines(merged_order, merged_item, np.where(several, 2 + rng.binomial(2, 0.3, len(key)), 1))
