"""What the methods that score every item are fed: who had what in which order, as sparse counts.

A `Scorer` takes rows of customers `[n]` and gives `[n, items]` scores, higher is likelier; it ranks every item of the
shop, so that it can be asked for the best of what she bought before and of what she never bought apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from benchmarks.purchases import DAY_SECONDS, Purchases

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Scorer = Callable[[Numbers], Floats]


@dataclass(frozen=True)
class Orders:
    """Lines known at the cutoff, one an item and order: `who`, `order`, `what`, `at`, sorted by (who, at, order).

    `who` and `what` are rows of `customers` and `items`, which are ascending numbers of `Purchases`. An order keeps its
    number. `at` is epoch seconds.
    """

    lines: pd.DataFrame
    customers: Numbers
    items: Numbers
    cutoff: datetime

    def counts(self, half_life_days: float | None = None) -> sparse.csr_matrix:
        """Orders of each customer with each item, `[customers, items]`; each halved every `half_life_days`."""
        age = (self.cutoff.timestamp() - self.lines["at"].to_numpy()) / DAY_SECONDS
        weight = np.ones(len(age)) if half_life_days is None else 0.5 ** (age / half_life_days)
        shape = (len(self.customers), len(self.items))
        return sparse.csr_matrix((weight, (self.lines["who"], self.lines["what"])), shape=shape)


def read_orders(purchases: Purchases, cutoff: datetime, *, least: int) -> Orders:
    """The orders before the cutoff, of items that were in at least `least` of them; all their buyers before it."""
    lines = purchases.before(cutoff).lines[["customer", "order", "item", "at"]].drop_duplicates(["order", "item"])
    customers = np.unique(lines["customer"].to_numpy(np.int64))
    met = lines["item"].value_counts()
    items = np.sort(met.index[met >= least].to_numpy(np.int64))
    lines["at"] = lines.groupby("order")["at"].transform("min")  # a till may write the lines of one order minutes apart
    lines = lines[lines["item"].isin(items)].sort_values(["customer", "at", "order"], kind="stable", ignore_index=True)
    return Orders(
        pd.DataFrame(
            {
                "who": np.searchsorted(customers, lines["customer"].to_numpy()),
                "order": lines["order"].to_numpy(np.int64),
                "what": np.searchsorted(items, lines["item"].to_numpy()),
                "at": lines["at"].to_numpy(np.float64),
            }
        ),
        customers,
        items,
        cutoff,
    )
