"""Laws of the favourites list: what runs out when, whatever the history and the shop's rhythm."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BundleError
from features.favourites import DAY, Bought, Habits, Rhythm, read_rhythm, run_out, soonest

NOW = 1_700_000_000.0
REGULAR = Rhythm(centre=1.0, steadiness=6.0, doubt=0.5)
rhythms = st.builds(
    Rhythm,
    centre=st.floats(0.5, 1.5),
    steadiness=st.floats(0.8, 8.0),
    doubt=st.floats(0.01, 20.0),
    borrowed=st.floats(0.01, 20.0),
    amount=st.floats(0.01, 1.0),
    stays=st.floats(0.01, 0.99),
    stays_weight=st.floats(0.1, 50.0),
)


def bought(*rows):
    """Rows of (orders, pieces in all, pieces last, days since the first, days since the last[, others' gap, rate])."""
    full = np.array([(*row, np.nan, np.nan)[:7] for row in rows], np.float64).T
    counts, units, last_units, first, last, gap_days, repeat_rate = full
    return Bought(counts, units, last_units, NOW - first * DAY, NOW - last * DAY, gap_days, repeat_rate)


@st.composite
def histories(draw, least=1):
    count = draw(st.integers(1, 40))
    last = draw(st.floats(0, 500))
    gap = draw(st.floats(0.6, 120))
    units = [draw(st.integers(1, 5)) * n for n in (count - 1, 1)]
    others = draw(st.sampled_from([(np.nan, np.nan), (7.0, 0.4), (30.0, 0.1)]))
    return count, sum(units), units[1], last + gap * (count - 1), last, *others


@given(row=histories(), rhythm=rhythms)
def test_dates_are_in_order_and_not_past_and_chances_are_chances(row, rhythm):
    found = run_out(bought(row), NOW, rhythm)
    if np.isnan(found.probability[0]):
        assert row[0] == 1 and np.isnan(row[5]), "once bought, and unknown how long it lasts others"
        return
    assert NOW - 1e-3 <= found.early[0] <= found.at[0] <= found.late[0]
    assert 0 <= found.probability[0] <= 1
    assert found.quantity[0] >= 1


@given(row=histories(), rhythm=rhythms)
def test_a_longer_horizon_is_likelier(row, rhythm):
    chances = [run_out(bought(row), NOW, rhythm, horizon_days=days).probability[0] for days in (1, 7, 28)]
    assert np.isnan(chances).all() or chances == sorted(chances)


@given(row=histories(), more=st.integers(1, 50), rhythm=rhythms)
def test_who_takes_more_runs_out_later(row, more, rhythm):
    count, units, last_units, *times = row
    less = run_out(bought(row), NOW, rhythm)
    plenty = run_out(bought((count, units + more, last_units + more, *times)), NOW, rhythm)
    if count > 1:
        assert plenty.at[0] > less.at[0] or less.at[0] == np.inf
        assert plenty.late[0] >= less.late[0]


@given(rows=st.lists(histories(), min_size=2, max_size=12), rhythm=rhythms, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows, rhythm, seed):
    names = np.array([f"i{n}" for n in range(len(rows))])
    order = np.random.default_rng(seed).permutation(len(rows))
    straight, mixed = run_out(bought(*rows), NOW, rhythm), run_out(bought(*(rows[i] for i in order)), NOW, rhythm)
    assert np.array_equal(straight.at[order], mixed.at, equal_nan=True)
    first = names[soonest(straight.probability, bought(*rows).last_at, names)]
    again = soonest(mixed.probability, bought(*(rows[i] for i in order)).last_at, names[order])
    assert first.tolist() == names[order][again].tolist()


@given(gap=st.floats(2, 90), count=st.integers(3, 40), rhythm=rhythms)
def test_what_is_bought_today_is_not_expected_to_run_out_tomorrow_unless_its_rhythm_says_so(gap, count, rhythm):
    row = (count, count, 1, gap * (count - 1), 0.0)
    assert run_out(bought(row), NOW, rhythm).at[0] >= NOW + 0.5 * gap * DAY - 1e-3
    daily = (count, count, 1, 0.7 * (count - 1), 0.0)
    assert run_out(bought(daily), NOW, rhythm).at[0] <= NOW + 1.5 * 0.7 * DAY + 1e-3, "and here it does"


@given(gap=st.floats(2, 60), count=st.integers(4, 40))
def test_of_two_with_one_rhythm_the_one_bought_today_comes_after_the_one_that_is_due(gap, count):
    today = (count, count, 1, gap * (count - 1), 0.0)
    due = (count, count, 1, gap * count, gap)
    found = run_out(bought(today, due), NOW, REGULAR, horizon_days=1.0)
    assert found.probability[1] > found.probability[0]
    assert found.at[1] < found.at[0]


@given(gap=st.floats(1, 60), count=st.integers(2, 40), rhythm=rhythms)
def test_what_she_gave_up_comes_last(gap, count, rhythm):
    steady = replace(rhythm, steadiness=max(rhythm.steadiness, 2.0))
    kept = (count, count, 1, gap * (count - 0.5), gap * 0.5)
    given_up = (count, count, 1, gap * (count + 199), gap * 200)
    found = run_out(bought(given_up, kept), NOW, steady, horizon_days=gap)
    assert found.probability[0] < found.probability[1]
    assert found.probability[0] < 0.05


def test_bought_once_it_lasts_as_long_as_it_lasts_others():
    found = run_out(bought((1, 1, 1, 3, 3, 10.0, 0.5), (1, 1, 1, 3, 3)), NOW, REGULAR)
    assert NOW + 5 * DAY < found.at[0] < NOW + 10 * DAY
    assert np.isnan(found.probability[1]), "of the other nobody knows how long it lasts"
    assert soonest(found.probability, np.zeros(2), np.array(["a", "b"])).tolist() == [0]


def test_two_orders_within_the_hour_are_no_rhythm():
    assert np.isnan(run_out(bought((2, 2, 1, 0.05, 0.01)), NOW, Rhythm()).probability[0])


def test_a_rhythm_is_read_back_or_refused(tmp_path):
    file = tmp_path / "rhythm.json"
    file.write_text('{"steadiness": 3.5}')
    assert read_rhythm(file) == Rhythm(steadiness=3.5)
    for wrong in ("", "[]", '{"steadiness": "much"}', '{"tempo": 1}', '{"steadiness": 0}', '{"steadiness": NaN}'):
        file.write_text(wrong)
        with pytest.raises(BundleError, match=r"rhythm\.json"):
            read_rhythm(file)


def test_without_a_table_nothing_is_known_of_how_long_things_last():
    gaps, rates = Habits().of(["a", "b"])
    assert np.isnan(gaps).all() and np.isnan(rates).all()
