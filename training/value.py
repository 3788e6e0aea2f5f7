"""Value: what a customer spends in the horizon, expected and with an interval: will she order, and if so for how much.

The chance that she orders is one less churn. The amount, if she does, is spread around what `amounts.py` predicts as it
was for buyers of the newest window who were not learned from. Both together say any quantile: nothing with the
probability that she stays away, above it the amounts. It is spend, in the unit of the truth; margin where the shop's
catalogue states margins and the caller sums them instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.inputs.scoring import Model
from training.amounts import Amounts, train_amounts
from training.churn import train_churn
from training.learners import Matrix
from training.metrics import Array, Floats
from training.params import ChurnParams
from training.people import Result, Rows


@dataclass(frozen=True)
class ValueModel:
    """The chance of leaving, the log amount, its spread (sorted residuals), and what lifts e^log to a mean."""

    leaves: Model
    amount: Model
    residual: Floats
    lift: float

    def expected(self, inputs: Matrix, names: Sequence[str]) -> Floats:
        """Mean spend of each customer, `[n]`."""
        stays = 1 - self.leaves.probability(inputs, names)
        return np.asarray(stays * np.exp(self.amount.raw(inputs, names)) * self.lift)

    def quantile(self, inputs: Matrix, names: Sequence[str], q: float) -> Floats:
        """The spend that each customer stays at or below with probability `q` (0 < q < 1), `[n]`."""
        leaves = self.leaves.probability(inputs, names)
        among = np.clip((q - leaves) / np.maximum(1 - leaves, 1e-9), 0.0, 1.0)
        amount = np.exp(self.amount.raw(inputs, names) + np.quantile(self.residual, among))
        return np.where(q <= leaves, 0.0, amount)

    def interval(self, inputs: Matrix, names: Sequence[str], share: float = 0.8) -> tuple[Floats, Floats]:
        """The middle `share` of what is possible for each customer: low `[n]`, high `[n]`; both ends belong to it."""
        tail = (1 - share) / 2
        return self.quantile(inputs, names, tail), self.quantile(inputs, names, 1 - tail)


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
    model = ValueModel(leaves, amounts.fitted.model, np.sort(amounts.residual), amounts.lift)
    return ValueResult(model, churn, amounts)


def _away(spend: Array) -> npt.NDArray[np.float64]:
    return (spend <= 0).astype(np.float64)
