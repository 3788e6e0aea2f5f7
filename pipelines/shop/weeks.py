"""The shop's life in weekly steps, all customers of a chunk at once: what happens to them changes what they do."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.baskets import Lines
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers
from pipelines.shop.demand import Demand, Wants, Week, demand
from pipelines.shop.fates import Fates, draw_fates
from pipelines.shop.letters import Letters, Plan, plan_letter, reception
from pipelines.shop.minds import Minds
from pipelines.shop.parameters import OFFERS, Parameters
from pipelines.shop.seasons import course, sale_weeks, time_of_day, week_months

OPENS = 0.36  # earliest order of a week, days after its first midnight: after the letter
Arrays = TypeVar("Arrays")


@dataclass(frozen=True)
class Orders:
    """Arrays over orders, week after week."""

    who: Ints
    at: Floats  # days from the first day
    store: Flags
    offer: Ints  # -1, or the offer used
    planned: Flags  # wished for, not only a staple that ran out


@dataclass(frozen=True)
class GivenUp:
    """Orders that failed, one row each; `kind` numbers fates.FRICTIONS."""

    who: Ints
    at: Floats
    kind: Ints


@dataclass(frozen=True)
class Life:
    """Everything that happened to a chunk of customers."""

    orders: Orders
    lines: Lines
    discount: Ints  # [lines] cents off the line
    fates: Fates
    letters: Letters
    given_up: GivenUp
    satisfaction: Floats  # [weeks, customers] after the week's letter
    activity: Floats  # [weeks, customers] 0 not a customer, 1 active, between while pausing or fading
    dropped: Floats  # [customers] days from the first day, inf if she stays
    email_withdrawn: Floats  # [customers] when marketing by e-mail ended, inf if it did not


def live(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, p: Parameters, start: date, weeks: int
) -> Life:
    """Live `weeks` weeks from `start`."""
    months, seasons, sales = week_months(start, weeks), course(catalogue.departments), sale_weeks(start, weeks)
    minds = Minds.at_first(rng, customers, weeks)
    wants = Wants.at_first(rng, catalogue, customers)
    satisfaction, activity = np.empty((weeks, customers.size)), np.empty((weeks, customers.size))
    told: list[tuple[Orders, Lines, Ints, Fates, Letters, GivenUp]] = []
    placed = 0
    for number in range(weeks):
        month = int(months[number])
        week = Week(number, month, seasons[month], float(sales[number]))
        activity[number] = minds.begin_week(rng, customers, p, number)
        on_list = (customers.join_week < number) & minds.email
        plan = plan_letter(rng, p, customers, number, on_list, minds.trouble[number])
        minds.read_letter(customers, p, plan)
        satisfaction[number] = minds.satisfaction
        wanted = demand(rng, catalogue, customers, p, week, plan, minds.satisfaction, activity[number], wants)
        orders, letters = _order(rng, customers, p, week, plan, wanted)
        minds.withdraw(rng, p, letters, number)
        fates = _fates(rng, catalogue, p, week, orders, wanted.basket)
        minds.schedule(customers, p, fates, orders.who, orders.at)
        lost = _give_up(rng, p, week, wanted)
        minds.shake(customers, lost.who, lost.at, np.full(len(lost.who), p.shock_friction))
        minds.drop(rng, customers, p, number, activity[number] > 0)
        basket = wanted.basket
        discount = _discount(rng, catalogue, customers, week, orders, basket)
        told.append(
            (orders, Lines(basket.order + placed, basket.item, basket.quantity), discount, fates, letters, lost)
        )
        placed += len(orders.who)
    parts = list(zip(*told, strict=True))
    return Life(
        orders=_joined(parts[0]),
        lines=_joined(parts[1]),
        discount=np.concatenate(parts[2]),
        fates=_joined(parts[3]),
        letters=_joined(parts[4]),
        given_up=_joined(parts[5]),
        satisfaction=satisfaction,
        activity=activity,
        dropped=minds.dropping,
        email_withdrawn=minds.withdrawn,
    )


def _joined(parts: Sequence[Arrays]) -> Arrays:
    """The arrays of all weeks, one after another."""
    first: Any = parts[0]
    joined: Arrays = type(first)(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(first)))
    return joined


def _order(
    rng: np.random.Generator, customers: Customers, p: Parameters, week: Week, plan: Plan, wanted: Demand
) -> tuple[Orders, Letters]:
    """When and where the buyers order, and how the letter was received; half of those who got one order within days."""
    buyers, n = wanted.buyers, len(wanted.buyers)
    store = chance(rng, customers.store_share[buyers], n)
    lettered = np.zeros(customers.size, dtype=np.bool_)
    lettered[plan.who[plan.sent]] = True
    eager = lettered[buyers] & chance(rng, 0.5, n)
    day = week.day + np.where(eager, 0.35 + 2.5 * rng.random(n), 0.3 + 6.6 * rng.random(n))
    hour = np.where(store, time_of_day(rng, n, store=True), time_of_day(rng, n))
    at = np.maximum(np.floor(day) + hour, week.day + OPENS + 0.01 * rng.random(n))
    ordered_at = np.full(customers.size, np.inf)
    ordered_at[buyers] = at
    planned = np.zeros(customers.size, dtype=np.bool_)
    planned[buyers] = wanted.planned
    tempted = chance(rng, 0.15 + 0.7 * customers.price_sensitivity[plan.who], len(plan.who))
    uses = tempted & planned[plan.who] & (OFFERS[plan.offer].discount > 0)
    letters = reception(rng, p, plan, week.number, wanted.without, wanted.with_letter, ordered_at[plan.who], uses)
    used = np.full(customers.size, -1, dtype=np.int64)
    used[letters.who[np.isfinite(letters.accepted)]] = plan.offer
    return Orders(buyers, at, store, used[buyers], wanted.planned), letters


def _discount(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, week: Week, orders: Orders, basket: Lines
) -> Ints:
    """Cents off each line: the offer used, or the general reduction on some goods, whichever is more."""
    offers = np.array([o.discount for o in OFFERS])
    rate = np.where(orders.offer >= 0, offers[orders.offer], 0.0)[basket.order]
    looks_for = 0.25 + 0.5 * customers.price_sensitivity[orders.who[basket.order]]
    rate = np.maximum(rate, week.sale * chance(rng, looks_for, len(rate)))
    cents: Ints = np.floor(basket.quantity * catalogue.price[basket.item] * rate).astype(np.int64)
    return cents


def _fates(
    rng: np.random.Generator, catalogue: Catalogue, p: Parameters, week: Week, orders: Orders, basket: Lines
) -> Fates:
    n = len(orders.who)
    sized = np.bincount(basket.order, catalogue.sized[basket.item], n) > 0
    defects = np.minimum(np.bincount(basket.order, catalogue.defects[basket.item], n), 0.6)
    return draw_fates(rng, p, orders.at, orders.store, sized, defects, week.month)


def _give_up(rng: np.random.Generator, p: Parameters, week: Week, wanted: Demand) -> GivenUp:
    """Orders that something failing put an end to."""
    who = np.flatnonzero(chance(rng, p.friction_lost * np.minimum(wanted.intensity / 0.05, 4), len(wanted.intensity)))
    at = week.day + np.floor(rng.random(len(who)) * 7) + time_of_day(rng, len(who))
    return GivenUp(who, np.maximum(at, week.day + OPENS), rng.choice(5, len(who), p=[0.4, 0.25, 0.1, 0.0, 0.25]))
