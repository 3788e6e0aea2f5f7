"""TIFU-KNN: her own faded item frequencies, mixed with the mean of those of customers like her.

Hu, He, Gao and Zhang, "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (SIGIR 2020).
A customer's baskets are cut into groups, in order; weights fade within a group and from group to group; neighbours are
the nearest other customers by Euclidean distance. Known baskets only go in, so that a customer's future reaches nobody.
Ties of distance go to the smaller customer, of score to the smaller item.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from benchmarks.yardsticks.orders import Floats, Numbers, Orders, Scorer

AT_ONCE = 512
"""Customers whose distances are computed together: 512 x 14,000 numbers are 57 MB."""


@dataclass(frozen=True)
class Tifu:
    """Settings, in the paper's letters; the defaults are its choice for Ta-Feng.

    `k` neighbours; `r_b` and `r_g` fade within a group and between groups; `groups` at most; `alpha` weighs her own.
    Where groups cannot be equal the larger ones are the last, as in the authors' code, or with `spread` are spread
    evenly among the smaller ones.
    """

    k: int = 300
    r_b: float = 0.9
    r_g: float = 0.7
    groups: int = 7
    alpha: float = 0.7
    spread: bool = False


def tifu(orders: Orders, settings: Tifu) -> Scorer:
    """Scores of every item for rows of customers."""
    vectors = customer_vectors(orders, settings)
    return lambda who: mixed(vectors, who, settings)


def customer_vectors(orders: Orders, settings: Tifu) -> sparse.csr_array:
    """The faded frequencies, `[customers, items]`."""
    lines = orders.lines  # a customer's orders ascend in time
    basket = np.cumsum(lines["order"].to_numpy() != lines["order"].shift().to_numpy())
    weight = frequency_weights(lines["who"], pd.Series(basket), settings)
    return sparse.csr_array((weight, (lines["who"], lines["what"])), shape=(len(orders.customers), len(orders.items)))


def tifu_lists(lines: pd.DataFrame, k: int, settings: Tifu) -> pd.DataFrame:
    """Lists (customer, item, place from 0) of at most `k` items for every customer of `lines`.

    `lines` has integer columns customer, basket and item: one row an item bought; a customer's baskets ascend in time.
    """
    customers, who = np.unique(lines["customer"].to_numpy(), return_inverse=True)
    items, what = np.unique(lines["item"].to_numpy(), return_inverse=True)
    weights = frequency_weights(lines["customer"], lines["basket"], settings)
    told = pd.DataFrame({"who": who, "basket": lines["basket"], "what": what, "weight": weights})
    told = told.drop_duplicates(["who", "basket", "what"]).sort_values(["who", "basket", "what"])
    vectors = sparse.csr_array((told["weight"], (told["who"], told["what"])), shape=(len(customers), len(items)))
    parts = []
    for first in range(0, len(customers), AT_ONCE):
        rows = np.arange(first, min(first + AT_ONCE, len(customers)))
        parts.append(_lists(customers[rows], items, mixed(vectors, rows, settings), k))
    return pd.concat(parts, ignore_index=True)


def frequency_weights(customer: "pd.Series[Any]", basket: "pd.Series[Any]", settings: Tifu) -> Floats:
    """What an item in each row's basket adds to the customer's vector: equations 1 to 3 of the paper.

    n baskets make m = min(n, groups) groups whose sizes differ by at most one. The j-th last basket of a group of s
    counts r_b ** j / s, the g-th last group r_g ** g / m.
    """
    told = pd.DataFrame({"customer": customer.to_numpy(), "basket": basket.to_numpy()})
    every = told.drop_duplicates().sort_values(["customer", "basket"], kind="stable")
    hers = every.groupby("customer")["basket"]
    number, n = hers.cumcount().to_numpy(), hers.transform("size").to_numpy()
    m = np.minimum(n, settings.groups)
    small = n // m
    wide = (m - n % m) * small  # baskets in the smaller groups
    last = np.where(number < wide, number // small, m - n % m + (number - wide) // (small + 1))
    group = number * m // n if settings.spread else last
    of_group = every.groupby(["customer", group])["basket"]
    within_ago, size = of_group.cumcount(ascending=False).to_numpy(), of_group.transform("size").to_numpy()
    weight = settings.r_b**within_ago / size * settings.r_g ** (m - 1 - group) / m
    return told.merge(every.assign(weight=weight), how="left")["weight"].to_numpy(np.float64)


def mixed(vectors: sparse.csr_array, rows: Numbers, settings: Tifu) -> Floats:
    """Scores `[rows, items]`: her own vector by alpha, the mean of her nearest others' by the rest."""
    nearest = min(settings.k, vectors.shape[0] - 1)
    if not nearest:
        return np.asarray(vectors[rows].toarray(), np.float64)
    others = (_mean_of_nearest(vectors, rows, nearest) @ vectors).toarray()
    return np.asarray(settings.alpha * vectors[rows].toarray() + (1 - settings.alpha) * others, np.float64)


def _mean_of_nearest(vectors: sparse.csr_array, rows: Numbers, nearest: int) -> sparse.csr_array:
    """`[rows, customers]`: 1 / nearest where a customer is among the nearest of a row's, else 0."""
    length = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    distance = length - 2 * (vectors[rows] @ vectors.T).toarray()  # squared, less the row's own length
    distance[np.arange(len(rows)), rows] = np.inf
    chosen = np.argsort(distance, axis=1, kind="stable")[:, :nearest]
    starts = np.arange(len(rows) + 1) * nearest
    share = np.full(chosen.size, 1 / nearest)
    return sparse.csr_array((share, chosen.ravel(), starts), shape=(len(rows), vectors.shape[0]))


def _lists(customers: npt.NDArray[Any], items: npt.NDArray[Any], score: Floats, k: int) -> pd.DataFrame:
    order = np.argsort(-score, axis=1, kind="stable")[:, :k]
    found = pd.DataFrame(
        {
            "customer": np.repeat(customers, order.shape[1]),
            "item": items[order.ravel()],
            "place": np.tile(np.arange(order.shape[1]), len(customers)),
        }
    )
    return found[np.take_along_axis(score, order, axis=1).ravel() > 0]
