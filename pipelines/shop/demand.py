"""Who orders in a week and what: planned orders by taste and season, staples that ran out, needs of what is owned."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.baskets import Lines, add_complements, merge_lines, wish_lines
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.customers import STAPLES, Customers
from pipelines.shop.dice import Dice
from pipelines.shop.letters import Plan
from pipelines.shop.needs import Belongings
from pipelines.shop.parameters import Parameters


@dataclass(frozen=True)
class Week:
    """A week's conditions: its number, month, seasonal factor by department, general reduction."""

    number: int
    month: int
    season: Floats
    sale: float

    @property
    def day(self) -> float:
        """Its first midnight, in days from the shop's first day."""
        return 7.0 * self.number


@dataclass(frozen=True)
class Demand:
    """The week's buyers with their baskets, and the letters' true chances of an order.

    `planned` is over buyers, `without` and `with_letter` over the plan's customers.
    """

    buyers: Ints
    planned: Flags
    basket: Lines
    without: Floats
    with_letter: Floats
    intensity: Floats  # [customers] of planned orders without any letter


@dataclass
class Wants:
    """What customers will need when: the next due date of each staple, and what they own."""

    due: Floats
    belongings: Belongings

    @classmethod
    def at_first(cls, rng: np.random.Generator, catalogue: Catalogue, customers: Customers) -> "Wants":
        """Staples somewhere in their cycles; nothing owned that the shop sold."""
        joined = 7.0 * np.maximum(customers.join_week, 0)[:, None]
        due = joined + rng.random((customers.size, STAPLES)) * customers.cycle
        return cls(
            np.where(customers.staple >= 0, due, np.inf),
            Belongings.none(customers.size, catalogue),
        )


def demand(
    dice: Dice,
    catalogue: Catalogue,
    customers: Customers,
    p: Parameters,
    week: Week,
    plan: Plan,
    satisfaction: Floats,
    activity: Floats,
    wants: Wants,
) -> Demand:
    """Planned orders are Poisson with rate * season * exp(b * satisfaction) * sale, plus what a letter adds."""
    n, rng = customers.size, dice(week.number, "demand")
    mood = np.exp(p.rate_by_satisfaction * np.clip(satisfaction, -3, 1))
    keen = 1 + p.sale_pull * week.sale * (0.5 + customers.price_sensitivity)
    base = customers.rate * (customers.taste @ week.season) * mood * keen
    lettered = base.copy()
    lettered[plan.who] += np.where(plan.sent, plan.added, 0.0)
    planned = chance(rng, -np.expm1(-np.maximum(lettered, 0) * activity), n)
    planned |= (customers.join_week == week.number) & (activity > 0)
    staples, chances = _staples_due(rng, p, customers, wants, week.day, satisfaction, activity)
    need_who, need_item = wants.belongings.needs(dice, week.month, week.number, np.flatnonzero(activity == 1), mood)

    buyers = np.unique(np.concatenate([np.flatnonzero(planned), np.flatnonzero(staples.any(axis=1)), need_who]))
    number = np.full(n, -1, dtype=np.int64)
    number[buyers] = np.arange(len(buyers))
    rng = dice(week.number, "baskets")
    wishing = np.arange(n) if dice.for_all else np.flatnonzero(planned)
    weights = wants.belongings.weigh(customers.taste[wishing] * week.season, wishing)
    orders = np.where(planned, number, -1)[wishing]
    order, item = wish_lines(rng, catalogue, weights, customers.factors[wishing], orders, week.month, p.factor_strength)
    order, item = add_complements(rng, catalogue, order, item)
    order, item = order[order >= 0], item[order >= 0]
    staple_who, slot = np.nonzero(staples)
    basket = merge_lines(
        rng,
        catalogue,
        np.concatenate([order, number[staple_who], number[need_who]]),
        np.concatenate([item, customers.staple[staple_who, slot], need_item]),
    )
    wants.belongings.bought(week.number, buyers[basket.order], basket.item)
    stays = 1 - chances[plan.who]
    awake = activity[plan.who]
    return Demand(
        buyers=buyers,
        planned=planned[buyers],
        basket=basket,
        without=1 - stays * np.exp(-base[plan.who] * awake),
        with_letter=1 - stays * np.exp(-np.maximum(base[plan.who] + plan.added, 0) * awake),
        intensity=base * activity,
    )


def _staples_due(
    rng: np.random.Generator,
    p: Parameters,
    customers: Customers,
    wants: Wants,
    day: float,
    satisfaction: Floats,
    activity: Floats,
) -> tuple[Flags, Floats]:
    """Which staples are bought this week, and the chance that any is; moves their next due dates on.

    What is due within the next two weeks joins. A staple that is due and not bought was bought elsewhere.
    """
    due = wants.due < day + 7
    chances = due.any(axis=1) * p.staple_bought_here * activity * np.exp(0.35 * np.clip(satisfaction, -3, 0))
    buys = chance(rng, chances, len(chances))
    bought = buys[:, None] & (wants.due < day + 15)
    next_due = day + 3.5 + customers.cycle * rng.lognormal(0, p.cycle_noise, due.shape)
    wants.due = np.where(bought | due, next_due, wants.due)
    return bought, chances
