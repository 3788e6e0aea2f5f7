"""The moments at which customers say something about an order, and how it was for them by then."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.fates import DEFECT, FAILED, LATE, WRONG_SIZE
from pipelines.shop.parameters import Parameters
from pipelines.shop.weeks import Life

KINDS = ("rating", "review", "nps", "csat", "ces", "complaint", "comment")
RATING, REVIEW, NPS, CSAT, CES, COMPLAINS, COMMENT = range(7)
# By kind: lowest and highest score, the score of an ordinary experience, points per unit of experience.
SCALES = np.array([[1, 5, 4.15, 1.2], [1, 5, 4.2, 1.25], [0, 10, 8.1, 2.6], [1, 5, 4.1, 1.15], [1, 7, 2.5, -1.7]])


@dataclass(frozen=True)
class Moments:
    """Moments at which somebody may say something about an order, one row each."""

    order: Ints
    at: Floats
    kind: Ints
    about_case: Flags
    tablet: Flags


def draw_moments(rng: np.random.Generator, life: Life, p: Parameters) -> Moments:
    """Web orders are asked about or reviewed some days after delivery, store visits at once, cases when resolved."""
    fates, orders = life.fates, life.orders
    n = len(orders.who)
    hurt = np.isin(fates.cause, (DEFECT, LATE, FAILED)) | fates.slow
    after = np.flatnonzero(~orders.store & chance(rng, p.feedback * np.where(hurt, 2.0, 1.0), n))
    tablet = np.flatnonzero(orders.store & chance(rng, p.tablet, n))
    done = np.flatnonzero((fates.case >= 0) & ~fates.cancelled & chance(rng, p.case_feedback, n))
    kinds = [
        rng.choice(7, len(after), p=[0.22, 0.42, 0.11, 0.11, 0.08, 0.0, 0.06]),
        np.full(len(tablet), RATING),
        rng.choice([CSAT, CES, RATING], len(done), p=[0.45, 0.35, 0.2]),
    ]
    times = [
        fates.delivered[after] + 1 + rng.gamma(2.0, 2.5, len(after)),
        orders.at[tablet] + 0.002 + 0.004 * rng.random(len(tablet)),
        fates.resolved[done] + 0.1 + rng.exponential(1.0, len(done)),
    ]
    order = np.concatenate([after, tablet, done])
    part = np.repeat([0, 1, 2], [len(after), len(tablet), len(done)])
    return Moments(order, np.concatenate(times), np.concatenate(kinds).astype(np.int64), part == 2, part == 1)


def experience(rng: np.random.Generator, life: Life, moments: Moments) -> Floats:
    """How it was for her, 0 being ordinary: her satisfaction then, what she knows of the order by then, and chance."""
    fates, order = life.fates, moments.order
    week = np.clip(moments.at // 7, 0, len(life.satisfaction) - 1).astype(np.int64)
    mood = np.clip(life.satisfaction[week, life.orders.who[order]], -2.5, 1.5)
    cause, seen = fates.cause[order], ~moments.tablet
    overdue = np.clip(fates.delivered[order] - np.minimum(fates.promised[order], fates.delivered[order]), 0, 10)
    stuck = fates.slow[order] & (moments.at > fates.opened[order] + 10)
    eased = (fates.case[order] >= 0) & ~fates.slow[order] & (moments.at > fates.resolved[order])
    waited = moments.tablet & (fates.friction[order] == 3)
    bad_day = chance(rng, np.where(moments.tablet, 0.06, 0.015), len(order))
    felt = (
        0.45 * mood
        + seen
        * np.select(
            [cause == LATE, cause == WRONG_SIZE, cause == DEFECT, cause == FAILED], [-0.6, -0.7, -1.9, -2.0], 0.0
        )
        - seen * 0.1 * overdue
        - 1.5 * stuck
        + np.where(eased, np.where(moments.about_case, 1.0, 0.4), 0.0)
        + 0.4 * fates.kind_staff[order]
        - np.where(waited, 1.9, np.where(fates.friction[order] >= 0, 0.5, 0.0))
        - 2.8 * bad_day
    )
    return np.asarray(felt + rng.normal(0, 0.55, len(order)))
