"""Ranked lists of a scorer, of all items and of her own and her new items apart, and what they are like beyond hits."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from benchmarks.yardsticks.orders import Orders, Scorer

PARTS = {"all": "all items", "repeat": "only items she bought before", "new": "only items she never bought"}
AT_ONCE = 200  # customers


def top_lists(score: Scorer, orders: Orders, customers: npt.NDArray[np.int64], k: int) -> dict[str, pd.DataFrame]:
    """For each of `PARTS` the best `k` of its items: customer, item (numbers of `Purchases`), place from 0.

    `customers` are rows of `orders`. An item scored minus infinity is never listed. Ties go to the popular item, then
    to the smaller number.
    """
    counts = orders.counts()
    met = np.asarray(counts.sum(axis=0)).ravel()
    common = np.lexsort((np.arange(len(met)), -met))  # columns in this order, a stable sort keeps it among equals
    found: dict[str, list[pd.DataFrame]] = {part: [] for part in PARTS}
    for start in range(0, len(customers), AT_ONCE):
        who = customers[start : start + AT_ONCE]
        scores, own = score(who)[:, common], counts[who].toarray()[:, common] > 0
        for part, allowed in (("all", True), ("repeat", own), ("new", ~own)):
            rows, columns, place = _best(np.where(allowed, scores, -np.inf), k)
            found[part].append(
                pd.DataFrame(
                    {"customer": orders.customers[who[rows]], "item": orders.items[common[columns]], "place": place}
                )
            )
    return {part: pd.concat(frames, ignore_index=True) for part, frames in found.items()}


def truth_parts(truth: pd.DataFrame, orders: Orders) -> dict[str, pd.DataFrame]:
    """What was bought (customer, item), of the items that are ranked: all, and by whether she had it before."""
    truth = truth[truth["item"].isin(orders.items) & truth["customer"].isin(orders.customers)]
    who = np.searchsorted(orders.customers, truth["customer"].to_numpy())
    what = np.searchsorted(orders.items, truth["item"].to_numpy())
    own = np.asarray(orders.counts()[who, what]).ravel() > 0
    return {"all": truth, "repeat": truth[own], "new": truth[~own]}


def beyond_hits(
    lists: pd.DataFrame, truth: pd.DataFrame, orders: Orders, category: npt.NDArray[np.int64]
) -> dict[str, float]:
    """What the lists are like as a whole; `category` is one number an item of `orders`.

    `coverage`: distinct items listed / items. `distinct`: distinct items listed / places. `entropy`: mean over lists of
    the Shannon entropy of their categories, in bits. `buyers_listed`, `buyers_bought`: share of all customers who ever
    bought an item, mean over what is listed, and over what was then bought. `new`: share of places with items that she
    never bought.
    """
    what = np.searchsorted(orders.items, lists["item"].to_numpy())
    counts = orders.counts()
    buyers = np.asarray((counts > 0).sum(axis=0)).ravel() / len(orders.customers)
    who = np.searchsorted(orders.customers, lists["customer"].to_numpy())
    bought = np.searchsorted(orders.items, truth["item"].to_numpy())
    return {
        "coverage": len(np.unique(what)) / len(orders.items),
        "distinct": len(np.unique(what)) / len(what),
        "entropy": _entropy(who, category[what]),
        "buyers_listed": float(buyers[what].mean()),
        "buyers_bought": float(buyers[bought].mean()),
        "new": float((np.asarray(counts[who, what]).ravel() == 0).mean()),
    }


def _best(scores: npt.NDArray[np.float64], k: int) -> tuple[npt.NDArray[Any], ...]:
    """Row, column and place of the `k` highest finite scores of each row; ties go to the smaller column."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    finite = np.isfinite(np.take_along_axis(scores, order, axis=1))
    rows, place = np.nonzero(finite)
    return rows, order[rows, place], place


def _entropy(who: npt.NDArray[np.int64], category: npt.NDArray[np.int64]) -> float:
    """Mean entropy in bits of the categories of each customer's list."""
    table = sparse.csr_matrix((np.ones(len(who)), (who, category)))
    size = np.asarray(table.sum(axis=1)).ravel()
    share = table.data / size[np.repeat(np.arange(len(size)), np.diff(table.indptr))]
    return float(-(share * np.log2(share)).sum() / (size > 0).sum())
