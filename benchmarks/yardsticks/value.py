"""Spend in a horizon by BG/NBD with Gamma-Gamma, and by a customer's own past rate; minor units."""

from datetime import datetime

import numpy as np
import numpy.typing as npt

from benchmarks.purchases import Purchases
from benchmarks.yardsticks.churn import WEEK_DAYS, rfm, weeks
from training.bgnbd import fit_bgnbd
from training.gamma_gamma import fit_gamma_gamma, orders_to_come

Floats = npt.NDArray[np.float64]
CENTS = 100


def expected_spend(
    purchases: Purchases, customers: npt.NDArray[np.int64], cutoff: datetime, horizon_days: int
) -> dict[str, Floats]:
    """Expected spend of each of `customers`, who all bought before the cutoff, by two yardsticks, `[n]`.

    An order day counts once; what it is worth is all that was paid on it. Of somebody younger than the horizon the past
    rate is what she paid so far.
    """
    known = rfm(purchases, cutoff)
    frame = known.loc[customers]
    days, paid = frame["days"].to_numpy(), frame["paid"].to_numpy() * CENTS
    all_days, all_paid = known["days"].to_numpy(), known["paid"].to_numpy() * CENTS
    some = all_paid > 0
    worth = fit_gamma_gamma(all_days[some], all_paid[some] / all_days[some])
    orders = fit_bgnbd(*weeks(known, cutoff))
    to_come = orders_to_come(orders, *weeks(frame, cutoff), horizon_days / WEEK_DAYS)
    return {
        "BG/NBD + Gamma-Gamma": to_come * worth.order_value(days, np.maximum(paid / days, 1.0)),
        "her past rate": paid / np.maximum(frame["age_days"].to_numpy(), horizon_days) * horizon_days,
    }
