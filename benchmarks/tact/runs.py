"""The same shops under each policy, and under other assumptions about what letters do; on all cores."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.tact.outcomes import Outcome, outcome
from benchmarks.tact.post import NEWS, Mailing, Nothing, Sender
from benchmarks.tact.product import Product, Rechecked, sales_only, without_holds
from benchmarks.tact.ranking import Ranking
from benchmarks.tact.shop import Setting, items, lead, letters, opened
from pipelines.shop.arrays import Ints
from pipelines.shop.parameters import PARAMETERS, Parameters

TACT = "Tahdikas"
UNHELD = "Tahdikas without holds"
SELLING = "Tahdikas, selling only"
MAILING = "weekly mailing"
RECHECKED = "weekly mailing, rechecked"
NEWS_ONLY = "weekly mailing, no discounts"
RANKING = "ranking by chance of an order"
PERSUADABLE = "weekly mailing to persuadables"
NOTHING = "nothing"
POLICIES = (TACT, UNHELD, SELLING, RECHECKED, MAILING, NEWS_ONLY, RANKING, PERSUADABLE, NOTHING)


@dataclass(frozen=True)
class Variant:
    """Assumptions about what letters and messages do."""

    name: str
    policies: Sequence[str]
    parameters: Parameters = PARAMETERS
    message_lift: float = 0.0


TESTED = (TACT, UNHELD, SELLING, MAILING, NOTHING)
BASE = Variant("as the shop is", POLICIES)
HALF = Variant(
    "a letter in trouble does half the harm",
    TESTED,
    replace(
        PARAMETERS,
        shock_sold_in_trouble=PARAMETERS.shock_sold_in_trouble / 2,
        unsubscribe_in_trouble=(PARAMETERS.unsubscribe_in_trouble + PARAMETERS.unsubscribe) / 2,
    ),
)
HARMLESS = Variant(
    "a letter in trouble does no harm",
    TESTED,
    replace(PARAMETERS, shock_sold_in_trouble=0.0, unsubscribe_in_trouble=PARAMETERS.unsubscribe),
)
NO_DOGS = Variant("no sleeping dogs", TESTED, replace(PARAMETERS, shock_sleeping_dog=0.0, sleeping_dog_factor=1.0))
LIFTED = Variant(
    "a service message in trouble lifts satisfaction by 0.1", (TACT, SELLING, MAILING, NOTHING), message_lift=0.1
)
VARIANTS = (BASE, HALF, HARMLESS, NO_DOGS, LIFTED)


def run_all(jobs: Sequence[tuple[Setting, Sequence[str]]], workers: int | None = None) -> Iterator[dict[str, Outcome]]:
    """The outcomes of each job's policies in its shop, in the order of the jobs."""
    count = workers or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_work, jobs)


def _work(job: tuple[Setting, Sequence[str]]) -> dict[str, Outcome]:
    return run(*job)


def run(setting: Setting, policies: Sequence[str] = POLICIES) -> dict[str, Outcome]:
    """What each policy brings in one shop. Ranking writes as many letters each week as Tahdikas, which comes first."""
    found: dict[str, Outcome] = {}
    quota = np.zeros(setting.weeks - setting.warm_up, dtype=np.int64)
    for policy in sorted(policies, key=POLICIES.index):
        with sender_of(policy, setting, quota) as sender:
            led = lead(setting, sender)
        if policy == TACT:
            quota = letters(led)
        found[policy] = outcome(led)
    return found


@contextmanager
def sender_of(policy: str, setting: Setting, quota: Ints) -> Iterator[Sender]:
    """The policy as a sender for a shop; this product's has a data folder of its own, gone afterwards.

    `quota` is how many letters ranking may write in each week of the policy's.
    """
    size = setting.customers
    simple: dict[str, Callable[[], Sender]] = {
        NOTHING: Nothing,
        MAILING: lambda: Mailing(size),
        NEWS_ONLY: lambda: Mailing(size, NEWS),
        RANKING: lambda: Ranking(size, lambda week: int(quota[week - setting.warm_up])),
        PERSUADABLE: lambda: Mailing(size, among=opened(setting)[0].customers.segment == 0),
    }
    if policy in simple:
        yield simple[policy]()
        return
    with TemporaryDirectory() as folder:
        root, goods = Path(folder), items(setting)
        if policy == RECHECKED:
            rechecked = Rechecked(root, goods, Mailing(size))
            yield rechecked
            rechecked.close()
            return
        product = Product(
            root,
            goods,
            policy=without_holds() if policy in (UNHELD, SELLING) else None,
            actions=sales_only() if policy == SELLING else None,
        )
        yield product
        product.close()
