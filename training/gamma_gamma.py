"""Gamma-Gamma and BG/NBD: what an order is worth, how many there will be, and so what a customer will spend.

Gamma-Gamma: the value of an order is Gamma(p, nu) around a customer's own mean, nu ~ Gamma(q, gamma) over customers,
independent of how often she orders. Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (note 025, 2013). The
number of orders to come is eq. 10 of Fader, Hardie and Lee (2005). Every order counts, the first too, which tells more
of customers with one order than repeat orders would.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

from training.bgnbd import BgNbd

Floats = npt.NDArray[np.float64]


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


def fit_gamma_gamma(orders: Floats, mean: Floats) -> GammaGamma:
    """Maximum likelihood over ln p, ln(q - 1), ln gamma, best of a few starts; `ValueError` if none ends."""

    def model(logs: Floats) -> GammaGamma:
        return GammaGamma(float(np.exp(logs[0])), float(1 + np.exp(logs[1])), float(np.exp(logs[2])))

    def cost(logs: Floats) -> float:
        return -float(np.mean(model(logs).log_likelihood(orders, mean)))

    typical = float(np.median(mean))
    starts = [np.log([p, q, typical * s]) for p in (1.0, 5.0) for q in (1.0, 3.0) for s in (0.3, 3.0)]
    found = [minimize(cost, start, method="L-BFGS-B", bounds=[(-8.0, 16.0)] * 3) for start in starts]
    ended = [result for result in found if result.success]
    if not ended:
        raise ValueError(f"Gamma-Gamma did not converge on {len(orders)} customers: {found[0].message}")
    return model(min(ended, key=lambda result: float(result.fun)).x)


def orders_to_come(model: BgNbd, x: Floats, t_x: Floats, observed: Floats, ahead: float) -> Floats:
    """E(purchases in (T, T + ahead] | x, t_x, T) of each customer."""
    r, alpha, b = model.r, model.alpha, model.b
    a = model.a if abs(model.a - 1) > 1e-6 else model.a + 2e-6  # the formula has a hole at 1, and is smooth around it
    tail = hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + observed + ahead))
    grown = 1 - ((alpha + observed) / (alpha + observed + ahead)) ** (r + x) * tail
    return np.asarray((a + b + x - 1) / (a - 1) * grown * model.alive(x, t_x, observed))
