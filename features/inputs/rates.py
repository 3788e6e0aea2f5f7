"""How often a customer orders and what an order of hers is worth, by models of her rate alone: BG/NBD and Gamma-Gamma.

BG/NBD: buying at a customer's own rate until she drops out after a purchase (Fader, Hardie and Lee, 2005). While alive
she buys as a Poisson process of rate lambda ~ Gamma(r, alpha); after each purchase she drops out with probability p ~
Beta(a, b). Her history is (x, t_x, T): repeat purchases, time of the last one and time observed, both counted from her
first purchase, in one unit throughout. "Counting Your Customers the Easy Way", Marketing Science 24(2), eq. 6 for the
likelihood; Fader and Hardie's note 021 (2008) for P(alive).

Gamma-Gamma: the value of an order is Gamma(p, nu) around a customer's own mean, nu ~ Gamma(q, gamma) over customers,
independent of how often she orders. Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (note 025, 2013).

`training/bgnbd.py` and `training/gamma_gamma.py` fit them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, hyp2f1

from features.inputs.scoring import Matrix

Floats = npt.NDArray[np.float64]
WEEK_DAYS = 7.0


@dataclass(frozen=True)
class BgNbd:
    """A fitted model: the four parameters."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, x: Floats, t_x: Floats, observed: Floats) -> Floats:
        """ln L(r, alpha, a, b | x, t_x, T) of each customer."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stays = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        alive = -(r + x) * np.log(alpha + observed)
        with np.errstate(divide="ignore"):
            gone = np.where(
                x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf
            )
        return np.asarray(rate + stays + np.logaddexp(alive, gone))

    def alive(self, x: Floats, t_x: Floats, observed: Floats) -> Floats:
        """P(not dropped out by T); 1 for customers without a repeat purchase, as the model has it."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        odds = a / (b + np.maximum(x, 1) - 1) * ((alpha + observed) / (alpha + t_x)) ** (r + x)
        return np.where(x > 0, 1 / (1 + odds), 1.0)

    def silent(self, x: Floats, t_x: Floats, observed: Floats, ahead: float) -> Floats:
        """P(no purchase in (T, T + ahead] | x, t_x, T).

        History and silence together are the history (x, t_x, T + ahead), so this is a ratio of two likelihoods.
        """
        return np.exp(self.log_likelihood(x, t_x, observed + ahead) - self.log_likelihood(x, t_x, observed))


@dataclass(frozen=True)
class GammaGamma:
    """A fitted model: the three parameters; q > 1, for there is no mean otherwise."""

    p: float
    q: float
    gamma: float

    def log_likelihood(self, orders: Floats, mean: Floats) -> Floats:
        """ln f(mean value of her orders | how many they are) of each customer; both above 0."""
        shape = self.p * orders
        return np.asarray(
            gammaln(shape + self.q)
            - gammaln(shape)
            - gammaln(self.q)
            + self.q * np.log(self.gamma)
            + (shape - 1) * np.log(mean)
            + shape * np.log(orders)
            - (shape + self.q) * np.log(self.gamma + orders * mean)
        )

    def order_value(self, orders: Floats, mean: Floats) -> Floats:
        """Expected value of an order to come: between her own mean and everybody's."""
        own = self.p * orders / (self.p * orders + self.q - 1)
        return np.asarray((1 - own) * self.gamma * self.p / (self.q - 1) + own * mean)


def orders_to_come(model: BgNbd, x: Floats, t_x: Floats, observed: Floats, ahead: float) -> Floats:
    """E(purchases in (T, T + ahead] | x, t_x, T) of each customer; eq. 10 of Fader, Hardie and Lee (2005)."""
    r, alpha, b = model.r, model.alpha, model.b
    a = model.a if abs(model.a - 1) > 1e-6 else model.a + 2e-6  # the formula has a hole at 1, and is smooth around it
    tail = hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + observed + ahead))
    grown = 1 - ((alpha + observed) / (alpha + observed + ahead)) ** (r + x) * tail
    return np.asarray((a + b + x - 1) / (a - 1) * grown * model.alive(x, t_x, observed))


@dataclass(frozen=True)
class Rates:
    """What a customer brings by her rates alone: orders to come x the worth of one x the share `earned` of that worth.

    `earned` is 1 where spend is asked for, and the margin in a unit of spend where margin is.
    """

    orders: BgNbd
    worth: GammaGamma
    horizon_days: int
    earned: float = 1.0

    def expected(self, inputs: Matrix, names: Sequence[str]) -> Floats:
        """The mean of each customer in the horizon, `[n]`, minor units."""
        x, t_x, observed = purchase_histories(inputs, names)
        to_come = orders_to_come(self.orders, x, t_x, observed, self.horizon_days / WEEK_DAYS)
        return np.asarray(to_come * self.worth.order_value(x + 1, mean_order(inputs, names)) * self.earned)


def purchase_histories(inputs: Matrix, names: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """(x, t_x, T) of BG/NBD in weeks from model inputs: orders after the first, time to the last, time observed."""
    tenure, recency, orders = (
        inputs[:, names.index(name)].astype(np.float64)
        for name in ("tenure_days", "recency_days", "log_purchase_count_total")
    )
    observed = tenure / WEEK_DAYS
    last = np.maximum(observed - recency / WEEK_DAYS, 0.0)
    return np.maximum(np.round(np.expm1(orders)) - 1, 0.0), last, observed


def mean_order(inputs: Matrix, names: Sequence[str]) -> Floats:
    """What an order of hers cost on average, `[n]`, minor units, at least one."""
    return np.asarray(np.maximum(np.expm1(inputs[:, names.index("log_order_value")].astype(np.float64)), 1.0))
