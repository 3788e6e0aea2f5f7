"""Learning a rhythm from customers whose rhythm is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.favourites import DAY, Bought, Rhythm, run_out
from training.favourites import bought_again, bought_rows, fit_rhythm, learn_rhythm, log_likelihood
from training.purchases import PURCHASE_SCHEMA
from training.retrieval import connect, item_table

CUTOFF, WINDOW = datetime(2026, 6, 1, tzinfo=UTC), 28
NOW = CUTOFF.timestamp()


def users_up(customers: int = 1500, *, steadiness: float = 5.0, stays: float = 0.9, seed: int = 3):
    """What was bought by the cutoff, and when next: gaps are log-logistic, a share of purchases is the last."""
    rng = np.random.default_rng(seed)
    rows, again = [], []
    for _ in range(customers):
        median, at, times = rng.uniform(5, 30), rng.uniform(0, 40), []
        while at < 200:
            times.append(at)
            chance = rng.uniform()
            at += median * (chance / (1 - chance)) ** (1 / steadiness) if rng.uniform() < stays else np.inf
        before = [t for t in times if t < 160]
        after = [t for t in times if 160 <= t < 160 + WINDOW]
        if before:
            rows.append((len(before), len(before), 1, before[0], before[-1]))
            again.append(after[0] if after else np.nan)
    counts, units, last_units, first, last = np.array(rows, np.float64).T
    unknown = np.full(len(rows), np.nan)
    bought = Bought(counts, units, last_units, NOW + (first - 160) * DAY, NOW + (last - 160) * DAY, unknown, unknown)
    return bought, NOW + (np.array(again) - 160) * DAY


def test_the_rhythm_of_steady_customers_is_found_again():
    bought, again = users_up()
    found = fit_rhythm(bought, again, NOW, WINDOW)
    assert 3.5 < found.steadiness < 7.5, "drawn with 5"
    assert log_likelihood(bought, again, NOW, WINDOW, found) > log_likelihood(bought, again, NOW, WINDOW, Rhythm())


def test_unsteady_customers_are_told_from_steady_ones():
    assert fit_rhythm(*users_up(steadiness=1.7), NOW, WINDOW).steadiness < 3


def test_what_is_told_comes_true_as_often_as_told():
    found = fit_rhythm(*users_up(), NOW, WINDOW)
    bought, again = users_up(seed=4)
    chance = run_out(bought, NOW, found, horizon_days=7).probability
    came = again < NOW + 7 * DAY
    many = np.flatnonzero((bought.counts > 1) & ~np.isnan(chance))
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 1.0)):
        part = many[(chance[many] >= low) & (chance[many] < high)]
        assert len(part) > 50
        assert came[part].mean() == pytest.approx(chance[part].mean(), abs=0.08)


def test_too_few_purchases_teach_nothing():
    assert fit_rhythm(*users_up(60), NOW, WINDOW) == Rhythm()


def test_the_order_of_rows_teaches_nothing():
    bought, again = users_up(700)
    order = np.random.default_rng(0).permutation(len(again))
    mixed = Bought(**{name: column[order] for name, column in vars(bought).items()})
    straight, shuffled = (vars(fit_rhythm(*rows, NOW, WINDOW)) for rows in ((bought, again), (mixed, again[order])))
    assert shuffled == pytest.approx(straight, rel=0.05)


def test_what_was_bought_by_the_cutoff_and_when_next():
    def line(order, item, days, quantity=1, late=0):
        at = CUTOFF + timedelta(days=days)
        return ("aino", order, item, quantity, 100, at, at + timedelta(days=late))

    lines = [
        line("o1", "tea", -20, 2), line("o1", "tea", -20, 1), line("o2", "tea", -10, 4), line("o3", "tea", 5),
        line("o4", "jam", -3, 1, late=10), line("o5", "rye", -1), line("o6", "rye", 40),
    ]  # fmt: skip
    columns = dict(zip(PURCHASE_SCHEMA.names, zip(*lines, strict=True), strict=True))
    with connect(pa.table(columns, schema=PURCHASE_SCHEMA)) as con:
        table = item_table(con, CUTOFF)
        rows = bought_rows(con, CUTOFF, table)
        again = bought_again(con, rows, table, CUTOFF, CUTOFF + timedelta(days=WINDOW))
        assert learn_rhythm(con, table, CUTOFF, WINDOW) == Rhythm(), "of two items nothing is learned"
    assert table.item_id[rows.item].tolist() == ["rye", "tea"], "of the jam nobody knew by then"
    assert rows.bought.counts.tolist() == [1, 2]
    assert rows.bought.units.tolist() == [1, 7]
    assert rows.bought.last_units.tolist() == [1, 4]
    assert ((NOW - rows.bought.last_at) / DAY).tolist() == [1, 10]
    assert (NOW - rows.bought.first_at[1]) / DAY == 20
    assert np.isnan(again[0]) and (again[1] - NOW) / DAY == 5, "forty days on is out of the window"
