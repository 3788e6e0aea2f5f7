"""The next basket by what everyone buys, by what she buys, and by the one filled up with the other.

Named as in "A Next Basket Recommendation Reality Check" (Li et al., TOIS 2023): G-TopFreq, P-TopFreq, GP-TopFreq.
An item counts once an order. Equal counts: the item bought last by that person goes first, then the smaller number.
"""

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.purchases import Purchases

Numbers = npt.NDArray[np.int64]
Lists = pd.DataFrame
"""customer, item, place (from 0): one row an item on a list."""


def first_baskets(purchases: Purchases, customers: npt.ArrayLike, cutoff: datetime, horizon_days: int) -> pd.DataFrame:
    """The truth: (customer, item) of each customer's first order in [cutoff, cutoff + horizon); others are absent."""
    after = purchases.within(cutoff, horizon_days)
    after = after[after["customer"].isin(np.asarray(customers))]
    first = after.sort_values(["at", "order"], kind="stable").drop_duplicates("customer")[["customer", "order"]]
    return after.merge(first, on=["customer", "order"])[["customer", "item"]].drop_duplicates(ignore_index=True)


def score_yardsticks(purchases: Purchases, cutoff: datetime, k: int = 10) -> dict[str, Lists]:
    """Lists of at most k items for everyone who bought before the cutoff, per yardstick."""
    lines = purchases.before(cutoff).lines[["customer", "order", "item", "at"]].drop_duplicates(["order", "item"])
    customers = np.unique(lines["customer"].to_numpy())
    counts = lines.groupby("item").size().sort_values(ascending=False, kind="stable")
    popular = counts.index.to_numpy(np.int64)[:k]
    everyone = pd.DataFrame(
        {
            "customer": np.repeat(customers, len(popular)),
            "item": np.tile(popular, len(customers)),
            "place": np.tile(np.arange(len(popular)), len(customers)),
        }
    )
    own = lines.groupby(["customer", "item"], sort=True).agg(count=("at", "size"), last=("at", "max")).reset_index()
    own = own.sort_values(["customer", "count", "last"], ascending=[True, False, False], kind="stable")
    personal = _numbered(own[["customer", "item"]], k)
    filled = pd.concat([personal, everyone.assign(place=everyone["place"] + k)])
    filled = filled.drop_duplicates(["customer", "item"]).sort_values(["customer", "place"], kind="stable")
    return {
        "popularity": everyone,
        "personal frequency": personal,
        "personal + popular": _numbered(filled[["customer", "item"]], k),
    }


def _numbered(lists: pd.DataFrame, k: int) -> Lists:
    """The first k rows of each customer, in the order they stand, numbered from 0."""
    place = lists.groupby("customer").cumcount()
    return lists.assign(place=place)[place < k].reset_index(drop=True)
