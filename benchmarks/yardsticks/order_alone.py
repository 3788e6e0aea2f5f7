"""Baskets in order, without times: what everybody buys, what she buys, both, and her baskets fading by their number.

G-TopFreq, P-TopFreq and GP-TopFreq of "A Next Basket Recommendation Reality Check" (Li et al., TOIS 2023); the fourth
is the third with each basket of hers counting `fade` times the one after it. (`baskets.py` has the same by date, where
equal counts go by recency; here they go by the item's popularity.)
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

Lists = pd.DataFrame
"""customer, item, place (from 0): one row an item on a list."""


def top_lists(lines: pd.DataFrame, k: int = 10, *, fade: float = 0.7) -> dict[str, Lists]:
    """Lists of at most `k` items for every customer of `lines` (customer, basket, item; baskets ascend in time)."""
    told = lines.drop_duplicates(["customer", "basket", "item"])
    count = told.groupby("item").size()
    popular = count.sort_values(ascending=False, kind="stable").index.to_numpy()
    customers = np.unique(told["customer"].to_numpy())
    everyone = _table(np.repeat(customers, k), np.tile(popular[:k], len(customers)), k)
    ago = told.groupby("customer")["basket"].rank(method="dense", ascending=False) - 1
    own = told.assign(count=1.0, faded=np.power(fade, ago), popular=told["item"].map(count))
    own = own.groupby(["customer", "item"]).agg(
        count=("count", "sum"), faded=("faded", "sum"), popular=("popular", "max")
    )
    own = own.reset_index()
    personal, faded = _own(own, "count", k), _own(own, "faded", k)
    return {
        "popularity": everyone,
        "personal frequency": personal,
        "personal + popular": _filled(personal, everyone, k),
        "faded personal + popular": _filled(faded, everyone, k),
    }


def _own(own: pd.DataFrame, by: str, k: int) -> Lists:
    ranked = own.sort_values(["customer", by, "popular", "item"], ascending=[True, False, False, True])
    return _table(ranked["customer"].to_numpy(), ranked["item"].to_numpy(), k)


def _filled(first: Lists, then: Lists, k: int) -> Lists:
    both = pd.concat([first, then.assign(place=then["place"] + k)]).drop_duplicates(["customer", "item"])
    both = both.sort_values(["customer", "place"])
    return _table(both["customer"].to_numpy(), both["item"].to_numpy(), k)


def _table(customer: npt.NDArray[np.int64], item: npt.NDArray[np.int64], k: int) -> Lists:
    found = pd.DataFrame({"customer": customer, "item": item})
    place = found.groupby("customer").cumcount()
    return found.assign(place=place)[place < k].reset_index(drop=True)
