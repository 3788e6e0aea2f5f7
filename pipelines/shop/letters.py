"""The old shop's weekly letter: who it is planned for, who is held back at random, and what it does to them."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.customers import Customers
from pipelines.shop.parameters import OFFERS, Parameters

SENT_AT = 0.25  # days after the week's first midnight
SLEEPING_DOG = 3


@dataclass(frozen=True)
class Plan:
    """This week's letter: rows are the customers it was planned for."""

    who: Ints
    offer: Ints  # which of OFFERS
    sent: Flags  # False: drawn into the control group
    added: Floats  # true change of the week's planned-order intensity if sent
    in_trouble: Flags

    @classmethod
    def to(cls, who: Ints, offer: Ints, customers: Customers, trouble: Flags) -> "Plan":
        """A letter to each of `who`, without a control group."""
        return cls(who, offer, np.ones(len(who), dtype=np.bool_), customers.uplift[who, offer], trouble[who])


@dataclass(frozen=True)
class Letters:
    """What became of the planned letters of all weeks, one row each; times in days, inf where it did not happen."""

    who: Ints
    week: Ints
    offer: Ints
    sent: Flags
    in_trouble: Flags
    without: Floats  # true probability of an order in the week without the letter
    with_letter: Floats  # and with it
    opened: Floats
    clicked: Floats
    accepted: Floats
    unsubscribed: Floats


def plan_letter(
    rng: np.random.Generator, p: Parameters, customers: Customers, week: int, may: Flags, trouble: Flags
) -> Plan:
    """Draw the audience among those who `may` be written to, and its control group."""
    planned = np.flatnonzero(may & chance(rng, p.audience, customers.size))
    offer = np.full(len(planned), week % len(OFFERS), dtype=np.int64)
    return Plan(
        who=planned,
        offer=offer,
        sent=~chance(rng, p.control, len(planned)),
        added=customers.uplift[planned, offer],
        in_trouble=trouble[planned],
    )


def reception(
    rng: np.random.Generator,
    p: Parameters,
    plan: Plan,
    week: int,
    without: Floats,
    with_letter: Floats,
    ordered_at: Floats,
    uses_offer: Flags,
) -> Letters:
    """How the letter was received; `ordered_at` [audience] is inf where no order was made this week."""
    n = len(plan.who)
    start = 7.0 * week + SENT_AT
    ordered = plan.sent & np.isfinite(ordered_at)
    accepted = ordered & uses_offer
    clicked = plan.sent & (chance(rng, np.where(ordered, 0.4, p.opened * p.clicked), n) | accepted)
    opened = plan.sent & (clicked | chance(rng, p.opened * (1 - p.clicked), n))
    opened_at = np.minimum(start + 0.02 + rng.exponential(0.7, n), np.where(clicked, ordered_at - 0.05, np.inf))
    opened_at = np.maximum(opened_at, start + 0.01)
    clicked_at = np.minimum(opened_at + 0.0005 + 0.004 * rng.random(n), ordered_at - 0.01)
    leaves = plan.sent & chance(rng, np.where(plan.in_trouble, p.unsubscribe_in_trouble, p.unsubscribe), n)
    never = np.full(n, np.inf)
    return Letters(
        who=plan.who,
        week=np.full(n, week, dtype=np.int64),
        offer=plan.offer,
        sent=plan.sent,
        in_trouble=plan.in_trouble,
        without=without,
        with_letter=with_letter,
        opened=np.where(opened, opened_at, never),
        clicked=np.where(clicked, np.maximum(clicked_at, opened_at + 0.0001), never),
        accepted=np.where(accepted, ordered_at + 0.0002, never),
        unsubscribed=np.where(leaves, opened_at + 0.01 + 0.2 * rng.random(n), never),
    )
