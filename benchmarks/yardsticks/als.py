"""Matrix factorisation for implicit feedback by alternating least squares, of the library `implicit`.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008); confidence is `alpha` times
her orders with the item. What she bought before is not left out: baskets repeat.
"""

from dataclasses import dataclass

import numpy as np
from implicit.als import AlternatingLeastSquares

from benchmarks.yardsticks.orders import Floats, Numbers, Orders, Scorer


@dataclass(frozen=True)
class Als:
    """Settings, by the library's names."""

    factors: int = 64
    regularization: float = 0.01
    alpha: float = 1.0
    iterations: int = 15
    seed: int = 7


def als(orders: Orders, settings: Als) -> Scorer:
    """Scores of every item for rows of customers."""
    model = AlternatingLeastSquares(
        factors=settings.factors,
        regularization=settings.regularization,
        alpha=settings.alpha,
        iterations=settings.iterations,
        random_state=settings.seed,
        num_threads=1,
        use_gpu=False,
    )
    model.fit(orders.counts().astype(np.float32), show_progress=False)

    def score(who: Numbers) -> Floats:
        return np.asarray(model.user_factors[who] @ model.item_factors.T, np.float64)

    return score
