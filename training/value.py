"""Value: what a customer spends in the horizon, expected and with an interval: will she order, and if so for how much.

Two parts: the chance that she orders is one less churn; the amount, if she does, is spread around what `amounts.py`
predicts as it was for buyers of the newest window who were not learned from. Together they say any quantile: nothing
with the probability that she stays away, above it the amounts. What is expected is the mean of what these two parts
and what BG/NBD with Gamma-Gamma, which need no known truth, expect: their errors differ. It is spend in minor units;
margin, where the caller sums margins instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.inputs.scoring import Model
from training.amounts import Amounts, train_amounts
from training.bgnbd import BgNbd, fit_bgnbd
from training.churn import train_churn
from training.gamma_gamma import GammaGamma, fit_gamma_gamma, orders_to_come
from training.learners import Matrix
from training.metrics import Array, Floats
from training.params import ChurnParams
from training.people import Result, Rows
from training.short_history import WEEK_DAYS, purchase_histories


@dataclass(frozen=True)
class Rates:
    """How many orders, and what one is worth, by BG/NBD and Gamma-Gamma."""

    orders: BgNbd
    worth: GammaGamma
    horizon_days: int

    def expected(self, inputs: Matrix, names: Sequence[str]) -> Floats:
        """Mean spend of each customer in the horizon, `[n]`, minor units."""
        x, t_x, observed = purchase_histories(inputs, names)
        to_come = orders_to_come(self.orders, x, t_x, observed, self.horizon_days / WEEK_DAYS)
        return to_come * self.worth.order_value(x + 1, mean_order(inputs, names))


@dataclass(frozen=True)
class ValueModel:
    """The chance of leaving, the log amount, its spread (sorted residuals), what lifts e^log to a mean; and rates."""

    leaves: Model
    amount: Model
    residual: Floats
    lift: float
    rates: Rates

    def expected(self, inputs: Matrix, names: Sequence[str]) -> Floats:
        """Mean spend of each customer in the horizon, `[n]`, minor units."""
        return (self.two_parts(inputs, names) + self.rates.expected(inputs, names)) / 2

    def two_parts(self, inputs: Matrix, names: Sequence[str]) -> Floats:
        """The same by the two parts alone."""
        stays = 1 - self.leaves.probability(inputs, names)
        return np.asarray(stays * np.exp(self.amount.raw(inputs, names)) * self.lift)

    def quantile(self, inputs: Matrix, names: Sequence[str], q: float | Floats) -> Floats:
        """The spend that each customer stays at or below with probability `q` (0 < q < 1; one, or `[n]`), `[n]`."""
        leaves = self.leaves.probability(inputs, names)
        among = np.clip((q - leaves) / np.maximum(1 - leaves, 1e-9), 0.0, 1.0)
        amount = np.exp(self.amount.raw(inputs, names) + np.quantile(self.residual, among))
        return np.where(q <= leaves, 0.0, amount)

    def interval(self, inputs: Matrix, names: Sequence[str], share: float = 0.8) -> tuple[Floats, Floats]:
        """Low and high `[n]` that each customer's spend lies between with probability `share`; both ends belong to it.

        Who may well spend nothing has nothing as her lower end, and then all that is left out lies above the upper.
        """
        tail = (1 - share) / 2
        low = self.quantile(inputs, names, tail)
        return low, self.quantile(inputs, names, np.where(low == 0, share, 1 - tail))


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
    """As `churn.train_churn`; the truth of `groups` is what each customer spent in the horizon, 0 for nothing.

    Raises `DataError` as churn does, and where the newest window has fewer than twenty buyers.
    """
    away = [replace(group, truth=_away(group.truth)) for group in groups]
    churn = train_churn(away, names, horizon_days, params, today)
    amounts = train_amounts(groups, names, horizon_days, params)
    leaves = Model(churn.fitted.spec, churn.calibration, churn.fitted.boosters)
    rates = fit_rates(groups[0].inputs if today is None else today, names, horizon_days)
    model = ValueModel(leaves, amounts.fitted.model, np.sort(amounts.residual), amounts.lift, rates)
    return ValueResult(model, churn, amounts)


def fit_rates(inputs: Matrix, names: Sequence[str], horizon_days: int) -> Rates:
    """BG/NBD and Gamma-Gamma of these customers; orders that cost nothing tell nothing of what orders are worth."""
    history = purchase_histories(inputs, names)
    mean = mean_order(inputs, names)
    paid = mean > 1
    return Rates(fit_bgnbd(*history), fit_gamma_gamma(history[0][paid] + 1, mean[paid]), horizon_days)


def mean_order(inputs: Matrix, names: Sequence[str]) -> Floats:
    """What an order of hers cost on average, `[n]`, minor units, at least one."""
    return np.asarray(np.maximum(np.expm1(inputs[:, names.index("log_order_value")].astype(np.float64)), 1.0))


def _away(spend: Array) -> npt.NDArray[np.float64]:
    return (spend <= 0).astype(np.float64)
