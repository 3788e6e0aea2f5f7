"""Learning what a customer will bring in the horizon (`features/inputs/value.py` says of what parts it is made).

Two parts: the churn model, and the amount of those who come (`amounts.py`). What is expected is the mean of what they
and what BG/NBD with Gamma-Gamma, which need no known truth, expect: their errors differ. It is spend in minor units;
margin, where the caller sums margins instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from features.inputs.rates import Rates, mean_order, purchase_histories
from features.inputs.scoring import Model
from features.inputs.value import LEVELS, ValueModel
from training.amounts import Amounts, train_amounts
from training.bgnbd import fit_bgnbd
from training.churn import train_churn
from training.gamma_gamma import fit_gamma_gamma
from training.learners import Matrix
from training.metrics import Array
from training.params import ChurnParams
from training.people import Result, Rows

MOST = 20_000
"""Customers that rates are fitted to, evenly taken where there are more: they have seven parameters."""


@dataclass(frozen=True)
class ValueResult:
    """The model, and what both of its parts were chosen among."""

    model: ValueModel
    churn: Result
    amounts: Amounts

    @property
    def chosen(self) -> str:
        """The two parts' names."""
        return f"{self.churn.chosen} x {self.amounts.chosen}"


def train_value(
    groups: Sequence[Rows], names: Sequence[str], horizon_days: int, params: ChurnParams, today: Matrix | None = None
) -> ValueResult:
    """As `churn.train_churn`; the truth of `groups` is what each customer brought in the horizon, 0 for nothing.

    Raises `DataError` as churn does, and as `value_model`.
    """
    away = [replace(group, truth=_away(group.truth)) for group in groups]
    churn = train_churn(away, names, horizon_days, params, today)
    leaves = Model(churn.fitted.spec, churn.calibration, churn.fitted.boosters)
    model, amounts = value_model(groups, names, horizon_days, params, leaves, today)
    return ValueResult(model, churn, amounts)


def value_model(
    groups: Sequence[Rows],
    names: Sequence[str],
    horizon_days: int,
    params: ChurnParams,
    leaves: Model,
    today: Matrix | None = None,
    earned: float | None = None,
) -> tuple[ValueModel, Amounts]:
    """The same beside a churn model learned from these rows. `earned`: the margin in a unit of spend, where the truth
    sums margins.

    Raises `DataError` where the newest window has fewer than twenty buyers, or rates cannot be fitted.
    """
    amounts = train_amounts(groups, names, horizon_days, params)
    rates = fit_rates(groups[0].inputs if today is None else today, names, horizon_days)
    residual = np.sort(amounts.residual)
    if len(residual) > LEVELS:
        residual = np.quantile(residual, np.linspace(0, 1, LEVELS))
    sums = "spend" if earned is None else "margin"
    rates = rates if earned is None else replace(rates, earned=earned)
    return ValueModel(leaves, amounts.fitted.model, residual, amounts.lift, rates, sums), amounts


def fit_rates(inputs: Matrix, names: Sequence[str], horizon_days: int) -> Rates:
    """BG/NBD and Gamma-Gamma of these customers; orders that cost nothing tell nothing of what orders are worth.

    Raises `DataError` where a fit does not end.
    """
    some = inputs[np.unique(np.linspace(0, len(inputs) - 1, MOST).astype(int))]
    x, t_x, observed = purchase_histories(some, names)
    mean = mean_order(some, names)
    paid = mean > 1
    try:
        return Rates(fit_bgnbd(x, t_x, observed), fit_gamma_gamma(x[paid] + 1, mean[paid]), horizon_days)
    except (ValueError, IndexError) as error:
        raise DataError(
            f"How often customers order, and for how much, cannot be told from {len(some)} of them ({error}). "
            "Ingest more purchases, or train as of a later date."
        ) from error


def _away(spend: Array) -> npt.NDArray[np.float64]:
    return (spend <= 0).astype(np.float64)
