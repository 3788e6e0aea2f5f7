"""BG/NBD: buying at a customer's own rate until she drops out after a purchase (Fader, Hardie and Lee, 2005).

While alive a customer buys as a Poisson process of rate lambda ~ Gamma(r, alpha); after each purchase she drops out
with probability p ~ Beta(a, b). Her history is (x, t_x, T): repeat purchases, time of the last one and time observed,
both counted from her first purchase, in one unit throughout. "Counting Your Customers the Easy Way", Marketing Science
24(2), eq. 6 for the likelihood; Fader and Hardie's note 021 (2008) for P(alive).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln

Floats = npt.NDArray[np.float64]


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


def fit_bgnbd(x: Floats, t_x: Floats, observed: Floats) -> BgNbd:
    """Maximum likelihood over the logarithms of the parameters, best of a few starts; `ValueError` if none ends."""

    def cost(logs: Floats) -> float:
        return -float(np.mean(BgNbd(*np.exp(logs)).log_likelihood(x, t_x, observed)))

    typical = float(np.median(observed))
    starts = [np.log([r, typical * scale, a, 2.0]) for r in (0.3, 1.0) for scale in (0.1, 1.0) for a in (0.2, 1.0)]
    found = [minimize(cost, start, method="L-BFGS-B", bounds=[(-8.0, 12.0)] * 4) for start in starts]
    ended = [result for result in found if result.success]
    if not ended:
        raise ValueError(f"BG/NBD did not converge on {len(x)} customers: {found[0].message}")
    best = min(ended, key=lambda result: float(result.fun))
    return BgNbd(*(float(value) for value in np.exp(best.x)))
