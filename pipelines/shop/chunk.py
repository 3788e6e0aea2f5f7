"""One chunk of customers, lived and told: the unit in which a shop of any size fits in memory."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from pipelines.shop.arrays import Floats, Ints
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers, draw_customers
from pipelines.shop.deeds import Names, cases, deliveries, frictions, purchases
from pipelines.shop.opinions import opinions
from pipelines.shop.parameters import Parameters
from pipelines.shop.registrations import consents, contacts, profiles, registered_at
from pipelines.shop.seasons import week_months
from pipelines.shop.sessions import browse
from pipelines.shop.telling import Told
from pipelines.shop.weeks import Life, live

NUMBERS = 10_000_000  # ids of a chunk begin at its number times this


@dataclass(frozen=True)
class Chunk:
    """Customers, what happened, and how it is told; `owner` and `linked` describe the devices."""

    number: int
    customers: Customers
    life: Life
    told: list[Told]
    names: Names
    customer_ids: pa.Array
    device_ids: pa.Array
    owner: Ints
    linked: Floats
    end_us: int
    parameters: Parameters
    log_seed: np.random.SeedSequence


def live_chunk(
    seed: np.random.SeedSequence,
    catalogue: Catalogue,
    p: Parameters,
    *,
    start: date,
    days: int,
    number: int,
    first: int,
    size: int,
) -> Chunk:
    """Live and tell the customers `first`..`first` + `size` - 1; each part of the telling has a seed of its own."""
    who, life_seed, browse_seed, say_seed, register_seed, log_seed, id_seed = seed.spawn(7)
    weeks = -(-days // 7)
    epoch_us = round(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) * 1_000_000
    customers = draw_customers(np.random.default_rng(who), catalogue, p, first=first, size=size, weeks=weeks)
    life = live(np.random.default_rng(life_seed), catalogue, customers, p, start, weeks)
    names = Names.give(life, catalogue, number * NUMBERS, epoch_us)
    browsing = browse(
        np.random.default_rng(browse_seed), catalogue, customers, life, p, week_months(start, weeks), number * NUMBERS
    )
    register = np.random.default_rng(register_seed)
    since = registered_at(register, customers, life.orders)
    told = [
        purchases(life, catalogue, names),
        deliveries(life, names),
        *cases(life, catalogue, names),
        frictions(life, catalogue),
        *browsing.told,
        *opinions(np.random.default_rng(say_seed), catalogue, customers, life, names, p),
        *consents(register, customers, life, since),
        *profiles(register, customers, since),
        contacts(life.letters),
    ]
    hidden = np.random.default_rng(id_seed).integers(0, 2**62, len(browsing.owner), dtype=np.int64)
    return Chunk(
        number=number,
        customers=customers,
        life=life,
        told=told,
        names=names,
        customer_ids=pa.array([f"c{i:07d}" for i in range(first, first + size)]),
        device_ids=pa.array([f"a{v:016x}" for v in hidden]),
        owner=browsing.owner,
        linked=browsing.linked,
        end_us=epoch_us + days * 86_400_000_000,
        parameters=p,
        log_seed=log_seed,
    )
