"""Made-up customers whose treatment was drawn by lot, and whose effect is known."""

import numpy as np

from training.metrics import Floats
from training.uplift_learners import UpliftRows

NAMES = ("likes_offers", "buys_often", "noise")


def drawn(n: int = 5000, *, effect: float = 0.2, share: float = 0.5, seed: int = 1) -> UpliftRows:
    """Whoever likes offers (input 0 above zero) responds likelier by `effect` when treated; nobody else is moved."""
    draw = np.random.default_rng(seed)
    inputs = draw.normal(size=(n, len(NAMES)))
    treated = (draw.random(n) < share).astype(np.float64)
    chance = 0.15 + 0.1 * (inputs[:, 1] > 0) + treated * effect * (inputs[:, 0] > 0)
    outcome = (draw.random(n) < chance).astype(np.float64)
    return UpliftRows(
        customers=np.array([f"c{i:05d}" for i in range(n)]),
        inputs=inputs,
        names=NAMES,
        treated=treated,
        outcome=outcome,
        share=np.full(n, share),
    )


def true_effect(rows: UpliftRows, effect: float = 0.2) -> Floats:
    """What the treatment adds to each row's chance."""
    return np.asarray(effect * (rows.inputs[:, 0] > 0))
