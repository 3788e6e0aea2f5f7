"""TIFU-KNN: decayed frequencies of one's own baskets, mixed with those of the customers most like one.

Hu et al., "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (SIGIR 2020), from its
definitions. A customer's baskets are cut into `groups` consecutive groups as even as can be (a basket each where there
are fewer baskets). Within a group of n baskets, basket j counts r_b^(n-j) / n; of m groups, group j counts
r_g^(m-j) / m. A score is alpha times one's own vector plus (1 - alpha) times the mean vector of the `k` nearest other
customers by Euclidean distance.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from benchmarks.yardsticks.orders import Floats, Numbers, Orders, Scorer


@dataclass(frozen=True)
class Tifu:
    """Settings, in the paper's letters; the defaults are its choice for Ta-Feng."""

    k: int = 300
    r_b: float = 0.9
    r_g: float = 0.7
    groups: int = 7
    alpha: float = 0.7


def tifu(orders: Orders, settings: Tifu) -> Scorer:
    """Scores of every item for rows of customers."""
    vectors = customer_vectors(orders, settings)
    squares = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()

    def score(who: Numbers) -> Floats:
        mine = vectors[who]
        far = squares[who][:, None] + squares - 2 * (mine @ vectors.T).toarray()
        far[np.arange(len(who)), who] = np.inf  # nobody is her own neighbour
        k = min(settings.k, len(squares) - 1)
        if k < 1:
            return np.asarray(mine.toarray(), np.float64)
        near = np.argsort(far, axis=1, kind="stable")[:, :k]
        mean = sparse.csr_matrix(
            (np.full(near.size, 1 / k), (np.repeat(np.arange(len(who)), k), near.ravel())), (len(who), len(squares))
        )
        mixed = settings.alpha * mine + (1 - settings.alpha) * (mean @ vectors)
        return np.asarray(mixed.toarray(), np.float64)

    return score


def customer_vectors(orders: Orders, settings: Tifu) -> sparse.csr_matrix:
    """The decayed frequencies, `[customers, items]`."""
    lines = orders.lines
    baskets = lines[["who", "at", "order"]].drop_duplicates()
    number = baskets.groupby("who").cumcount().to_numpy()  # from 0, in time
    have = baskets.groupby("who")["order"].transform("size").to_numpy()
    groups = np.minimum(settings.groups, have)
    group = number * groups // have
    first = -(-group * have // groups)  # the first basket of the group, and of the next one
    beyond = -(-(group + 1) * have // groups)
    within = settings.r_b ** (beyond - 1 - number) / (beyond - first)
    across = settings.r_g ** (groups - 1 - group) / groups
    weight = baskets.assign(weight=within * across)[["order", "weight"]]
    told = lines.merge(weight, on="order", how="left", validate="many_to_one")
    return sparse.csr_matrix(
        (told["weight"], (told["who"], told["what"])), shape=(len(orders.customers), len(orders.items))
    )
