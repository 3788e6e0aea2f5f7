"""One point of the growth curve: decisions in process for customers drawn from the whole shop, each asked once.

`python -m benchmarks.load.growth HOME CUSTOMERS ITEMS` multiplies the shop in the folder, whose own it becomes, and
prints one JSON object. A copy of a customer has her state, her online record and the latest of her facts.
"""

import contextlib
import json
import sys
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.load.copies import multiply
from benchmarks.load.shop import opened_shop
from benchmarks.measure import spent
from features.home import Home
from serving.core.engine import decide
from serving.core.question import Request
from serving.service import DecisionService

WARM, ASKED, SEED = 200, 2_000, 20240601
STEPS = ("read_us", "read_again_us", "engine_us", "engine_again_us", "recorded_us")
"""The last is all of it, recorded durably, when she was just read."""


def point(home: Home, customers: int, items: int) -> dict[str, Any]:
    """Sizes, and microseconds of the parts of a decision: medians, and the 99th percentile of the whole."""
    multiply(home, customers, items, facts=False)
    shop = opened_shop(home)
    with spent() as memory, contextlib.closing(DecisionService(home)) as service:
        drawn = np.random.default_rng(SEED).choice(len(shop.cast.customers), WARM + ASKED, replace=False)
        people = [shop.cast.customers[i] for i in drawn.tolist()]
        for customer in people[:WARM]:
            service.decide(_question(customer, shop.moment, "serve"))
        times = np.array([_one(service, customer, shop.moment) for customer in people[WARM:]])
    return {
        "customers": len(shop.cast.customers),
        "items": len(shop.cast.items),
        "store_mb": home.live_db.stat().st_size / 1e6,
        "peak_mb": memory.peak_mb,
        **dict(zip(STEPS, np.median(times, axis=0).tolist(), strict=True)),
        "p99_us": float(np.percentile(times[:, -1], 99)),
    }


def _one(service: DecisionService, customer: str, now: datetime) -> list[float]:
    """Microseconds of the `STEPS` for a customer not asked for before."""
    question, force = _question(customer, now, "simulate"), service.in_force(now)
    moments = [time.perf_counter()]
    for _ in range(2):
        snapshots = service.read([question])
        moments.append(time.perf_counter())
    for _ in range(2):
        decide([question], snapshots, force.scorer, force.catalogue, force.policy, articles=force.articles)
        moments.append(time.perf_counter())
    service.decide(_question(customer, now, "serve"))
    moments.append(time.perf_counter())
    return [(after - before) * 1e6 for before, after in pairwise(moments)]


def _question(customer: str, now: datetime, mode: Literal["serve", "simulate"]) -> Request:
    return Request(customer_id=customer, channel="web", placement="front_page", now=now, mode=mode)


if __name__ == "__main__":
    print(json.dumps(point(Home.open(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
