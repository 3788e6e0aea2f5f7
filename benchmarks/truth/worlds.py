"""A simulated shop known from within: lived to a week as its log tells, and led on from there many times over.

What the log cannot tell is how likely it was. From the same moment the same customers, as they feel and with what they
are about to run out of, live on with other dice; the share of these futures in which somebody orders is her true
probability.
"""

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from features.home import Home
from pipelines.ingest import ingest
from pipelines.shop.arrays import Floats
from pipelines.shop.catalogue import make_catalogue
from pipelines.shop.customers import draw_customers
from pipelines.shop.dice import OneStream
from pipelines.shop.parameters import PARAMETERS, Parameters
from pipelines.shop.weeks import Weeks, old_letter
from pipelines.simulate import CHUNK, simulate

START = date(2024, 11, 1)
BEGIN = datetime(START.year, START.month, START.day, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    """A shop's event log of `weeks` weeks in a home, and its truth in `folder`/shop/truth."""

    home: Home
    folder: Path
    seed: int
    customers: int
    weeks: int

    @property
    def truth(self) -> Path:
        """Where the simulator wrote what nobody knew."""
        return self.folder / "shop" / "truth"


def midnight(week: int) -> datetime:
    """The first moment of a week, counted from 0."""
    return BEGIN + timedelta(weeks=week)


def tell(folder: Path, seed: int, *, customers: int, weeks: int) -> Known:
    """Simulate the shop and take its events in as anybody's."""
    simulate(folder / "shop", customers=customers, seed=seed, start=START, days=7 * weeks)
    home = Home.open(folder / "home")
    ingest(home, "simulated", folder / "shop", now=midnight(weeks))
    return Known(home, folder, seed, customers, weeks)


def live_to(seed: int, *, customers: int, weeks: int, until: int, parameters: Parameters = PARAMETERS) -> Weeks:
    """The shop that `simulate` draws from this seed for `weeks` weeks, at the beginning of week `until`.

    Raises `ValueError` for more customers than one chunk of the simulation holds.
    """
    if customers > CHUNK:
        raise ValueError(f"{customers} customers are lived in several chunks; ask for at most {CHUNK}.")
    of_catalogue, chunk = np.random.SeedSequence(seed).spawn(2)
    catalogue = make_catalogue(np.random.default_rng(of_catalogue))
    who, life, *_ = chunk.spawn(7)
    people = draw_customers(np.random.default_rng(who), catalogue, parameters, first=0, size=customers, weeks=weeks)
    shop = Weeks(OneStream(np.random.default_rng(life)), catalogue, people, parameters, START, weeks)
    for _ in range(until):
        shop.begin()
        shop.end(old_letter(shop))
    return shop


def order_chances(shop: Weeks, weeks: int, futures: int, seed: int) -> Floats:
    """`[customers]`: the share of `futures` in which each orders within the next `weeks` weeks; `shop` stays as it is.

    Its standard error is at most 1 / (2 sqrt(futures)).
    """
    came = np.zeros(shop.customers.size)
    for future in range(futures):
        shared = {id(shop.catalogue): shop.catalogue, id(shop.customers): shop.customers}
        branch = deepcopy(shop, shared)
        branch.dice = OneStream(np.random.default_rng([seed, future]))
        ordered = np.zeros(shop.customers.size, dtype=np.bool_)
        for _ in range(weeks):
            branch.begin()
            ordered[branch.end(old_letter(branch)).orders.who] = True
        came += ordered
    return came / futures
