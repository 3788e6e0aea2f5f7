"""Learning seasons where they are known: sales drawn from the simulated shop's own course of the year."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BundleError
from features.inputs.seasons import IN_SEASON, Seasons
from pipelines.shop.seasons import COURSE, course
from training.purchases import PURCHASE_SCHEMA
from training.retrieval import connect
from training.seasons import growth, learn_seasons, month_index

DEPARTMENTS = tuple(COURSE)
TRUTH = course(DEPARTMENTS)[1:].T  # [departments, 12]
FIRST = datetime(2024, 11, 1, tzinfo=UTC)
FLAT = [n for n, row in enumerate(TRUTH) if np.ptp(row) == 0]


def sold(days: int, a_month: float, *, yearly_growth: float = 1.0, seed: int = 5) -> pa.Table:
    """Purchases of one item a department: a Poisson number a day with the month's true index."""
    rng, rows = np.random.default_rng(seed), []
    for day in range(days):
        at = FIRST + timedelta(days=day, hours=12)
        expected = TRUTH[:, at.month - 1] * a_month / 30 * yearly_growth ** (day / 365)
        for n, count in enumerate(rng.poisson(expected).tolist()):
            rows += [("c", f"{day}-{n}-{i}", DEPARTMENTS[n], 1, 100, at, at) for i in range(count)]
    columns = dict(zip(PURCHASE_SCHEMA.names, zip(*rows, strict=True), strict=True))
    return pa.table(columns, schema=PURCHASE_SCHEMA)


def learned(lines: pa.Table, as_of: datetime = datetime(2027, 1, 1, tzinfo=UTC)) -> np.ndarray:
    with connect(lines) as con:
        seasons = learn_seasons(con, as_of, {d: f"{d}/all" for d in DEPARTMENTS})
    return np.array([[seasons.at(f"{d}/all", month) for month in range(1, 13)] for d in DEPARTMENTS])


@pytest.mark.parametrize("yearly_growth", [1.0, 1.5])
def test_the_months_learned_are_the_true_ones_and_the_flat_stay_flat(yearly_growth: float) -> None:
    found = learned(sold(730, 60.0, yearly_growth=yearly_growth))
    assert np.abs(found - TRUTH).mean() < 0.12
    assert np.abs(found[FLAT] - 1).max() < 0.15
    for row, truth in zip(found, TRUTH, strict=True):
        if np.ptp(truth) > 1.0:
            assert np.corrcoef(row, truth)[0, 1] > 0.9
    clear = np.abs(TRUTH - IN_SEASON) > 0.3
    assert ((found >= IN_SEASON) == (TRUTH >= IN_SEASON))[clear].mean() > 0.98


def test_more_sales_bring_the_months_nearer_to_the_truth() -> None:
    few, many = (np.abs(learned(sold(730, a_month)) - TRUTH).mean() for a_month in (3.0, 200.0))
    flat = np.abs(1 - TRUTH).mean()
    assert many < few < flat, "of few sales little is believed, and that little is right"
    assert many < 0.07


@pytest.mark.parametrize("days", [30, 200, 350])
def test_less_than_a_year_says_nothing_of_seasons(days: int) -> None:
    assert (learned(sold(days, 60.0)) == 1).all()


def test_what_was_not_known_yet_teaches_nothing() -> None:
    lines = sold(730, 60.0)
    assert (learned(lines, FIRST + timedelta(days=300)) == 1).all()
    shuffled = lines.take(np.random.default_rng(1).permutation(len(lines)))
    assert (learned(shuffled) == learned(lines)).all(), "nor does the order of rows"


def test_a_branch_follows_the_category_above_it_where_it_has_few_sales_of_its_own() -> None:
    lines = sold(730, 60.0)
    skis = lines.filter(pc.equal(lines["item_id"], "skis"))
    rare = skis.take(np.linspace(0, len(skis) - 1, 30).astype(int)).set_column(
        2, "item_id", pa.array(["race-skis"] * 30)
    )
    paths = {d: f"{d}/all" for d in DEPARTMENTS} | {"race-skis": "skis/race"}
    with connect(pa.concat_tables([lines, rare])) as con:
        seasons = learn_seasons(con, datetime(2027, 1, 1, tzinfo=UTC), paths)
    for month in range(1, 13):
        assert seasons.at("skis/race", month) == pytest.approx(seasons.at("skis", month), abs=0.7)
    assert seasons.at("skis/race", 12) > 1.5 and seasons.at("skis/race", 6) < 0.5
    assert seasons.at("skis/never/sold", 12) == seasons.at("skis", 12)
    assert seasons.at("unheard-of", 12) == seasons.at(None, 12) == 1.0


@settings(max_examples=50)
@given(st.lists(st.integers(0, 300), min_size=12, max_size=12), st.floats(0.1, 10))
def test_an_index_is_positive_has_mean_one_and_depends_on_no_unit_of_exposure(orders: list[int], unit: float) -> None:
    exposure = np.full(12, 30.0)
    index = month_index(np.array(orders, float), exposure, np.ones(12))
    assert (index >= 0).all()
    assert index.mean() == pytest.approx(1)
    assert month_index(np.array(orders, float), exposure * unit, np.ones(12)) == pytest.approx(index)
    seen = np.array(orders) / max(np.mean(orders), 1e-9)
    assert (np.abs(index - 1) <= np.abs(seen - 1) + 0.3).all(), "drawn to flat, not beyond what was seen"


def test_growth_is_read_off_the_same_month_of_two_years() -> None:
    orders = np.concatenate([TRUTH[0] * 100, TRUTH[0] * 150])
    assert np.exp(growth(orders, np.full(24, 30.0))[12]) == pytest.approx(1.5)
    assert growth(orders[:12], np.full(12, 30.0)).tolist() == [0.0] * 12


def test_what_is_saved_is_read_back_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "seasons.npz"
    seasons = Seasons(np.array(["skis"]), np.arange(12, dtype=np.float32)[None, :])
    seasons.save(file)
    assert Seasons.load(file).at("skis/race", 3) == 2.0
    Seasons(np.array(["skis"]), np.ones((1, 11), np.float32)).save(file)
    with pytest.raises(BundleError, match="twelve months"):
        Seasons.load(file)
    file.write_bytes(b"PK")
    with pytest.raises(BundleError, match="no seasons"):
        Seasons.load(file)
