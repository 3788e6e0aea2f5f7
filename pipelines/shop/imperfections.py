"""What real logs are like: things arrive late, twice and out of order."""

import numpy as np

from pipelines.shop.arrays import Flags, Ints, chance
from pipelines.shop.parameters import Parameters

HOUR_US = 3_600_000_000


def received(rng: np.random.Generator, p: Parameters, occurred: Ints, in_store: Flags) -> Ints:
    """When each event reached the log, microseconds: at once, or hours later from stores; a few come days late."""
    n = len(occurred)
    stores = rng.gamma(3.0, p.store_lag_hours / 3.0, n) * HOUR_US
    late = chance(rng, p.late_arrival, n) * (24 + rng.random(n) * 120) * HOUR_US
    lag = np.where(in_store, stores, 0.0) + late
    return occurred + (np.round(lag / 1e6) * 1_000_000).astype(np.int64)


def disorder(rng: np.random.Generator, p: Parameters, size: int) -> Ints:
    """Row numbers of a file as written: nearly 0..size-1, a few rows elsewhere, a few written twice."""
    place = np.arange(size, dtype=np.float64)
    displaced = chance(rng, p.disordered, size)
    place[displaced] += rng.normal(0, 200, int(displaced.sum()))
    again = np.flatnonzero(chance(rng, p.duplicates, size))
    rows = np.concatenate([np.arange(size), again])
    return rows[np.argsort(np.concatenate([place, place[again] + rng.exponential(50, len(again))]), kind="stable")]
