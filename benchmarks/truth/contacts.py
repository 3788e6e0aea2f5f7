"""Letters of a large simulated shop as rows to learn an effect from, straight from its life: no log, no store.

The inputs are the product's (`features/inputs/frame.py`), from what a shop could have counted by the week's first
midnight: orders, spend, rhythm, discounts, letters. The draw, the response and the true effect are the simulator's.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.truth.worlds import START
from features.inputs.frame import DAY_SECONDS, customer_inputs
from pipelines.shop.arrays import Floats, Ints
from pipelines.shop.catalogue import Catalogue, make_catalogue
from pipelines.shop.customers import draw_customers
from pipelines.shop.parameters import OFFERS, PARAMETERS
from pipelines.shop.weeks import Life, live
from training.uplift_learners import UpliftRows

WEEKS, LETTERS, JUDGED = 52, 24, 8
MONTH, QUARTER, YEAR, FOUR_WEEKS = 30, 90, 365, 28


@dataclass(frozen=True)
class Drawn:
    """Letters to learn from and newer ones to judge by, and the true effect of each on the chance of an order."""

    known: UpliftRows
    effect: Floats
    asked: UpliftRows
    asked_effect: Floats


def draw_letters(seed: int, customers: int) -> Drawn:
    """The last `LETTERS` weekly letters of a shop that lives `WEEKS` weeks; the newest `JUDGED` of them judge."""
    of_catalogue, who, life_seed = np.random.SeedSequence(seed).spawn(3)
    catalogue = make_catalogue(np.random.default_rng(of_catalogue))
    people = draw_customers(np.random.default_rng(who), catalogue, PARAMETERS, first=0, size=customers, weeks=WEEKS)
    life = live(np.random.default_rng(life_seed), catalogue, people, PARAMETERS, START, WEEKS)
    rows, effect, week = _rows(life, catalogue, customers)
    newer = week >= WEEKS - JUDGED
    return Drawn(rows.take(~newer), effect[~newer], rows.take(newer), effect[newer])


def _rows(life: Life, catalogue: Catalogue, customers: int) -> tuple[UpliftRows, Floats, Ints]:
    letters = life.letters
    told = letters.week >= WEEKS - LETTERS
    who, week, offer = letters.who[told], letters.week[told], letters.offer[told]
    ordered = np.zeros((WEEKS, customers), dtype=np.bool_)
    ordered[(life.orders.at // 7).astype(np.int64), life.orders.who] = True
    parts = [inputs_at(life, catalogue, customers, number, who[week == number]) for number in np.unique(week).tolist()]
    names, inputs = parts[0][0], np.concatenate([values for _, values in parts])
    some = ~np.isnan(inputs).all(axis=0)  # what only a store knows is left out
    kinds = np.equal.outer(offer, np.arange(len(OFFERS))).astype(np.float64)
    rows = UpliftRows(
        customers=np.array([f"c{number:07d}" for number in who.tolist()]),
        inputs=np.hstack([inputs[:, some], kinds]),
        names=(*np.array(names)[some].tolist(), *(f"action_{one.action_id}" for one in OFFERS)),
        treated=letters.sent[told].astype(np.float64),
        outcome=ordered[week, who].astype(np.float64),
        share=np.full(len(who), 1 - PARAMETERS.control),
    )
    return rows, (letters.with_letter - letters.without)[told], week


def inputs_at(life: Life, catalogue: Catalogue, customers: int, week: int, who: Ints) -> tuple[list[str], Floats]:
    """Names and `[who, inputs]` of the churn model's inputs, as known at the week's first midnight."""
    now = 7.0 * week
    past = np.flatnonzero(life.orders.at < now)
    past = past[np.lexsort([life.orders.at[past], life.orders.who[past]])]
    buyer, at = life.orders.who[past], life.orders.at[past]
    gross, off, pieces = _sums(life, catalogue)
    paid = (gross - off)[past]

    def total(values: Floats, days: float = np.inf) -> Floats:
        return np.asarray(np.bincount(buyer, np.where(at >= now - days, values, 0.0), customers), np.float64)

    first, last = np.full(customers, np.nan), np.full(customers, np.nan)
    last[buyer], first[buyer[::-1]] = at, at[::-1]
    ones, same = np.ones(len(past)), np.diff(buyer, prepend=-1) == 0
    gap = np.where(same, np.diff(at, prepend=0.0), 0.0) * DAY_SECONDS
    gaps = np.bincount(buyer, same, customers)
    latest = np.full(customers, np.nan)
    latest[buyer[same]] = gap[same]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(gaps > 0, total(gap) / gaps, np.nan)
        spread = np.where(gaps > 1, np.sqrt(np.maximum(total(gap**2) / gaps - mean**2, 0)), np.nan)
        cheaper = np.where(total(gross[past], YEAR) > 0, total(off[past], YEAR) / total(gross[past], YEAR), np.nan)
    sent = life.letters.sent & (life.letters.week < week) & (life.letters.week >= week - FOUR_WEEKS // 7)
    taken = np.isfinite(life.letters.accepted) & (life.letters.accepted < now)
    columns = {
        "first_purchase_at": first * DAY_SECONDS,
        "last_purchase_at": last * DAY_SECONDS,
        "purchase_count_30d": total(ones, MONTH),
        "purchase_count_90d": total(ones, QUARTER),
        "purchase_count_365d": total(ones, YEAR),
        "purchase_count_total": total(ones),
        "revenue_90d": total(paid, QUARTER),
        "revenue_365d": total(paid, YEAR),
        "revenue_total": total(paid),
        "items_total": total(pieces[past]),
        "mean_gap_seconds": mean,
        "sd_gap_seconds": spread,
        "last_gap_seconds": latest,
        "discount_share_365d": cheaper,
        "email_contacts_28d": np.bincount(life.letters.who[sent], minlength=customers),
        "offers_accepted_365d": np.bincount(life.letters.who[taken], minlength=customers),
    }
    here = {name: np.asarray(values, np.float64)[who] for name, values in columns.items()}
    return customer_inputs(here, np.full(len(who), now * DAY_SECONDS))


def _sums(life: Life, catalogue: Catalogue) -> tuple[Floats, Floats, Floats]:
    """(cents before discount, cents off, pieces) of each order."""
    order, n = life.lines.order, len(life.orders.who)
    gross = life.lines.quantity * catalogue.price[life.lines.item]
    cents, off, pieces = (
        np.bincount(order, values, n).astype(np.float64) for values in (gross, life.discount, life.lines.quantity)
    )
    return cents, off, pieces
