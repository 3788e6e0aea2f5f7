"""The batch features by theme, each a small named aggregate over one relation of `batch_relations`.

To add one, write a function of `(rows, inside)` into the file of its theme, with a docstring that says what it means
and `@feature` above it: `rows` is the relation, one group a customer and cutoff, `inside` is true for rows in the
window. Counts and sums are int64 (money in minor units) and 0 for a customer without any; all else is absent for her.
"""

from features.feature_store.batch_features import (
    browsing,
    contacts,
    deliveries,
    feedback,
    purchases,
    returns,
    rhythm,
    service,
    taste,
)
from features.feature_store.declaration import BATCH_FEATURES, FLOAT, INT, TEXT, TIME, FeatureSpec

THEMES = (purchases, rhythm, taste, returns, browsing, feedback, deliveries, service, contacts)

__all__ = ["BATCH_FEATURES", "FLOAT", "INT", "TEXT", "THEMES", "TIME", "FeatureSpec"]
