"""TIFU-KNN: her own faded item frequencies, mixed with the mean of those of customers like her.

Hu, He, Gao and Zhang, "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (SIGIR 2020),
with their settings for Ta-Feng as defaults. A customer's baskets are cut into groups, in order; weights fade within a
group and from group to group; neighbours are the nearest other customers by Euclidean distance. Known baskets only go
in, so that a customer's future reaches nobody. Ties of distance go to the smaller customer, of score to the smaller
item.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

Floats = npt.NDArray[np.float64]
AT_ONCE = 512
"""Customers whose distances are computed together: 512 x 14,000 numbers are 57 MB."""


def tifu_knn(
    lines: pd.DataFrame,
    k: int = 10,
    *,
    neighbours: int = 300,
    within_group: float = 0.9,
    between_groups: float = 0.7,
    groups: int = 7,
    own: float = 0.7,
) -> pd.DataFrame:
    """Lists (customer, item, place from 0) of at most `k` items for every customer of `lines`.

    `lines` has integer columns customer, basket and item: one row an item bought; a customer's baskets ascend in time.
    `own` is the weight of her own vector, the rest is her neighbours'; `groups` at most so many groups of baskets.
    """
    customers, who = np.unique(lines["customer"].to_numpy(), return_inverse=True)
    items, what = np.unique(lines["item"].to_numpy(), return_inverse=True)
    weights = frequency_weights(lines["customer"], lines["basket"], within_group, between_groups, groups)
    told = pd.DataFrame({"who": who, "basket": lines["basket"], "what": what, "weight": weights})
    told = told.drop_duplicates(["who", "basket", "what"]).sort_values(["who", "basket", "what"])
    shape = (len(customers), len(items))
    vectors = sparse.csr_array((told["weight"], (told["who"], told["what"])), shape=shape)
    nearest = min(neighbours, len(customers) - 1)
    parts = []
    for first in range(0, len(customers), AT_ONCE):
        rows = np.arange(first, min(first + AT_ONCE, len(customers)))
        score = own * vectors[rows].toarray()
        if nearest:
            score += (1 - own) * (_mean_of_nearest(vectors, rows, nearest) @ vectors).toarray()
        parts.append(_lists(customers[rows], items, score, k))
    return pd.concat(parts, ignore_index=True)


def frequency_weights(
    customer: "pd.Series[Any]", basket: "pd.Series[Any]", within_group: float, between_groups: float, groups: int
) -> Floats:
    """What an item in each row's basket adds to the customer's vector: equations 1 to 3 of the paper.

    n baskets make m = min(n, groups) groups whose sizes differ by at most one, the smaller ones first. The j-th last
    basket of a group of s counts within_group ** j / s, the g-th last group between_groups ** g / m.
    """
    told = pd.DataFrame({"customer": customer.to_numpy(), "basket": basket.to_numpy()})
    every = told.drop_duplicates().sort_values(["customer", "basket"], kind="stable")
    by = every.groupby("customer")["basket"]
    ago = by.cumcount(ascending=False).to_numpy()
    n = by.transform("size").to_numpy()
    m = np.minimum(n, groups)
    small, larger = n // m, n % m
    wide = larger * (small + 1)  # baskets in the larger groups, which are the last ones
    in_larger = ago < wide
    group_ago = np.where(in_larger, ago // (small + 1), larger + (ago - wide) // small)
    within_ago = np.where(in_larger, ago % (small + 1), (ago - wide) % small)
    size = small + in_larger
    weight = within_group**within_ago / size * between_groups**group_ago / m
    return told.merge(every.assign(weight=weight), how="left")["weight"].to_numpy(np.float64)


def _mean_of_nearest(vectors: sparse.csr_array, rows: npt.NDArray[np.int64], nearest: int) -> sparse.csr_array:
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
