"""The simulated truth that models are held against: the shop lived again is the shop that was told."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest

from benchmarks.comparison import OURS
from benchmarks.truth import moved
from benchmarks.truth.contacts import JUDGED, LETTERS, draw_letters
from benchmarks.truth.leaving import calibration_line
from benchmarks.truth.worlds import START, live_to, midnight, order_chances
from features.inputs.scoring import logit, sigmoid
from pipelines.simulate import simulate

CUSTOMERS, WEEKS = 150, 30


def test_a_shop_lived_again_is_the_one_that_was_told(tmp_path: Path) -> None:
    simulate(tmp_path, customers=CUSTOMERS, seed=4, start=START, days=7 * WEEKS)
    told = ds.dataset(sorted((tmp_path / "truth").glob("satisfaction-*.parquet"))).to_table()
    lived = live_to(4, customers=CUSTOMERS, weeks=WEEKS, until=WEEKS).life()
    np.testing.assert_allclose(np.array(told["satisfaction"].to_pylist()), lived.satisfaction.T, atol=6e-4)
    events = ds.dataset(tmp_path / "events").to_table(
        columns=["customer_id", "occurred_at"], filter=ds.field("type") == "purchase"
    )
    who = {int(name[1:]) for name in events["customer_id"].to_pylist()}
    early = lived.orders.at < 7 * (WEEKS - 4)  # the newest may not have been received yet
    assert len(who) > CUSTOMERS / 2 and set(lived.orders.who[early].tolist()) <= who
    assert min(events["occurred_at"].to_pylist()) >= midnight(0)


def test_of_many_futures_the_one_that_came_is_an_ordinary_one() -> None:
    """The chances sum to what happened, within three standard errors, and those who left order in none."""
    until, ahead = 22, 6
    shop = live_to(4, customers=CUSTOMERS, weeks=WEEKS, until=until)
    before = shop.satisfaction.copy()
    chances = order_chances(shop, ahead, 60, seed=0)
    np.testing.assert_array_equal(shop.satisfaction, before)
    assert shop.number == until - 1
    life = live_to(4, customers=CUSTOMERS, weeks=WEEKS, until=WEEKS).life()
    after = (life.orders.at >= 7 * until) & (life.orders.at < 7 * (until + ahead))
    came = np.isin(np.arange(CUSTOMERS), life.orders.who[after])
    error = np.sqrt((chances * (1 - chances)).sum())
    assert abs(came.sum() - chances.sum()) < 3 * error
    gone = life.dropped < 7 * until
    assert gone.any() and chances[gone].max() == 0
    assert np.corrcoef(chances, came)[0, 1] > 0.4


def test_the_line_finds_how_far_probabilities_are_off() -> None:
    true = np.linspace(0.03, 0.97, 500)
    told = sigmoid(2 * logit(true) + 0.5)  # twice too extreme, and too high
    slope, intercept = calibration_line(told, true)
    assert (slope, intercept) == (pytest.approx(0.5, abs=0.01), pytest.approx(-0.25, abs=0.01))


def test_drawn_letters_hold_the_draw_the_time_and_the_effect() -> None:
    letters = draw_letters(2, 1_200)
    known, asked = letters.known, letters.asked
    assert known.treated.mean() == pytest.approx(0.85, abs=0.03)
    assert len(known) / len(asked) == pytest.approx((LETTERS - JUDGED) / JUDGED, rel=0.25)
    recency = asked.inputs[:, asked.names.index("recency_days")]
    assert np.nanmin(recency) >= 0, "nothing after the week's first midnight is known"
    difference = known.outcome[known.treated > 0.5].mean() - known.outcome[known.treated < 0.5].mean()
    assert letters.effect.mean() == pytest.approx(difference, abs=0.05)
    assert (letters.effect < 0).any() and (letters.effect > 0.05).any()


def test_who_is_told_the_true_effects_knows_more_than_a_lottery() -> None:
    limit = moved.fit_ceiling(draw_letters(3, 3_000))
    found = moved.figures(draw_letters(2, 600), limit)
    assert found["rank"][moved.CEILING] > 0.1 > abs(found["rank"]["random order"])
    assert "refused" in found or OURS in found["rank"]


def test_weeks_begin_at_midnight() -> None:
    assert midnight(3) - midnight(2) == timedelta(days=7)
