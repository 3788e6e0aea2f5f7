"""The visits customers pay to the web shop: before orders, on the same goods earlier, and without any order."""

from dataclasses import dataclass, fields

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance, pick
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers
from pipelines.shop.parameters import Parameters
from pipelines.shop.seasons import course, time_of_day
from pipelines.shop.weeks import Life

DEVICES = 3  # a customer's devices are numbered DEVICES * customer + 0..2; visitors' follow after


@dataclass(frozen=True)
class Sessions:
    """One row a session; `goods` is the item it is about, or -1; `order` the order it ends in, or -1."""

    start: Floats
    who: Ints
    device: Ints
    department: Ints
    goods: Ints
    order: Ints
    views: Ints
    searches: Ints
    in_vain: Flags  # its searches find nothing
    absorbed: Flags
    carts: Ints
    named: Flags  # logged in, unless before the device's first log-in
    logs_in: Flags  # at its beginning


def draw_visits(
    rng: np.random.Generator,
    catalogue: Catalogue,
    customers: Customers,
    life: Life,
    p: Parameters,
    months: Ints,
    visitors: int,
) -> Sessions:
    """All sessions of the chunk's customers and of `visitors` people the shop never gets to know."""
    parts = [
        _before_orders(rng, catalogue, customers, life),
        _researching(rng, catalogue, customers, life, p),
        _idle(rng, catalogue, customers, life, months),
        _visiting(rng, customers, len(months), visitors),
    ]
    return Sessions(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Sessions)))


def _device(rng: np.random.Generator, customers: Customers, who: Ints, *, hidden: float) -> Ints:
    """The main device, sometimes the second, sometimes (`hidden`) the one that never logs in."""
    u = rng.random(len(who))
    second = customers.devices[who, 1] & (u < 0.35)
    third = customers.devices[who, 2] & (u > 1 - hidden)
    device: Ints = DEVICES * who + np.where(third, 2, np.where(second, 1, 0))
    return device


def first_goods(life: Life, order: Ints) -> Ints:
    """The item of each order's first line."""
    counts = np.bincount(life.lines.order, minlength=len(life.orders.who))
    first: Ints = life.lines.item[(np.cumsum(counts) - counts)[order]]
    return first


def _before_orders(rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life) -> Sessions:
    order = np.flatnonzero(~life.orders.store)
    n, who, goods = len(order), life.orders.who[order], first_goods(life, order)
    planned = life.orders.planned[order]
    return Sessions(
        start=life.orders.at[order],
        who=who,
        device=_device(rng, customers, who, hidden=0.0),
        department=catalogue.department[goods],
        goods=goods,
        order=order,
        views=1 + rng.poisson(np.where(planned, 1.3, 0.1), n),
        searches=rng.binomial(1, 0.3, n),
        in_vain=np.zeros(n, dtype=np.bool_),
        absorbed=np.zeros(n, dtype=np.bool_),
        carts=np.zeros(n, dtype=np.int64),
        named=np.ones(n, dtype=np.bool_),
        logs_in=np.ones(n, dtype=np.bool_),
    )


def _researching(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life, p: Parameters
) -> Sessions:
    order = np.flatnonzero(life.orders.planned & chance(rng, p.research, len(life.orders.who)))
    n, who, goods = len(order), life.orders.who[order], first_goods(life, order)
    start = np.floor(life.orders.at[order] - 1 - rng.exponential(4.0, n)) + time_of_day(rng, n)
    kept = start > 0.3
    sessions = Sessions(
        start=start,
        who=who,
        device=_device(rng, customers, who, hidden=0.15),
        department=catalogue.department[goods],
        goods=goods,
        order=np.full(n, -1, dtype=np.int64),
        views=1 + rng.poisson(2.2, n),
        searches=rng.binomial(1, 0.4, n),
        in_vain=chance(rng, 0.06, n),
        absorbed=chance(rng, 0.06, n),
        carts=rng.binomial(1, 0.2, n),
        named=chance(rng, 0.65, n),
        logs_in=np.zeros(n, dtype=np.bool_),
    )
    return Sessions(*(getattr(sessions, f.name)[kept] for f in fields(Sessions)))


def _idle(rng: np.random.Generator, catalogue: Catalogue, customers: Customers, life: Life, months: Ints) -> Sessions:
    """Browsing without an order: Poisson with rate browse_rate * activity * exp(satisfaction / 4)."""
    rate = customers.browse_rate * life.activity * np.exp(0.25 * np.clip(life.satisfaction, -3, 1))
    week, who = np.nonzero(rng.random(rate.shape) < -np.expm1(-rate))
    n = len(who)
    department = pick(rng, customers.taste[who] * course(catalogue.departments)[months[week]])
    circles, absorbed = chance(rng, 0.035, n), chance(rng, 0.05, n)
    return Sessions(
        start=np.maximum(7.0 * week + np.floor(7 * rng.random(n)) + time_of_day(rng, n), 0.31),
        who=who,
        device=_device(rng, customers, who, hidden=0.5),
        department=department,
        goods=np.full(n, -1, dtype=np.int64),
        order=np.full(n, -1, dtype=np.int64),
        views=np.where(circles, 1, np.where(absorbed, 7 + rng.poisson(4, n), 1 + rng.poisson(1.1, n))),
        searches=np.where(circles, 3 + rng.poisson(1, n), rng.binomial(1, 0.3, n)),
        in_vain=circles | chance(rng, 0.07, n),
        absorbed=absorbed,
        carts=rng.binomial(1, 0.12, n),
        named=chance(rng, 0.6, n),
        logs_in=chance(rng, 0.1, n),
    )


def _visiting(rng: np.random.Generator, customers: Customers, weeks: int, visitors: int) -> Sessions:
    """People the shop never gets to know."""
    visitor = np.repeat(np.arange(visitors), 1 + rng.binomial(2, 0.2, visitors))
    n = len(visitor)
    mean_taste = customers.taste.mean(axis=0)
    return Sessions(
        start=np.floor(7.0 * weeks * rng.random(n)) + np.maximum(time_of_day(rng, n), 0.31),
        who=np.full(n, -1, dtype=np.int64),
        device=DEVICES * customers.size + visitor,
        department=rng.choice(len(mean_taste), n, p=mean_taste / mean_taste.sum()),
        goods=np.full(n, -1, dtype=np.int64),
        order=np.full(n, -1, dtype=np.int64),
        views=1 + rng.poisson(1.2, n),
        searches=rng.binomial(1, 0.35, n),
        in_vain=chance(rng, 0.1, n),
        absorbed=np.zeros(n, dtype=np.bool_),
        carts=rng.binomial(1, 0.08, n),
        named=np.zeros(n, dtype=np.bool_),
        logs_in=np.zeros(n, dtype=np.bool_),
    )
