"""The shop's life in weekly steps, all customers of a chunk at once: what happens to them changes what they do."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, TypeVar

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.baskets import Lines
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import Customers
from pipelines.shop.demand import Demand, Wants, Week, demand
from pipelines.shop.dice import Dice, OneStream
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


@dataclass(frozen=True)
class Told:
    """What a week brought: its orders with lines, cents off each line, fates, letters, and orders given up."""

    orders: Orders
    lines: Lines
    discount: Ints
    fates: Fates
    letters: Letters
    given_up: GivenUp


class Weeks:
    """A shop's life, to be led on week by week: `begin` one, then `end` it with the letter that was sent in it."""

    def __init__(
        self, dice: Dice, catalogue: Catalogue, customers: Customers, p: Parameters, start: date, weeks: int
    ) -> None:
        self.dice, self.catalogue, self.customers, self.parameters = dice, catalogue, customers, p
        self.number = -1
        self.minds = Minds.at_first(dice(0, "begin"), customers, weeks)
        self._wants = Wants.at_first(dice(0, "demand"), catalogue, customers)
        self._months, self._sales = week_months(start, weeks), sale_weeks(start, weeks)
        self._seasons = course(catalogue.departments)
        self.satisfaction, self.activity = np.zeros((weeks, customers.size)), np.zeros((weeks, customers.size))
        self._told: list[Told] = []

    @property
    def trouble(self) -> Flags:
        """Who is in trouble at the moment of this week's letter."""
        flags: Flags = self.minds.trouble[self.number]
        return flags

    def begin(self) -> None:
        """The next week begins: satisfaction moves, pauses begin and end."""
        self.number += 1
        rng = self.dice(self.number, "begin")
        self.activity[self.number] = self.minds.begin_week(rng, self.customers, self.parameters, self.number)

    def end(self, plan: Plan) -> Told:
        """The rest of the week, after its letter; returns what it brought, its lines numbering its own orders."""
        number, minds, dice, customers, p = self.number, self.minds, self.dice, self.customers, self.parameters
        month = int(self._months[number])
        week = Week(number, month, self._seasons[month], float(self._sales[number]))
        minds.read_letter(customers, p, plan)
        self.satisfaction[number] = minds.satisfaction
        wanted = demand(
            dice, self.catalogue, customers, p, week, plan, minds.satisfaction, self.activity[number], self._wants
        )
        orders, letters = _order(dice, customers, p, week, plan, wanted)
        minds.withdraw(dice(number, "withdraw"), p, letters, number)
        fates = _fates(dice, self.catalogue, p, week, orders, wanted.basket, customers.size)
        minds.schedule(customers, p, fates, orders.who, orders.at)
        lost = _give_up(dice(number, "give_up"), p, week, wanted)
        minds.shake(customers, lost.who, lost.at, np.full(len(lost.who), p.shock_friction))
        minds.drop(dice(number, "drop"), customers, p, number, self.activity[number] > 0)
        discount = _discount(dice(number, "discount"), self.catalogue, customers, week, orders, wanted.basket)
        told = Told(orders, wanted.basket, discount, fates, letters, lost)
        self._told.append(told)
        return told

    def life(self) -> Life:
        """Everything that happened so far; satisfaction and activity are 0 in weeks to come."""
        placed = np.cumsum([0, *(len(told.orders.who) for told in self._told)])
        lines = [replace(t.lines, order=t.lines.order + first) for t, first in zip(self._told, placed, strict=False)]
        return Life(
            orders=joined([t.orders for t in self._told]),
            lines=joined(lines),
            discount=np.concatenate([t.discount for t in self._told]),
            fates=joined([t.fates for t in self._told]),
            letters=joined([t.letters for t in self._told]),
            given_up=joined([t.given_up for t in self._told]),
            satisfaction=self.satisfaction,
            activity=self.activity,
            dropped=self.minds.dropping,
            email_withdrawn=self.minds.withdrawn,
        )


def live(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, p: Parameters, start: date, weeks: int
) -> Life:
    """Live `weeks` weeks from `start` with the old shop's letter."""
    shop = Weeks(OneStream(rng), catalogue, customers, p, start, weeks)
    for _ in range(weeks):
        shop.begin()
        shop.end(old_letter(shop))
    return shop.life()


def old_letter(shop: Weeks) -> Plan:
    """This week's letter as the old shop sends it: to a random part of those who may be written to."""
    on_list = (shop.customers.join_week < shop.number) & shop.minds.email
    rng = shop.dice(shop.number, "letter")
    return plan_letter(rng, shop.parameters, shop.customers, shop.number, on_list, shop.trouble)


def joined(parts: Sequence[Arrays]) -> Arrays:
    """The arrays of all weeks, one after another."""
    first: Any = parts[0]
    one: Arrays = type(first)(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(first)))
    return one


def _order(
    dice: Dice, customers: Customers, p: Parameters, week: Week, plan: Plan, wanted: Demand
) -> tuple[Orders, Letters]:
    """When and where the buyers order, and how the letter was received; half of those who got one order within days."""
    rng, buyers = dice(week.number, "order"), wanted.buyers
    asked = np.arange(customers.size) if dice.for_all else buyers
    those, n = np.searchsorted(asked, buyers), len(asked)
    store = chance(rng, customers.store_share[asked], n)
    lettered = np.zeros(customers.size, dtype=np.bool_)
    lettered[plan.who[plan.sent]] = True
    eager = lettered[asked] & chance(rng, 0.5, n)
    day = week.day + np.where(eager, 0.35 + 2.5 * rng.random(n), 0.3 + 6.6 * rng.random(n))
    hour = np.where(store, time_of_day(rng, n, store=True), time_of_day(rng, n))
    at = np.maximum(np.floor(day) + hour, week.day + OPENS + 0.01 * rng.random(n))[those]
    ordered_at = np.full(customers.size, np.inf)
    ordered_at[buyers] = at
    planned = np.zeros(customers.size, dtype=np.bool_)
    planned[buyers] = wanted.planned
    rng = dice(week.number, "reception")
    tempted = chance(rng, 0.15 + 0.7 * customers.price_sensitivity[plan.who], len(plan.who))
    uses = tempted & planned[plan.who] & (np.array([o.discount for o in OFFERS])[plan.offer] > 0)
    letters = reception(rng, p, plan, week.number, wanted.without, wanted.with_letter, ordered_at[plan.who], uses)
    used = np.full(customers.size, -1, dtype=np.int64)
    accepted = np.isfinite(letters.accepted)
    used[letters.who[accepted]] = letters.offer[accepted]
    return Orders(buyers, at, store[those], used[buyers], wanted.planned), letters


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
    dice: Dice, catalogue: Catalogue, p: Parameters, week: Week, orders: Orders, basket: Lines, customers: int
) -> Fates:
    n = len(orders.who)
    sized = np.bincount(basket.order, catalogue.sized[basket.item], n) > 0
    defects = np.minimum(np.bincount(basket.order, catalogue.defects[basket.item], n), 0.6)
    rng = dice(week.number, "fates")
    if not dice.for_all:
        return draw_fates(rng, p, orders.at, orders.store, sized, defects, week.month)
    at, store, of_size, faulty = (
        np.full(customers, week.day),
        *np.zeros((2, customers), dtype=np.bool_),
        np.zeros(customers),
    )
    at[orders.who], store[orders.who], of_size[orders.who], faulty[orders.who] = orders.at, orders.store, sized, defects
    drawn = draw_fates(rng, p, at, store, of_size, faulty, week.month)
    return Fates(*(getattr(drawn, f.name)[orders.who] for f in fields(Fates)))


def _give_up(rng: np.random.Generator, p: Parameters, week: Week, wanted: Demand) -> GivenUp:
    """Orders that something failing put an end to."""
    who = np.flatnonzero(chance(rng, p.friction_lost * np.minimum(wanted.intensity / 0.05, 4), len(wanted.intensity)))
    at = week.day + np.floor(rng.random(len(who)) * 7) + time_of_day(rng, len(who))
    return GivenUp(who, np.maximum(at, week.day + OPENS), rng.choice(5, len(who), p=[0.4, 0.25, 0.1, 0.0, 0.25]))
