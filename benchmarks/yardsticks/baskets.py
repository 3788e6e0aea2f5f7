"""The next basket by what everyone buys, by what she buys, and by the one filled up with the other.

The first three are G-TopFreq, P-TopFreq and GP-TopFreq of "A Next Basket Recommendation Reality Check" (Li et al., TOIS
2023); the fourth is the third with her orders losing half their weight every `half_life_days`. An item counts once an
order. Equal counts: the item she bought last goes first, then the smaller number.
"""

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.purchases import DAY_SECONDS, Purchases

Numbers = npt.NDArray[np.int64]
Lists = pd.DataFrame
"""customer, item, place (from 0): one row an item on a list."""


def first_baskets(purchases: Purchases, customers: npt.ArrayLike, cutoff: datetime, horizon_days: int) -> pd.DataFrame:
    """The truth: (customer, item) of each customer's first order in [cutoff, cutoff + horizon); others are absent."""
    after = purchases.within(cutoff, horizon_days)
    after = after[after["customer"].isin(np.asarray(customers))]
    first = after.sort_values(["at", "order"], kind="stable").drop_duplicates("customer")[["customer", "order"]]
    return after.merge(first, on=["customer", "order"])[["customer", "item"]].drop_duplicates(ignore_index=True)


def score_yardsticks(purchases: Purchases, cutoff: datetime, k: int = 10, *, half_life_days: float) -> dict[str, Lists]:
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
    age_days = (cutoff.timestamp() - lines["at"]) / DAY_SECONDS
    personal = _personal(lines.assign(weight=1.0), k)
    faded = _personal(lines.assign(weight=0.5 ** (age_days / half_life_days)), k)
    return {
        "popularity": everyone,
        "personal frequency": personal,
        "personal + popular": _filled(personal, everyone, k),
        "faded personal + popular": _filled(faded, everyone, k),
    }


def _personal(lines: pd.DataFrame, k: int) -> Lists:
    """Her items by the summed weight of the orders they were in."""
    own = lines.groupby(["customer", "item"], sort=True).agg(weight=("weight", "sum"), last=("at", "max")).reset_index()
    own = own.sort_values(["customer", "weight", "last"], ascending=[True, False, False], kind="stable")
    return _numbered(own[["customer", "item"]], k)


def _filled(personal: Lists, everyone: Lists, k: int) -> Lists:
    """Her list, filled up to k with the items of `everyone` that are not on it."""
    both = pd.concat([personal, everyone.assign(place=everyone["place"] + k)])
    both = both.drop_duplicates(["customer", "item"]).sort_values(["customer", "place"], kind="stable")
    return _numbered(both[["customer", "item"]], k)


def _numbered(lists: pd.DataFrame, k: int) -> Lists:
    """The first k rows of each customer, in the order they stand, numbered from 0."""
    place = lists.groupby("customer").cumcount()
    return lists.assign(place=place)[place < k].reset_index(drop=True)
