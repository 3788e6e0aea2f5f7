"""How customers stand with the shop from week to week: satisfaction, trouble, pauses, leaving."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.customers import Customers
from pipelines.shop.fates import Fates, shocks, touch, troubles
from pipelines.shop.letters import SENT_AT, SLEEPING_DOG, Letters, Plan
from pipelines.shop.parameters import Parameters

LOWEST, HIGHEST = -4.0, 2.0


@dataclass
class Minds:
    """What changes with the weeks; arrays over customers, times in days from the shop's first day."""

    satisfaction: Floats
    dropping: Floats  # when she will have left, inf if she stays
    paused: Floats  # until when she has no use for the shop
    email: Flags  # may be written to
    withdrawn: Floats  # when she withdrew that, inf if she did not
    shock: Floats  # [weeks + 1, customers] still to come
    trouble: Flags  # [weeks + 1, customers] at the moment of each week's letter

    @classmethod
    def at_first(cls, rng: np.random.Generator, customers: Customers, weeks: int) -> "Minds":
        """Everyone near her own level, nothing scheduled."""
        n = customers.size
        return cls(
            satisfaction=customers.own_level + rng.normal(0, 0.15, n),
            dropping=np.full(n, np.inf),
            paused=np.zeros(n),
            email=customers.email == 1,
            withdrawn=np.full(n, np.inf),
            shock=np.zeros((weeks + 1, n)),
            trouble=np.zeros((weeks + 1, n), dtype=np.bool_),
        )

    def begin_week(self, rng: np.random.Generator, customers: Customers, p: Parameters, week: int) -> Floats:
        """Move satisfaction towards its own level, add the week's shocks; returns the activity, 0..1."""
        self.satisfaction += p.recovery * (customers.own_level - self.satisfaction) + self.shock[week]
        np.clip(self.satisfaction, LOWEST, HIGHEST, out=self.satisfaction)
        day, n = 7.0 * week, customers.size
        begins = (day >= self.paused) & chance(rng, p.pause, n)
        self.paused = np.where(begins, day + 7 * (3 + rng.gamma(2.0, p.pause_weeks / 2, n)), self.paused)
        fading = day >= self.dropping - 7 * p.fading_weeks
        calm = np.where(day < self.paused, p.paused_activity, 1.0) * np.where(fading, p.fading_activity, 1.0)
        here = (customers.join_week <= week) & (day < self.dropping)
        return np.asarray(here * calm)

    def read_letter(self, customers: Customers, p: Parameters, plan: Plan) -> None:
        """A letter hurts whoever is in trouble, and sleeping dogs."""
        annoyed = plan.who[plan.sent & plan.in_trouble]
        self.satisfaction[annoyed] += touch(customers, annoyed, np.full(len(annoyed), p.shock_sold_in_trouble))
        self.satisfaction[plan.who[plan.sent & (customers.segment[plan.who] == SLEEPING_DOG)]] += p.shock_sleeping_dog

    def withdraw(self, rng: np.random.Generator, p: Parameters, letters: Letters, week: int) -> None:
        """Unsubscribers lose their grant; a few others withdraw it by themselves."""
        leaving = np.isfinite(letters.unsubscribed)
        self.withdrawn[letters.who[leaving]] = letters.unsubscribed[leaving]
        self.email[letters.who[leaving]] = False
        quiet = np.flatnonzero(self.email & chance(rng, p.quiet_withdrawal, len(self.email)))
        self.withdrawn[quiet] = 7.0 * week + 0.4 + 6 * rng.random(len(quiet))
        self.email[quiet] = False

    def shake(self, customers: Customers, who: Ints, when: Floats, amount: Floats) -> None:
        """Let shocks be felt in the week after `when`."""
        soon = np.flatnonzero((amount != 0) & (when < 7.0 * (len(self.shock) - 1)))
        week = (when[soon] // 7).astype(np.int64) + 1
        np.add.at(self.shock, (week, who[soon]), touch(customers, who[soon], amount[soon]))

    def schedule(self, customers: Customers, p: Parameters, fates: Fates, who: Ints, at: Floats) -> None:
        """Put what will become of orders where the coming weeks will find it."""
        for when, amount in shocks(fates, at, p):
            self.shake(customers, who, when, amount)
        end = 7.0 * (len(self.trouble) - 1)
        for begins, ends in troubles(fates):
            hits = np.flatnonzero(begins < end)
            week = np.ceil((begins[hits] - SENT_AT) / 7).astype(np.int64)
            until = np.minimum(ends[hits], end)
            while len(hits):
                inside = 7.0 * week + SENT_AT < until
                hits, week, until = hits[inside], week[inside], until[inside]
                self.trouble[week, who[hits]] = True
                week = week + 1

    def drop(self, rng: np.random.Generator, customers: Customers, p: Parameters, week: int, active: Flags) -> None:
        """Who begins to leave this week: hazard = own hazard * exp(-b * satisfaction), higher for newcomers."""
        new = (customers.join_week >= 0) & (week - customers.join_week < 8)
        hazard = customers.hazard * np.exp(-p.dropout_by_satisfaction * self.satisfaction)
        leaves = active & ~np.isfinite(self.dropping)
        leaves &= chance(rng, -np.expm1(-hazard * np.where(new, p.newcomer_dropout, 1.0)), customers.size)
        moment = 7.0 * (week + 1 + p.fading_weeks) + 7 * rng.random(customers.size)
        self.dropping = np.where(leaves, moment, self.dropping)
