"""What a ranker of next baskets knows beside the ideas: of her, of the item, of the two."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from features.recommenders.base import look_up
from features.recommenders.histories import basket_counts, fading
from features.recommenders.rhythm import Purchases
from features.recommenders.sequences import Floats, Ints, Sequences

COLUMNS = {
    "own_count": "her baskets with the item",
    "own_ago": "baskets since the last of them: 1 = it was in her last",
    "own_gap": "mean baskets from one to the next",
    "own_due": "own_ago / own_gap",
    "baskets": "her baskets",
    "basket_size": "her mean items a basket",
    "last_size": "items in her last basket",
    "own_items": "different items she has had",
    "repeat_share": "share of her items that she had had before",
    "her_popularity": "mean log popularity of what she has had",
    "item_count": "log of the item's baskets",
    "item_recent": "log of the owners whose last basket holds it",
    "item_trend": "that difference",
    "item_again": "share of its owners who took it again",
    "item_crowd": "mean log size of the baskets it was in",
}


@dataclass(frozen=True)
class BasketFacts:
    """Per item `[items, 5]`: the columns that begin with `item_`."""

    names: ClassVar[tuple[str, ...]] = tuple(COLUMNS)
    of_items: Floats

    @classmethod
    def fit(cls, known: Sequences) -> "BasketFacts":
        """Count; an item nobody took has zeros and no repeat share."""
        size = known.size
        count = np.log1p(np.bincount(known.item, minlength=size))
        recent = np.log1p(np.bincount(known.item[known.baskets_ago == 0], minlength=size))
        runs = Purchases.of(known)
        first = runs.times == 1
        owners = np.bincount(runs.item[first], minlength=size)
        again = np.bincount(runs.item[first], runs.again[first], size) / np.maximum(owners, 1)
        crowd = np.log(np.maximum(np.diff(known.basket_start), 1))[known.basket_of]
        mean_crowd = np.bincount(known.item, crowd, size) / np.maximum(np.bincount(known.item, minlength=size), 1)
        return cls(np.column_stack([count, recent, recent - count, np.where(owners > 0, again, np.nan), mean_crowd]))

    def values(self, of: Sequences, owner: Ints, item: Ints) -> Floats:
        """See `Facts`; what she never had is absent in the columns that begin with `own_`, but its count is 0."""
        return np.column_stack([_of_both(of, owner, item), self._of_owners(of)[owner], self.of_items[item]])

    def _of_owners(self, of: Sequences) -> Floats:
        n = basket_counts(of).astype(np.float64)
        rows = np.bincount(of.owner, minlength=len(of)).astype(np.float64)
        kinds = np.diff(fading(of, 1.0).indptr)
        last = np.bincount(of.owner[of.baskets_ago == 0], minlength=len(of))
        popular = np.bincount(of.owner, self.of_items[of.item, 0], len(of))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.column_stack([n, rows / n, last, kinds, 1 - kinds / rows, popular / rows])


def _of_both(of: Sequences, owner: Ints, item: Ints) -> Floats:
    runs = Purchases.of(of)
    last = ~runs.again
    shape = (len(of), of.size)
    where = (runs.owner[last], runs.item[last])
    count = look_up(sparse.csr_array((runs.times[last].astype(np.float64), where), shape=shape), owner, item)
    ago = look_up(sparse.csr_array((runs.run[last] + 1.0, where), shape=shape), owner, item)
    spans = sparse.csr_array((np.where(runs.again, runs.run, 0.0), (runs.owner, runs.item)), shape=shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(count > 1, look_up(spans, owner, item) / (count - 1), np.nan)
        return np.column_stack([count, np.where(count > 0, ago, np.nan), gap, ago / gap])
