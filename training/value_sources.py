"""What a source of data is worth to the model of value: how much worse it ranks what customers bring without it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.inputs.rates import Rates
from training.amounts import candidates
from training.learners import Matrix, fit_logistic
from training.metrics import Array, Difference
from training.params import ChurnParams
from training.people import PENALTY, Rows
from training.source_worth import Scorer, worth_by
from training.split import customer_folds
from training.value_figures import rank_correlation

MOST_CUSTOMERS = 10_000
"""Customers of each window that are learned from and judged, evenly taken where there are more."""


def value_source_worth(
    groups: Sequence[Rows], names: Sequence[str], params: ChurnParams, chosen: str, lift: float, rates: Rates
) -> dict[str, Difference]:
    """Spearman's correlation with everything less that without one source, for each source that tells something.

    As value is made: chance times amount, and rates, in the mean. The chance is a line on everything, for the churn
    model is learned elsewhere; the amount is the candidate `chosen` of `amounts.py`; the rates know purchases alone and
    stay. `groups` newest first, their truth what each customer brought, minor units.
    """

    def learn(rows: Matrix, brought: Array) -> Scorer:
        came = brought > 0
        stays = fit_logistic(rows, came.astype(np.float64), names, names, PENALTY).model
        amount = candidates(names, params)[chosen](rows[came], np.log(brought[came])).model
        return lambda asked: (
            stays.raw(asked, names) * np.exp(amount.raw(asked, names)) * lift + rates.expected(asked, names)
        )

    some = [_some(group) for group in groups]
    halves = customer_folds(some[0].customers, 2)
    return worth_by(some, names, halves, learn, metric=rank_correlation, seed=params.seed)


def _some(group: Rows) -> Rows:
    kept = np.unique(np.linspace(0, len(group.truth) - 1, MOST_CUSTOMERS).astype(int))
    return replace(group, customers=group.customers[kept], inputs=group.inputs[kept], truth=group.truth[kept])
