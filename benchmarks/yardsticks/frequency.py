"""The next basket by counts: what everyone buys, and what she buys filled up with that; every item gets a score.

The same rules as the lists of `baskets.py` (equal counts: what she bought last goes first), for comparisons that need
the ranking of all items.
"""

import numpy as np
from scipy.stats import rankdata

from benchmarks.yardsticks.orders import Floats, Numbers, Orders, Scorer


def popularity(orders: Orders) -> Scorer:
    """Orders with the item, of everyone."""
    met = np.bincount(orders.lines["what"], minlength=len(orders.items)).astype(np.float64)
    return lambda who: np.tile(met, (len(who), 1))


def personal_popular(orders: Orders, half_life_days: float | None = None) -> Scorer:
    """Her orders with the item, each halved every `half_life_days`; items she never had follow by popularity."""
    counts = orders.counts(half_life_days)
    last = orders.lines.groupby(["who", "what"])["at"].max()
    latest = counts.copy()
    latest.data = rankdata(last.to_numpy(), "dense") / (len(last) + 1)  # both are in order of (who, what)
    met = popularity(orders)

    def score(who: Numbers) -> Floats:
        found = np.asarray(counts[who].todense(), np.float64)
        own = found > 0
        # grains: among equal counts the latest, below all counts the popular ones
        common = met(who)
        return np.asarray(np.where(own, found + 1e-6 * latest[who].toarray(), -1 + common / (common.max() + 1)))

    return score
