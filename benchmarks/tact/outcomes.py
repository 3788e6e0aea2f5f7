"""What a policy brought, by the shop's truth alone: satisfaction, leaving, orders, margin, and what was sent."""

from dataclasses import dataclass

import numpy as np

from benchmarks.tact.shop import Led
from pipelines.shop.arrays import Flags, Floats
from pipelines.shop.deeds import case_lines
from pipelines.shop.fates import RETURN

CONTACT_CENTS, CALL_CENTS = 1.0, 400.0
CALLS = ("staff_call",)
"""Messages that promise a person's call, which is paid for, too."""
LAST_WEEKS = 13


@dataclass(frozen=True)
class Outcome:
    """One shop under one policy. All but `weekly` are means over its customers, from the policy's first week on.

    Customers are those who had not left when the policy began, and those who came later: the same under any policy.
    """

    figures: dict[str, float]
    weekly: Floats  # mean satisfaction of all who were customers by then, who left with that of their last week


def outcome(led: Led) -> Outcome:
    """Work the figures out."""
    life, first, weeks = led.life, led.setting.warm_up, led.setting.weeks
    day = 7.0 * first
    customers = (life.dropped > day) & (led.customers.join_week < weeks)
    n = float(customers.sum())
    mood, here = _mood(led)
    weekly = np.array([mood[w, customers & here[w]].mean() for w in range(first, weeks)])
    orders = life.orders.at >= day
    late = np.zeros(len(customers), dtype=np.bool_)
    late[life.orders.who[life.orders.at >= 7.0 * (weeks - LAST_WEEKS)]] = True
    sold = sum(len(post.who) for post in led.posts)
    said = sum(len(post.messages) for post in led.posts)
    calls = sum(message.action in CALLS for post in led.posts for message in post.messages)
    hurt = sum(int(flags.sum()) for flags in led.in_trouble)
    earned, given = _cents(led)
    spent = CONTACT_CENTS * (sold + said) + CALL_CENTS * calls
    return Outcome(
        {
            "satisfaction_end": float(mood[weeks - 1, customers].mean()),
            "satisfaction": float(weekly.mean()),
            "left_percent": 100 * float((life.dropped[customers] < 7.0 * weeks).mean()),
            "orders": float(orders.sum()) / n,
            "ordered_lately_percent": 100 * float(late[customers].mean()),
            "margin_eur": float(earned[orders].sum() - spent) / 100 / n,
            "discount_eur": float(given[orders].sum()) / 100 / n,
            "letters": sold / n,
            "letters_in_trouble": 100 * hurt / n,
            "messages": said / n,
            "messages_percent": 100 * said / max(sold + said, 1),
        },
        weekly,
    )


def _mood(led: Led) -> tuple[Floats, Flags]:
    """[weeks, customers]: satisfaction, frozen when she left; and whether she had joined."""
    weeks = led.setting.weeks
    number = np.arange(weeks)[:, None]
    last = np.minimum(np.ceil(led.life.dropped / 7) - 1, weeks - 1).astype(np.int64)
    shown = np.minimum(number, last[None, :])
    mood = np.take_along_axis(led.life.satisfaction, shown, axis=0)
    return mood, number >= led.customers.join_week[None, :]


def _cents(led: Led) -> tuple[Floats, Floats]:
    """Of each order: margin after discounts, less that of goods sent back for their money; and discounts given."""
    life, lines = led.life, led.life.lines
    margin = lines.quantity * led.catalogue.margin[lines.item] - life.discount
    n = len(life.orders.who)
    earned = np.bincount(lines.order, margin, n).astype(np.float64)
    order, line = case_lines(life)
    back = (life.fates.case[order] == RETURN) & ~life.fates.cancelled[order]
    earned[order[back]] -= margin[line[back]]
    return earned, np.bincount(lines.order, life.discount, n).astype(np.float64)
