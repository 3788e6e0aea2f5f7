"""Matrix factorisation for implicit feedback by alternating least squares, of the library `implicit`.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008); confidence is `alpha` times
her orders with the item. What she bought before is not left out: baskets repeat.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from implicit.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.yardsticks.orders import Floats, Numbers, Orders, Scorer


@dataclass(frozen=True)
class Als:
    """Settings, by the library's names."""

    factors: int = 64
    regularization: float = 0.01
    alpha: float = 1.0
    iterations: int = 15
    seed: int = 7


def fit_als(counts: sparse.csr_matrix, settings: Als) -> Any:
    """The library's model of orders with an item, `[customers, items]`; one thread."""
    with threadpool_limits(1, "blas"):  # the library warns of more, which wait for each other
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.regularization,
            alpha=settings.alpha,
            iterations=settings.iterations,
            random_state=settings.seed,
            num_threads=1,
            use_gpu=False,
        )
        model.fit(counts.astype(np.float32), show_progress=False)
    return model


def als(orders: Orders, settings: Als) -> Scorer:
    """Scores of every item for rows of customers."""
    model = fit_als(orders.counts(), settings)

    def score(who: Numbers) -> Floats:
        return np.asarray(model.user_factors[who] @ model.item_factors.T, np.float64)

    return score


@dataclass(frozen=True)
class BasketAls:
    """A fitted model and the counts it was fitted on, for lists of customers without times."""

    model: Any
    counts: sparse.csr_matrix

    @classmethod
    def fit(cls, lines: pd.DataFrame, customers: int, items: int, settings: Als) -> "BasketAls":
        """`lines`: customer, basket, item, numbered from 0."""
        told = (np.ones(len(lines), np.float32), (lines["customer"], lines["item"]))
        counts = sparse.csr_matrix(told, shape=(customers, items))
        return cls(fit_als(counts, settings), counts)

    def lists(self, customers: npt.NDArray[np.int64], k: int, *, anew: bool = False) -> pd.DataFrame:
        """The best `k` of each customer: customer, item, place; `anew`: from factors made of her baskets just now."""
        items, _ = self.model.recommend(
            customers, self.counts[customers], N=k, filter_already_liked_items=False, recalculate_user=anew
        )
        n, length = items.shape
        return pd.DataFrame(
            {
                "customer": np.repeat(customers, length),
                "item": items.ravel().astype(np.int64),
                "place": np.tile(np.arange(length), n),
            }
        )
