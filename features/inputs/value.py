"""What a customer will bring in the horizon, expected and with an interval: two parts, and her rates.

The chance that she orders is one less churn; the amount, if she does, is spread around what a model of its logarithm
predicts as it was for buyers who were not learned from. Together they say any quantile: nothing with the probability
that she stays away, above it the amounts. What is expected is the mean of what these two parts and what her rates
(`rates.py`) expect. docs/bundle.md has the files; `training/value.py` learns it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import BundleError
from features.inputs.boosters import Booster
from features.inputs.rates import BgNbd, Floats, GammaGamma, Rates
from features.inputs.scoring import Matrix, Model, files_of

NAME = "value"
SHARE = 0.8
"""The probability with which what she brings lies in her interval."""
LEVELS = 1001
"""Most points the spread of amounts is kept in."""


@dataclass(frozen=True)
class Worth:
    """What each customer brings in the horizon, minor units, each `[n]`: the mean, and the ends of an interval."""

    expected: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class ValueModel:
    """The chance of leaving, the log amount, its spread, what lifts e^log to a mean; and rates.

    `residual` are sorted residuals of the log amount, or at most `LEVELS` quantiles of them. `sums` says what is
    summed: spend, or margin.
    """

    leaves: Model
    amount: Model
    residual: Floats
    lift: float
    rates: Rates
    sums: str = "spend"

    def expected(self, inputs: Matrix, names: Sequence[str]) -> Floats:
        """Mean of each customer in the horizon, `[n]`, minor units."""
        return (self.two_parts(inputs, names) + self.rates.expected(inputs, names)) / 2

    def two_parts(self, inputs: Matrix, names: Sequence[str]) -> Floats:
        """The same by the two parts alone."""
        stays = 1 - self.leaves.probability(inputs, names)
        return np.asarray(stays * np.exp(self.amount.raw(inputs, names)) * self.lift)

    def quantile(self, inputs: Matrix, names: Sequence[str], q: float | Floats) -> Floats:
        """What each customer stays at or below with probability `q` (0 < q < 1; one, or `[n]`), `[n]`."""
        return self._quantile(self.leaves.probability(inputs, names), self.amount.raw(inputs, names), q)

    def interval(self, inputs: Matrix, names: Sequence[str], share: float = SHARE) -> tuple[Floats, Floats]:
        """Low and high `[n]` that what each customer brings lies between with probability `share`, both included.

        Who may well bring nothing has nothing as her lower end, and then all that is left out lies above the upper.
        """
        return self._interval(self.leaves.probability(inputs, names), self.amount.raw(inputs, names), share)

    def worth(self, inputs: Matrix, names: Sequence[str], leaves: Floats | None = None) -> Worth:
        """All of it at once; `leaves` is the chance of leaving `[n]`, where it is known already."""
        away = self.leaves.probability(inputs, names) if leaves is None else leaves
        log = self.amount.raw(inputs, names)
        low, high = self._interval(away, log, SHARE)
        parts = (1 - away) * np.exp(log) * self.lift
        return Worth((parts + self.rates.expected(inputs, names)) / 2, low, high)

    def _quantile(self, leaves: Floats, log: Floats, q: float | Floats) -> Floats:
        among = np.clip((q - leaves) / np.maximum(1 - leaves, 1e-9), 0.0, 1.0)
        spread = np.interp(among, np.linspace(0, 1, len(self.residual)), self.residual)  # numpy.quantile is slower
        return np.where(q <= leaves, 0.0, np.exp(log + spread))

    def _interval(self, leaves: Floats, log: Floats, share: float) -> tuple[Floats, Floats]:
        tail = (1 - share) / 2
        low = self._quantile(leaves, log, tail)
        return low, self._quantile(leaves, log, np.where(low == 0, share, 1 - tail))

    def spec(self) -> dict[str, Any]:
        """What `value.json` says: everything but the churn model, and LightGBM's text."""
        return {
            "amount": self.amount.spec,
            "residual": self.residual.tolist(),
            "lift": self.lift,
            "rates": asdict(self.rates),
            "sums": self.sums,
        }


def read_value(folder: Path, leaves: Model) -> ValueModel:
    """The model in `value.json` of a folder, with the churn model beside it; raises `BundleError` as `read_model`."""
    try:
        told: Mapping[str, Any] = json.loads((folder / f"{NAME}.json").read_text("utf-8"))
        boosters = {file: Booster(folder / file) for file in files_of(told["amount"])}
        rates = told["rates"]
        return ValueModel(
            leaves,
            Model(told["amount"], {"kind": "none"}, boosters),
            np.array(told["residual"], np.float64),
            float(told["lift"]),
            Rates(BgNbd(**rates["orders"]), GammaGamma(**rates["worth"]), int(rates["horizon_days"]), rates["earned"]),
            told["sums"],
        )
    except (OSError, ValueError, KeyError, TypeError, BundleError) as error:
        raise BundleError(f"The model of value in {folder} cannot be read ({error}). Promote again.") from error
