"""Fitting Gamma-Gamma (`features/inputs/rates.py` says what it is) by maximum likelihood.

Every order counts, the first too, which tells more of customers with one order than repeat orders would.
"""

import numpy as np
from scipy.optimize import minimize

from features.inputs.rates import GammaGamma as GammaGamma
from features.inputs.rates import orders_to_come as orders_to_come
from training.metrics import Floats


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
