"""Fitting BG/NBD (`features/inputs/rates.py` says what it is) by maximum likelihood."""

import numpy as np
from scipy.optimize import minimize

from features.inputs.rates import BgNbd as BgNbd
from training.metrics import Floats


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
