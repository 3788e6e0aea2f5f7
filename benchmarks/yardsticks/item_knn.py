"""Item-kNN of the library `implicit`: what goes with what she bought, by cosine, TF-IDF or BM25 over customers."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.utils import ParameterWarning

from benchmarks.yardsticks.orders import Floats, Numbers, Orders, Scorer

KINDS = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}


@dataclass(frozen=True)
class ItemKnn:
    """Which weights, and how many neighbours an item keeps (itself among them)."""

    kind: Literal["cosine", "tfidf", "bm25"] = "cosine"
    neighbours: int = 100


def item_knn(orders: Orders, settings: ItemKnn) -> Scorer:
    """Scores of every item for rows of customers: her orders with each item times its similarity to the others."""
    counts = orders.counts()
    model = KINDS[settings.kind](K=settings.neighbours, num_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ParameterWarning)  # of the library about its own intermediate matrix
        model.fit(counts, show_progress=False)

    def score(who: Numbers) -> Floats:
        return np.asarray((counts[who] @ model.similarity).toarray(), np.float64)

    return score
