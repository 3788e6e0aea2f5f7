"""What becomes of an order: its delivery, its case if one is opened, and what that does to the customer."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.customers import Customers
from pipelines.shop.parameters import Parameters

CARRIERS = ("Posti", "Matkahuolto", "Nopsa")
CARRIER_LATENESS = np.array([0.8, 1.0, 1.7])
NONE, EXCHANGE, RETURN, WARRANTY, COMPLAINT, CLAIM, QUESTION = range(-1, 6)
CASE_KINDS = ("exchange", "return", "warranty", "complaint", "delivery_claim", "question")
FINE, WRONG_SIZE, DEFECT, LATE, FAILED, REGRET = range(6)
MAX_ASKS = 8
NEVER = np.inf


@dataclass(frozen=True)
class Fates:
    """Arrays over orders; times in days from the shop's first day, NEVER where it does not happen."""

    carrier: Ints  # -1: carried home from a store
    promised: Floats
    shipped: Floats
    delivered: Floats
    delay_notice: Floats
    failed: Floats
    cause: Ints  # FINE.. what went wrong with it
    case: Ints  # NONE, or an index of CASE_KINDS
    opened: Floats
    resolved: Floats
    asks: Ints
    ask_gap: Floats
    slow: Flags
    reopened: Flags
    cancelled: Flags
    wrong_line: Floats  # 0..1: which of the order's lines the case is about
    kind_staff: Flags
    friction: Ints  # -1, or an index of FRICTIONS
    wait: Floats


FRICTIONS = ("failed_checkout", "payment_error", "pickup_unavailable", "long_wait", "out_of_stock")


def draw_fates(
    rng: np.random.Generator, p: Parameters, at: Floats, store: Flags, sized: Flags, defects: Floats, month: int
) -> Fates:
    """Fates of orders placed at `at` in one week; `sized` and `defects` describe their goods."""
    n = len(at)
    carrier = np.where(store, -1, rng.choice(3, n, p=[0.5, 0.3, 0.2]))
    winter = 2.2 if month == 12 else 1.3 if month in (1, 11) else 0.8
    promised = np.floor(at) + 3 + rng.integers(0, 4, n) + 17 / 24
    late = ~store & chance(rng, p.late * winter * CARRIER_LATENESS[carrier], n)
    failed = ~store & ~late & chance(rng, p.failed * winter, n)
    early = at + 0.8 + (promised - at - 0.8) * rng.beta(4, 2, n)
    beyond = promised + 0.7 + rng.gamma(1.3, p.late_scale / 1.3, n)
    refused = by_day(promised + rng.random(n), 8, 18)
    again = refused + 4 + rng.random(n) * 8
    arrives = np.where(late, beyond, np.where(failed, again, early))
    delivered = np.where(store, at, by_day(arrives, 8, 18))
    shipped = by_day(at + np.minimum((arrives - at) * 0.6, 0.4 + 1.6 * rng.random(n)), 8, 18)

    wrong_size = sized & chance(rng, p.wrong_size, n)
    defect = chance(rng, defects, n)
    regret = chance(rng, p.regret, n)
    complains_late = late & (chance(rng, p.complaint_when_late * (1 + (beyond - promised) / 4), n))
    cause = np.select(
        [failed, late & complains_late, wrong_size, defect, late, regret],
        [FAILED, LATE, WRONG_SIZE, DEFECT, LATE, REGRET],
        FINE,
    )
    u = rng.random(n)
    case = np.select(
        [
            cause == FAILED,
            complains_late,
            cause == WRONG_SIZE,
            (cause == DEFECT) & (u < 0.4),
            (cause == DEFECT) & (u < 0.75),
            cause == REGRET,
            u > 1 - p.question,
        ],
        [CLAIM, COMPLAINT, np.where(u < 0.65, EXCHANGE, RETURN), WARRANTY, COMPLAINT, RETURN, QUESTION],
        NONE,
    )
    drag = np.array([p.drag_exchange, p.drag_return, p.drag_warranty, p.drag_complaint, p.drag_claim, 0.03, 0.0])
    slow = (case != NONE) & chance(rng, drag[case], n)
    opened = np.select(
        [case == CLAIM, complains_late],
        [refused + 0.2 + rng.random(n), promised + 0.5 + (beyond - promised) * rng.random(n)],
        delivered + 0.3 + rng.gamma(1.5, 2.5, n),
    )
    opened = by_day(opened, 6, 23)
    quick_days = 1.5 + rng.gamma(2.0, 1.8, n)
    quick_days = np.where(case == QUESTION, quick_days / 4, quick_days)
    resolved = by_day(opened + 0.3 + np.where(slow, 16 + rng.gamma(2.0, 9.0, n), quick_days), 8, 16)
    ask_gap = 4.5 + rng.gamma(2.0, 2.2, n)
    asks = np.where(slow, np.minimum((resolved - opened - 0.5) / ask_gap, MAX_ASKS), 0.0)
    hindered = chance(rng, np.where(store, p.long_wait, p.friction_order), n)
    kind = np.where(store, 3, rng.choice(3, n, p=[0.45, 0.3, 0.25]))
    return Fates(
        carrier=carrier,
        promised=np.where(store, NEVER, promised),
        shipped=np.where(store, NEVER, shipped),
        delivered=delivered,
        delay_notice=np.where(late & chance(rng, 0.65, n), promised + 0.1 + 0.3 * rng.random(n), NEVER),
        failed=np.where(failed, refused, NEVER),
        cause=cause,
        case=case,
        opened=np.where(case == NONE, NEVER, opened),
        resolved=np.where(case == NONE, NEVER, resolved),
        asks=np.maximum(np.floor(asks), 0).astype(np.int64),
        ask_gap=ask_gap,
        slow=slow,
        reopened=(case != NONE) & ~slow & (case <= COMPLAINT) & chance(rng, 0.05, n),
        cancelled=(case == RETURN) & ~slow & chance(rng, 0.06, n),
        wrong_line=rng.random(n),
        kind_staff=chance(rng, np.where(store, 0.3, 0.05), n),
        friction=np.where(hindered, kind, -1),
        wait=60.0 * np.round(12 + rng.gamma(2.0, 9.0, n)),
    )


def by_day(days: Floats, opens: float, closes: float) -> Floats:
    """The same days and order within a day, but between two hours."""
    day = np.floor(days)
    return np.asarray(day + (opens + (closes - opens) * (days - day)) / 24)


def shocks(fates: Fates, at: Floats, p: Parameters) -> list[tuple[Floats, Floats]]:
    """(when, how much) for each order and thing that happens to it; weighed by touchiness later."""
    lateness = np.maximum(fates.delivered - np.minimum(fates.promised, fates.delivered), 0.0)
    happened: list[tuple[Floats, Floats]] = [
        (fates.promised + 1, np.where(fates.cause == LATE, p.shock_late + p.shock_late_day * lateness, 0.0)),
        (fates.failed, np.full(len(at), p.shock_failed)),
        (fates.delivered + 0.5, np.where(fates.cause == WRONG_SIZE, p.shock_wrong_size, 0.0)),
        (fates.delivered + 2.0, np.where(fates.cause == DEFECT, p.shock_defect, 0.0)),
        (at, np.where(fates.kind_staff, p.shock_kind_staff, 0.0)),
        (at, np.where(fates.friction >= 0, p.shock_friction, 0.0)),
        (fates.resolved, np.where(fates.slow, p.shock_slow, np.where(fates.case >= 0, p.shock_quick, 0.0))),
    ]
    asked = [(fates.opened + (k + 1) * fates.ask_gap, fates.asks > k) for k in range(MAX_ASKS)]
    return happened + [(when, np.where(asks, p.shock_asked, 0.0)) for when, asks in asked]


def troubles(fates: Fates) -> list[tuple[Floats, Floats]]:
    """Spans in which selling to her hurts: a case open that is no ordinary return, a delivery overdue."""
    serious = (fates.case != NONE) & (fates.case != QUESTION) & ((fates.case != RETURN) | fates.slow)
    overdue = (fates.cause == LATE) | (fates.cause == FAILED)
    return [
        (np.where(serious, fates.opened, NEVER), fates.resolved),
        (np.where(overdue, fates.promised, NEVER), fates.delivered),
    ]


def touch(customers: Customers, who: Ints, amount: Floats) -> Floats:
    """A shock as this customer takes it: bad ones by her touchiness, good ones as they are."""
    return np.where(amount < 0, amount * customers.touchiness[who], amount)
