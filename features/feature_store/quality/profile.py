"""The profile of a snapshot: what each feature's values are like, in counts that need no second look at the rows."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from features.columns import EVENT_TIMESTAMP
from features.feature_store.batch import BATCH_FEATURES, TEXT, TIME, FeatureSpec
from features.feature_store.quality.bins import bin_sql, median
from features.feature_store.snapshots import Snapshot, parquet_of
from features.instants import DAY, from_us

MEMORY_GB = 2.0
CATEGORIES = 200
_CUTOFF = f"epoch_us({EVENT_TIMESTAMP})"


class FeatureProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One feature over the customers of a snapshot.

    `known` counts values, `bad` those among them that are no finite number. `low` and `high` are the least and greatest
    value; times are ages in days at the cutoff, so a time after it is negative. `bins` are counts by `quality.bins`;
    of a text, `values` are counts of the commonest instead.
    """

    known: int
    bad: int = 0
    low: float | None = None
    high: float | None = None
    bins: dict[int, int] = {}
    values: dict[str, int] = {}

    @property
    def median(self) -> float | None:
        """About the middle value (to 10 %); None of a text, or without values."""
        return median(self.bins)

    @property
    def counts(self) -> dict[Any, int]:
        """Counts by bin, or by value of a text."""
        return {**self.bins, **self.values}


class SnapshotProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot: its cutoff, how many customers it has, and each feature.

    `fingerprint` is its manifest's; `present` are the types of event that the log held.
    """

    cutoff: datetime
    customers: int
    fingerprint: str
    present: tuple[str, ...]
    features: dict[str, FeatureProfile]

    def null_share(self, name: str) -> float:
        """The share of customers for whom a feature is absent; 1 without customers.

        >>> one = SnapshotProfile(cutoff=datetime(2026, 1, 1), customers=4, fingerprint="", present=(),
        ...                       features={"revenue_90d": FeatureProfile(known=3)})
        >>> one.null_share("revenue_90d")
        0.25
        """
        return 1 - self.features[name].known / self.customers if self.customers else 1.0


def profiles(many: Sequence[Snapshot]) -> list[SnapshotProfile]:
    """The profile of each snapshot.

    DuckDB reads each column once for all of them, in at most `MEMORY_GB`. How a snapshot is split into parts makes no
    difference.
    """
    found = _read([path for one in many for path in one.files])
    return [
        SnapshotProfile(
            cutoff=one.cutoff,
            customers=found[one.cutoff][0] if one.cutoff in found else 0,
            fingerprint=one.manifest.fingerprint,
            present=tuple(one.manifest.present),
            features=found[one.cutoff][1] if one.cutoff in found else {},
        )
        for one in many
    ]


def _read(files: Sequence[Path]) -> dict[datetime, tuple[int, dict[str, FeatureProfile]]]:
    """By cutoff, how many rows Parquet files have, and a profile of each batch feature in them."""
    if not files:
        return {}
    with duckdb.connect(config={"memory_limit": f"{MEMORY_GB}GB", "preserve_insertion_order": False}) as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"create view snapshots as from {parquet_of(files)}")
        there = set(con.table("snapshots").columns)
        specs = [spec for spec in BATCH_FEATURES.values() if spec.name in there]
        customers = con.execute(f"select {_CUTOFF}, count(*) from snapshots group by 1").fetchall()
        told = {spec.name: (_texts if spec.dtype == TEXT else _numbers)(con, spec) for spec in specs}
    nothing = FeatureProfile(known=0)
    return {
        from_us(cutoff): (int(count), {name: by_cutoff.get(cutoff, nothing) for name, by_cutoff in told.items()})
        for cutoff, count in customers
    }


def _numbers(con: duckdb.DuckDBPyConnection, spec: FeatureSpec) -> dict[int, FeatureProfile]:
    """By cutoff; the values without a bin are those that are no finite number."""
    value = f"({_CUTOFF} - epoch_us({spec.name})) / {DAY}" if spec.dtype == TIME else spec.name
    rows = con.execute(
        f"""with told as (select {_CUTOFF} at_cutoff, {value} told from snapshots where {spec.name} is not null)
            select at_cutoff, {bin_sql("told")} bin, count(*), min(told), max(told) from told
            group by 1, 2 order by 1, 2"""
    ).fetchall()
    found = {}
    for cutoff, group in groupby(rows, key=itemgetter(0)):
        some = list(group)
        finite = [(number, count, low, high) for _, number, count, low, high in some if number is not None]
        known = sum(count for _, _, count, _, _ in some)
        found[cutoff] = FeatureProfile(
            known=known,
            bad=known - sum(count for _, count, _, _ in finite),
            low=min((float(low) for _, _, low, _ in finite), default=None),
            high=max((float(high) for _, _, _, high in finite), default=None),
            bins={number: count for number, count, _, _ in finite},
        )
    return found


def _texts(con: duckdb.DuckDBPyConnection, spec: FeatureSpec) -> dict[int, FeatureProfile]:
    rows = con.execute(
        f"""with counted as (
              select {_CUTOFF} at_cutoff, {spec.name} told, count(*) times from snapshots
              where told is not null group by 1, 2)
            select *, sum(times) over (partition by at_cutoff) known from counted
            qualify row_number() over (partition by at_cutoff order by times desc, told) <= {CATEGORIES}
            order by at_cutoff, times desc, told"""
    ).fetchall()
    return {
        cutoff: FeatureProfile(known=int(some[0][3]), values={value: count for _, value, count, _ in some})
        for cutoff, group in groupby(rows, key=itemgetter(0))
        if (some := list(group))
    }
