"""The shop's life in weekly steps, all customers of a chunk at once: what happens to them changes what they do."""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.baskets import Lines, add_complements, merge_lines, wish_lines
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import STAPLES, Customers
from pipelines.shop.fates import Fates, draw_fates, shocks, touch, troubles
from pipelines.shop.letters import SLEEPING_DOG, Letters, plan_letter, reception
from pipelines.shop.needs import Belongings
from pipelines.shop.parameters import OFFERS, Parameters
from pipelines.shop.seasons import course, sale_weeks, time_of_day, week_months


@dataclass(frozen=True)
class Orders:
    """Arrays over orders, in the order of time of their weeks."""

    who: Ints
    at: Floats  # days from the first day
    store: Flags
    offer: Ints  # -1, or the offer used
    planned: Flags  # wished for, not only a staple that ran out

    @classmethod
    def join(cls, parts: list["Orders"]) -> "Orders":
        """All parts, one after another."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})


@dataclass(frozen=True)
class Life:
    """Everything that happened to a chunk of customers."""

    orders: Orders
    lines: Lines
    discount: Ints  # [lines] cents off the line
    fates: Fates
    letters: Letters
    frictions: tuple[Ints, Floats, Ints]  # orders given up: who, when, which kind
    satisfaction: Floats  # [weeks, customers] at the moment of the week's letter
    activity: Floats  # [weeks, customers] 0 not a customer, 1 active, between while fading
    dropped: Floats  # [customers] days from the first day, inf if she stays
    email_withdrawn: Floats  # [customers] when marketing by e-mail ended, inf if it did not


@dataclass
class _Now:
    """What changes from week to week."""

    satisfaction: Floats
    dropping: Floats  # when she will have left, inf if she stays
    paused: Floats  # until when she has no use for the shop
    due: Floats
    email: Flags
    withdrawn: Floats
    shock: Floats  # [weeks + 1, customers] still to come
    trouble: Flags  # [weeks + 1, customers] at the moment of each letter
    belongings: Belongings


def live(
    rng: np.random.Generator, catalogue: Catalogue, customers: Customers, p: Parameters, start: date, weeks: int
) -> Life:
    """Live `weeks` weeks from `start`."""
    n = customers.size
    months, seasons, sales = week_months(start, weeks), course(catalogue.departments), sale_weeks(start, weeks)
    joined = 7.0 * np.maximum(customers.join_week, 0)[:, None]
    now = _Now(
        satisfaction=customers.own_level + rng.normal(0, 0.15, n),
        dropping=np.full(n, np.inf),
        paused=np.zeros(n),
        due=np.where(customers.staple >= 0, joined + rng.random((n, STAPLES)) * customers.cycle, np.inf),
        email=customers.email == 1,
        withdrawn=np.full(n, np.inf),
        shock=np.zeros((weeks + 1, n)),
        trouble=np.zeros((weeks + 1, n), dtype=np.bool_),
        belongings=Belongings.none(n, catalogue),
    )
    satisfaction, activity = np.empty((weeks, n), dtype=np.float64), np.zeros((weeks, n))
    orders: list[Orders] = []
    lines: list[Lines] = []
    discounts: list[Ints] = []
    fates: list[Fates] = []
    letters: list[Letters] = []
    lost: list[tuple[Ints, Floats, Ints]] = []
    placed = 0
    for week in range(weeks):
        month, day = int(months[week]), 7.0 * week
        present = customers.join_week <= week
        now.satisfaction += p.recovery * (customers.own_level - now.satisfaction) + now.shock[week]
        np.clip(now.satisfaction, -4, 2, out=now.satisfaction)
        fading = day >= now.dropping - 7 * p.fading_weeks
        _pause(rng, now, p, day)
        calm = np.where(day < now.paused, p.paused_activity, 1.0) * np.where(fading, p.fading_activity, 1.0)
        activity[week] = present * np.where(day >= now.dropping, 0.0, calm)
        plan = plan_letter(rng, p, customers, week, present & now.email, now.trouble[week])
        annoyed = plan.who[plan.sent & plan.in_trouble]
        now.satisfaction[annoyed] += touch(customers, annoyed, np.full(len(annoyed), p.shock_sold_in_trouble))
        dogs = plan.who[plan.sent & (customers.segment[plan.who] == SLEEPING_DOG)]
        now.satisfaction[dogs] += p.shock_sleeping_dog
        satisfaction[week] = now.satisfaction

        mood = np.exp(p.rate_by_satisfaction * np.clip(now.satisfaction, -3, 1))
        sale = 1 + 1.2 * sales[week] * (0.5 + customers.price_sensitivity)
        base = customers.rate * (customers.taste @ seasons[month]) * mood * sale
        intensity, without, with_letter = base.copy(), base[plan.who], base[plan.who] + plan.added
        intensity[plan.who] = np.where(plan.sent, with_letter, without)
        intensity = np.maximum(intensity, 0) * activity[week]
        active = activity[week] > 0
        planned = chance(rng, -np.expm1(-intensity), n) | ((customers.join_week == week) & active)
        staples, buys_chance = _staples_due(rng, now, customers, day, activity[week])
        needs_who, needs_item = now.belongings.needs(rng, month, week, np.flatnonzero(active), mood)

        buyers = np.unique(np.concatenate([np.flatnonzero(planned), np.flatnonzero(staples.any(axis=1)), needs_who]))
        number = np.full(n, -1, dtype=np.int64)
        number[buyers] = np.arange(len(buyers))
        wishing = np.flatnonzero(planned)
        weights = now.belongings.weigh(customers.taste[wishing] * seasons[month], wishing)
        wish_order, wish_item = wish_lines(
            rng, catalogue, weights, customers.factors[wishing], number[wishing], month, p.factor_strength
        )
        wish_order, wish_item = add_complements(rng, catalogue, wish_order, wish_item)
        staple_who, slot = np.nonzero(staples)
        basket = merge_lines(
            rng,
            catalogue,
            np.concatenate([wish_order, number[staple_who], number[needs_who]]),
            np.concatenate([wish_item, customers.staple[staple_who, slot], needs_item]),
        )
        now.belongings.bought(week, buyers[basket.order], basket.item)

        store = chance(rng, customers.store_share[buyers], len(buyers))
        at = day + 0.3 + rng.random(len(buyers)) * 6.6
        lettered = np.zeros(n, dtype=np.bool_)
        lettered[plan.who[plan.sent]] = True
        eager = lettered[buyers] & chance(rng, 0.5, len(buyers))
        at = np.where(eager, day + 0.35 + 2.5 * rng.random(len(buyers)), at)
        at = np.maximum(np.floor(at) + time_of_day_of(rng, store), day + 0.36)
        ordered_at = np.full(n, np.inf)
        ordered_at[buyers] = at
        offer = OFFERS[plan.offer]
        uses = chance(rng, 0.15 + 0.7 * customers.price_sensitivity[plan.who], len(plan.who))
        uses &= (offer.discount > 0) & planned[plan.who]
        pause = buys_chance[plan.who]
        received = reception(
            rng,
            p,
            plan,
            week,
            1 - (1 - pause) * np.exp(-np.maximum(without, 0) * activity[week][plan.who]),
            1 - (1 - pause) * np.exp(-np.maximum(with_letter, 0) * activity[week][plan.who]),
            ordered_at[plan.who],
            uses,
        )
        used = np.full(n, -1, dtype=np.int64)
        used[plan.who[np.isfinite(received.accepted)]] = plan.offer
        _withdraw(rng, now, received, present, day)

        of_line = buyers[basket.order]
        gross = basket.quantity * catalogue.price[basket.item]
        reduced = chance(rng, 0.25 + 0.5 * customers.price_sensitivity[of_line], len(of_line)) * sales[week]
        rate = np.where(used[of_line] >= 0, np.maximum(offer.discount, reduced), reduced)
        discounts.append(np.floor(gross * rate).astype(np.int64))
        sized = np.bincount(basket.order, catalogue.sized[basket.item], len(buyers)) > 0
        defects = np.bincount(basket.order, catalogue.defects[basket.item], len(buyers))
        fate = draw_fates(rng, p, at, store, sized, np.minimum(defects, 0.6), month)
        _schedule(now, customers, p, fate, buyers, at, weeks)
        lost.append(_frictions(rng, now, customers, p, week, base * activity[week]))

        orders.append(Orders(buyers, at, store, used[buyers], planned[buyers]))
        lines.append(Lines(basket.order + placed, basket.item, basket.quantity))
        fates.append(fate)
        letters.append(received)
        placed += len(buyers)
        _drop(rng, now, customers, p, week, active & ~np.isfinite(now.dropping))
    return Life(
        orders=Orders.join(orders),
        lines=Lines(
            np.concatenate([b.order for b in lines]),
            np.concatenate([b.item for b in lines]),
            np.concatenate([b.quantity for b in lines]),
        ),
        discount=np.concatenate(discounts),
        fates=Fates.join(fates),
        letters=Letters.join(letters),
        frictions=(
            np.concatenate([f[0] for f in lost]),
            np.concatenate([f[1] for f in lost]),
            np.concatenate([f[2] for f in lost]),
        ),
        satisfaction=satisfaction,
        activity=activity,
        dropped=now.dropping,
        email_withdrawn=now.withdrawn,
    )


def time_of_day_of(rng: np.random.Generator, store: Flags) -> Floats:
    """A moment of the day for each order, within opening hours for those in a store."""
    return np.where(store, time_of_day(rng, len(store), store=True), time_of_day(rng, len(store)))


def _staples_due(
    rng: np.random.Generator, now: _Now, customers: Customers, day: float, activity: Floats
) -> tuple[Flags, Floats]:
    """Which staples are bought this week, and the chance that any is; moves their next due dates on."""
    due = now.due < day + 7
    willing = 0.8 * activity * np.exp(0.35 * np.clip(now.satisfaction, -3, 0))
    any_due = due.any(axis=1)
    buys = any_due & chance(rng, willing, len(willing))
    bought = buys[:, None] & (due | (now.due < day + 15))
    moved = bought | due
    next_due = day + 3.5 + customers.cycle * rng.lognormal(0, 0.16, now.due.shape)
    now.due = np.where(moved, next_due, now.due)
    return bought, any_due * willing


def _schedule(now: _Now, customers: Customers, p: Parameters, fate: Fates, who: Ints, at: Floats, weeks: int) -> None:
    """Put an order's troubles and shocks where the coming weeks will find them."""
    for when, amount in shocks(fate, at, p):
        hits = np.flatnonzero((amount != 0) & (when < 7.0 * weeks))
        if len(hits):
            week = (when[hits] // 7).astype(np.int64) + 1
            np.add.at(now.shock, (week, who[hits]), touch(customers, who[hits], amount[hits]))
    for begins, ends in troubles(fate):
        hits = np.flatnonzero(begins < 7.0 * weeks)
        week = np.ceil((begins[hits] - 0.25) / 7).astype(np.int64)
        until = np.minimum(ends[hits], 7.0 * weeks)
        while len(hits):
            inside = 7.0 * week + 0.25 < until
            hits, week, until = hits[inside], week[inside], until[inside]
            now.trouble[week, who[hits]] = True
            week = week + 1


def _frictions(
    rng: np.random.Generator, now: _Now, customers: Customers, p: Parameters, week: int, intensity: Floats
) -> tuple[Ints, Floats, Ints]:
    """Orders given up because something failed."""
    who = np.flatnonzero(chance(rng, p.friction_lost * np.minimum(intensity / 0.05, 4), customers.size))
    amount = touch(customers, who, np.full(len(who), p.shock_friction))
    np.add.at(now.shock, (np.full(len(who), week + 1), who), amount)
    at = np.floor(7.0 * week + rng.random(len(who)) * 7) + time_of_day(rng, len(who))
    return who, np.maximum(at, 7.0 * week + 0.3), rng.choice(5, len(who), p=[0.4, 0.25, 0.1, 0.0, 0.25])


def _withdraw(rng: np.random.Generator, now: _Now, received: Letters, present: Flags, day: float) -> None:
    """Unsubscribers, and a few who withdraw by themselves."""
    leaving = np.isfinite(received.unsubscribed)
    who = received.who[leaving]
    now.withdrawn[who] = received.unsubscribed[leaving]
    quiet = np.flatnonzero(present & now.email & ~np.isfinite(now.withdrawn) & chance(rng, 0.0006, len(present)))
    now.withdrawn[quiet] = day + 0.4 + 6 * rng.random(len(quiet))
    now.email[who] = False
    now.email[quiet] = False


def _pause(rng: np.random.Generator, now: _Now, p: Parameters, day: float) -> None:
    """Some stay away for a while and come back: abroad, short of money, served elsewhere."""
    begins = (day >= now.paused) & chance(rng, p.pause, len(now.paused))
    until = day + 7 * (3 + rng.gamma(2.0, p.pause_weeks / 2, len(now.paused)))
    now.paused = np.where(begins, until, now.paused)


def _drop(rng: np.random.Generator, now: _Now, customers: Customers, p: Parameters, week: int, at_risk: Flags) -> None:
    """Who begins to leave this week: hazard = own hazard * exp(-b * satisfaction), higher for newcomers."""
    new = (customers.join_week >= 0) & (week - customers.join_week < 8)
    hazard = customers.hazard * np.exp(-p.dropout_by_satisfaction * now.satisfaction)
    leaves = at_risk & chance(rng, -np.expm1(-hazard * np.where(new, p.newcomer_dropout, 1.0)), customers.size)
    moment = 7.0 * (week + 1 + p.fading_weeks) + 7 * rng.random(customers.size)
    now.dropping = np.where(leaves, moment, now.dropping)
