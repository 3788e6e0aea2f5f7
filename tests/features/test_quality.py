"""Profiles of snapshots, drift and its false alarms, the rhythm of sources: with numbers one can count."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.columns import EVENT_TIMESTAMP, TIME
from features.feature_store.quality.bins import bin_sql, median, typical_value
from features.feature_store.quality.calendar import Calendar, Told, silence
from features.feature_store.quality.drift import NO_DRIFT, drift
from features.feature_store.quality.profile import FeatureProfile, SnapshotProfile, profiles
from features.feature_store.snapshots import BATCH, Manifest, Snapshot

T = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        (EVENT_TIMESTAMP, TIME),
        ("revenue_90d", pa.int64()),
        ("weekend_share_365d", pa.float64()),
        ("last_purchase_at", TIME),
        ("top_category", pa.string()),
    ]
)


def _snapshot(folder: Path, parts: list[list[tuple]], cutoff: datetime = T) -> Snapshot:
    """A snapshot of rows (revenue, weekend share, days since the last purchase, category), in these parts."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, rows in enumerate(parts):
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
        columns[2] = [None if age is None else cutoff - timedelta(days=age) for age in columns[2]]
        path = folder / f"part-{number}.parquet"
        pq.write_table(pa.table([[cutoff] * len(rows), *columns], schema=SCHEMA), path)
        files.append((path.name, path.stat().st_size))
    none = (0, 0)
    manifest = Manifest(
        position=0, facts=0, catalogue="", schema="", basis="", events=none, links=none, items=none, erased=none,
        present=("purchase",), files=tuple(files),
    )  # fmt: skip
    return Snapshot(BATCH, cutoff, folder, manifest)


def _profile(*many: Snapshot) -> SnapshotProfile:
    return profiles(many)[0]


def test_a_profile_counts_absent_zero_and_the_rest(tmp_path):
    rows = [(0, 0.5, 1.0, "tea"), (100, None, 8.0, "tea"), (-5, 0.5, None, None), (None, float("nan"), -2.0, "cups")]
    one = _profile(_snapshot(tmp_path, [rows]))
    assert (one.cutoff, one.customers, one.present) == (T, 4, ("purchase",))
    money, share = one.features["revenue_90d"], one.features["weekend_share_365d"]
    assert (money.known, money.low, money.high, money.bins[0]) == (3, -5.0, 100.0, 1)
    assert (share.known, share.bad, share.low, share.high) == (3, 1, 0.5, 0.5)
    assert sum(share.bins.values()) == 2
    age = one.features["last_purchase_at"]
    assert (age.known, age.low, age.high) == (3, -2.0, 8.0)  # -2: after the cutoff
    assert one.features["top_category"].values == {"tea": 2, "cups": 1}
    assert one.null_share("top_category") == 0.25
    assert (
        list(one.features) == ["weekend_share_365d", "revenue_90d", "last_purchase_at", "top_category"]
        or len(one.features) == 4
    )


def test_snapshots_are_told_apart_and_an_empty_one_has_no_customers(tmp_path):
    later = _snapshot(tmp_path / "b", [[(7, 1.0, 3.0, "tea")]], T + timedelta(days=28))
    nobody = _snapshot(tmp_path / "c", [[]], T + timedelta(days=56))
    first, second, third = profiles([_snapshot(tmp_path / "a", [[(7, 1.0, 31.0, "cups")] * 2]), later, nobody])
    assert (first.customers, second.customers, third.customers, third.features) == (2, 1, 0, {})
    assert first.features["last_purchase_at"].high == 31.0
    assert second.features["last_purchase_at"].high == 3.0
    assert second.features["top_category"].values == {"tea": 1}


_ROW = st.tuples(
    st.none() | st.integers(-1000, 10**7),
    st.none() | st.floats(0, 1),
    st.none() | st.integers(0, 1000).map(float),
    st.none() | st.sampled_from(["tea", "cups", "jam"]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, min_size=1, max_size=30), cuts=st.sets(st.integers(0, 30), max_size=4))
def test_how_a_snapshot_is_split_makes_no_difference(tmp_path, rows, cuts):
    edges = [0, *sorted(c for c in cuts if c < len(rows)), len(rows)]
    parts = [rows[a:b] for a, b in pairwise(edges)]
    assert _profile(_snapshot(tmp_path / "split", parts[::-1])) == _profile(_snapshot(tmp_path / "whole", [rows]))


def test_a_typical_value_lies_in_its_bin_and_bins_grow_with_values():
    values = [-1e12, -3.0, -0.001, 0.0, 1e-9, 0.999, 1.0, 90.0, 91.0, 1e18, 1e30]
    found = [duckdb.sql(f"select {bin_sql(str(v))}").fetchall()[0][0] for v in values]
    assert found == sorted(found)
    assert found[3] == 0
    assert (found[7], found[8]) == (106, 107)  # ages from 91 days on begin a bin
    for value, number in zip(values[1:3] + values[5:9], found[1:3] + found[5:9], strict=True):
        assert typical_value(number) == pytest.approx(value, rel=0.1)
    assert median({0: 1, 81: 5}) == pytest.approx(1.09, abs=0.01)
    assert median({}) is None


def test_the_same_counts_do_not_drift_and_an_empty_side_is_not_judged():
    assert drift({81: 50, 90: 50}, {81: 500, 90: 500}, alpha=0.01).psi == pytest.approx(0, abs=1e-4)
    assert drift({}, {81: 5}, alpha=0.01) == NO_DRIFT


def test_drift_by_hand():
    found = drift({"tea": 800, "cups": 200}, {"tea": 500, "cups": 500}, alpha=0.01)
    assert found.groups == 2
    # (0.8 - 0.5) ln(0.8 / 0.5) + (0.2 - 0.5) ln(0.2 / 0.5)
    assert found.psi == pytest.approx(0.416, abs=0.002)
    assert found.chance == pytest.approx(6.635 * 2 / 1000, abs=1e-4)


def test_two_halves_of_a_shop_are_not_drift_however_small_it_is():
    """At most one comparison in a hundred is beyond what chance exceeds once in a hundred: 3,000 draws."""
    draws = np.random.default_rng(7)
    beyond = plain = 0
    for n, m in [(30, 30), (60, 200), (1000, 1000)]:
        for _ in range(1000):
            before, after = (_counts(draws, size) for size in (n, m))
            found = drift(before, after, alpha=0.01)
            beyond += found.psi > found.chance
            plain += found.psi > 0.1
    assert beyond / 3000 < 0.013
    assert plain / 3000 > 0.3  # what a plain limit of 0.1 would have cried


def _counts(draws: np.random.Generator, size: int) -> dict[int, int]:
    """Money as shops see it: many zeros, a long tail."""
    values = np.where(draws.random(size) < 0.4, 0, draws.lognormal(8, 1, size))
    bins = np.where(values > 0, 81 + np.floor(4 * np.log2(np.maximum(values, 1))), 0).astype(int)
    return {int(number): int(count) for number, count in zip(*np.unique(bins, return_counts=True), strict=True)}


def test_euros_that_became_cents_are_drift_in_a_small_shop_too():
    draws = np.random.default_rng(7)
    before, after = _counts(draws, 80), _counts(draws, 80)
    moved = {number + 27 if number else 0: count for number, count in after.items()}  # 2^(27/4) is about 100
    found = drift(before, moved, alpha=0.001 / 73)
    assert found.psi > max(1.0, found.chance)


def _days(first: date, *gaps: int) -> dict[date, int]:
    days = [first]
    for gap in gaps:
        days.append(days[-1] + timedelta(days=gap))
    return dict.fromkeys(days, 1)


def test_a_source_is_silent_by_its_own_rhythm():
    daily, weekly = _days(date(2026, 1, 1), *[1] * 40), _days(date(2026, 1, 1), *[7] * 12)
    last = max(daily)
    found = silence(daily, datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=5))
    assert (found.now, found.longest, found.chance) == (4, 0, 0)
    found = silence(weekly, datetime(2026, 4, 1, tzinfo=UTC))
    assert (found.now, found.longest) == (5, 6)
    assert silence(_days(date(2026, 1, 1), 1, 1), T) is None


def test_what_was_not_yet_told_then_does_not_end_a_silence():
    told = _days(date(2026, 1, 1), *[1] * 20, 100)
    assert silence(told, datetime(2026, 2, 1, tzinfo=UTC)).now == 10  # the 22nd to the 31st


def test_one_stray_old_date_does_not_begin_history():
    days = {date(1990, 1, 1): 1} | {date(2026, 1, 1) + timedelta(days=n): 10 for n in range(100)}
    told = Told(source="shop", type="purchase", happened=days, heard=days)
    one = Calendar(told=(told,))
    assert one.since() == date(2026, 1, 1)
    assert one.counts(date(2026, 1, 3)) == {"purchase": 21}
    assert (one.newest, one.newest_of("browse")) == (date(2026, 4, 10), None)


def test_a_profile_without_values_has_no_median():
    assert FeatureProfile(known=0).median is None
