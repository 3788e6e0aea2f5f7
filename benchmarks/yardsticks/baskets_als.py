"""Matrix factorisation by alternating least squares (`implicit`) of how many of her baskets hold an item.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008); what she had is not left out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from implicit.als import AlternatingLeastSquares
from scipy import sparse


@dataclass(frozen=True)
class BasketAls:
    """A fitted model and the counts it was fitted on."""

    model: Any
    counts: sparse.csr_matrix

    @classmethod
    def fit(cls, lines: pd.DataFrame, customers: int, items: int) -> "BasketAls":
        """`lines`: customer, basket, item, numbered from 0. The library's default settings, one thread, one seed."""
        told = (np.ones(len(lines), np.float32), (lines["customer"], lines["item"]))
        counts = sparse.csr_matrix(told, shape=(customers, items))
        model = AlternatingLeastSquares(factors=64, random_state=0, num_threads=1, use_gpu=False)
        model.fit(counts, show_progress=False)
        return cls(model, counts)

    def lists(self, customers: npt.NDArray[np.int64], k: int) -> pd.DataFrame:
        """The best `k` of each customer: customer, item, place."""
        items, _ = self.model.recommend(customers, self.counts[customers], N=k, filter_already_liked_items=False)
        n, length = items.shape
        return pd.DataFrame(
            {
                "customer": np.repeat(customers, length),
                "item": items.ravel().astype(np.int64),
                "place": np.tile(np.arange(length), n),
            }
        )
