"""Histories and spines for point-in-time joins, what each row should see, told in plain Python, and stores to ask.

Times are days after `START`; a history row is (event, created, bought).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.data_source import DataSource
from feast.types import Float64, Int64, String
from feast.value_type import ValueType
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

START, WEEK = datetime(2024, 6, 1, tzinfo=UTC), timedelta(days=7)
TIME = pa.timestamp("us", "UTC")
MICROSECOND = 1 / 86_400_000_000
NAMES = ["bought_y", "share", "from"]  # names that have broken joins
TYPES = (pa.string(), TIME, TIME, pa.int64(), pa.float64(), pa.string())
SCHEMA = pa.schema(list(zip(["customer_id", "event_timestamp", "created_timestamp", *NAMES], TYPES, strict=True)))


def day(number: float | None) -> datetime | None:
    """So many days after `START`, to the microsecond."""
    return None if number is None else START + timedelta(microseconds=round(number / MICROSECOND))


CASES: dict[str, tuple[list[tuple[float | None, float | None, int | None]], float | None, int | None, int | None]] = {
    # name: (history, time asked, what is seen for ever, what is seen for a week)
    "nothing yet": ([(2, 2, 100)], 1, None, None),
    "at its very time": ([(1, 1, 100)], 1, 100, 100),
    "a microsecond before": ([(1, 1, 100)], 1 - MICROSECOND, None, None),
    "the newest of several": ([(1, 1, 100), (3, 3, 300), (2, 2, 200)], 9, 300, 300),
    "late, not known yet": ([(1, 1, 100), (2, 5, 200)], 4, 100, 100),
    "late, known now": ([(1, 1, 100), (2, 5, 200)], 5, 200, 200),
    "late and outdated on arrival": ([(1, 6, 100), (2, 2, 200)], 7, 200, 200),
    "late and outdated, before": ([(1, 6, 100), (2, 2, 200)], 3, 200, 200),
    "future-dated, not yet": ([(1, 1, 100), (5, 2, 500)], 4, 100, 100),
    "future-dated, now": ([(1, 1, 100), (5, 2, 500)], 5, 500, 500),
    "told again: the later created": ([(1, 3, 300), (1, 2, 200)], 4, 300, 300),
    "told again: not known yet": ([(1, 3, 300), (1, 2, 200)], 2, 200, 200),
    "told again before its time": ([(5, 1, 100), (5, 2, 200)], 5, 200, 200),
    "the same row twice": ([(1, 1, 100), (1, 1, 100)], 2, 100, 100),
    "full tie: the greater": ([(1, 1, 100), (1, 1, 300), (1, 1, 200)], 2, 300, 300),
    "full tie: absence is least": ([(1, 1, None), (1, 1, -5)], 2, -5, -5),
    "full tie on arrival of another": ([(1, 3, 100), (2, 3, 200), (2, 3, 250)], 3, 250, 250),
    "a tie that nobody sees": ([(1, 1, 100), (1, 1, 300), (2, 2, 200)], 2, 200, 200),
    "an absent value is a value": ([(1, 1, 100), (2, 2, None)], 3, None, None),
    "as old as can live": ([(1, 1, 100)], 8, 100, 100),
    "a microsecond too old": ([(1, 1, 100)], 8 + MICROSECOND, 100, None),
    "expired on arrival": ([(1, 9, 100)], 9, 100, None),
    "no older row in its place": ([(1, 10, 100), (2, 2, 200)], 9.5, 200, None),
    "a row without event time": ([(None, 1, 900), (1, 1, 100)], 2, 100, 100),
    "a row without created time": ([(2, None, 900), (1, 1, 100)], 3, 100, 100),
    "a spine row without time": ([(1, 1, 100)], None, None, None),
    "before 1970": ([(-20_000.5, -20_000.5, 100)], -20_000, 100, 100),
    "in 400 years": ([(1, 1, 100), (150_000, 1, 900)], 150_001, 900, 900),
}


@dataclass(frozen=True)
class Told:
    """One feature row: whose, of when, known since when, and its values in the order of `NAMES`."""

    who: str | None
    event: datetime | None
    created: datetime | None
    values: tuple[Any, ...]


def seen(rows: Iterable[Told], who: str | None, at: datetime | None, ttl: timedelta | None) -> tuple[Any, ...]:
    """What a spine row sees: values, all None where it sees nothing."""
    nothing = (None,) * len(NAMES)
    if who is None or at is None:
        return nothing
    known = [r for r in rows if r.who == who and r.event and r.created and r.event <= at and r.created <= at]
    if not known:
        return nothing
    newest = max(known, key=lambda r: (r.event, r.created, [_rank(value) for value in r.values]))
    assert newest.event is not None
    return newest.values if ttl is None or at - ttl <= newest.event else nothing


def case_rows() -> list[Told]:
    """The history of every case; its customer is the case's name."""
    return [
        Told(name, day(event), day(created), (bought, None, None))
        for name, (history, *_) in CASES.items()
        for event, created, bought in history
    ]


Asked = tuple[str | None, datetime | None]


def made_up(examples: int, random_seed: int) -> tuple[list[Told], list[Asked]]:
    """So many small histories by Hypothesis as one, each with a few spine rows and customers of its own."""
    moment = st.sampled_from([*(half / 2 for half in range(24)), 3 + MICROSECOND, None])
    delay = st.sampled_from([0, 0, 0, 0.5, 1, 6, -0.5, -3, None])
    values = st.tuples(
        st.sampled_from([-1, 0, 1, 2, None]),
        st.sampled_from([0.25, -1.5, math.inf, None]),
        st.sampled_from(["", "a", "b", "ö", None]),
    )
    row = st.tuples(st.sampled_from(["ada", "bea"]), moment, delay, values)
    asked = st.tuples(st.sampled_from(["ada"] * 4 + ["bea"] * 2 + ["nobody", None]), moment)
    found: list[tuple[list[Any], list[Any]]] = []

    @seed(random_seed)
    @settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(row, min_size=2, max_size=10), st.lists(asked, min_size=3, max_size=6))
    def collect(rows: list[Any], spine: list[Any]) -> None:
        found.append((rows, spine))

    collect()
    assert len(found) >= examples
    told, asks = [], []
    for number, (rows, spine) in enumerate(found[:examples]):
        mine = f"h{number:05}:"
        for who, at, later, value in rows:
            created = None if at is None or later is None else day(at + later)
            told.append(Told(mine + who, day(at), created, value))
        asks += [(who and mine + who, day(at)) for who, at in spine]
    return told, asks


def feature_rows(rows: Sequence[Told]) -> pa.Table:
    """Feature rows as they lie in files."""
    whole = [(r.who, r.event, r.created, *r.values) for r in rows]
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in whole], SCHEMA)


def spine_of(asked: Sequence[Asked]) -> pa.Table:
    """A spine whose rows know their places."""
    who, at = zip(*asked, strict=True)
    return pa.table(
        {"customer_id": pa.array(who, pa.string()), "event_timestamp": pa.array(at, TIME), "place": range(len(asked))}
    )


def file_store(folder: Path, rows: Sequence[Told]) -> FeatureStore:
    """A feature store on DuckDB over rows spread over three files, so that files hold them in any order."""
    (folder / "history").mkdir(parents=True)
    for number in range(3):
        pq.write_table(feature_rows(rows[number::3]), folder / "history" / f"part-{number}.parquet", row_group_size=500)
    source = FileSource(
        name="history",
        path=str(folder / "history"),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
    )
    return store_over(source, folder, {"type": "features.feature_store.feast_offline.PointInTimeOfflineStore"})


def store_over(source: DataSource, folder: Path, offline_store: dict[str, str]) -> FeatureStore:
    """A store with two views of a source, `ever` and `week`, and a service `both` of them."""
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    types = dict(zip(NAMES, (Int64, Float64, String), strict=True))
    schema = [Field(name="customer_id", dtype=String), *(Field(name=n, dtype=t) for n, t in types.items())]
    views = [
        FeatureView(name=name, entities=[customer], ttl=ttl, schema=schema, source=source, online=False)
        for name, ttl in (("ever", timedelta(0)), ("week", WEEK))
    ]
    store = FeatureStore(
        config=RepoConfig(
            project="cases",
            provider="local",
            registry=str(folder / "registry.db"),
            offline_store=offline_store,
            entity_key_serialization_version=3,
            repo_path=folder,
        )
    )
    store.apply([customer, *views, FeatureService(name="both", features=views)])
    return store


def joined(store: FeatureStore, spine: Any) -> Any:
    """Feast's job for a spine, with both views' features under full names."""
    service = store.get_feature_service("both")
    return store.get_historical_features(spine, service, full_feature_names=True, filter_by_created_timestamp=True)


def wrong(found: pa.Table, rows: Sequence[Told], asked: Sequence[Asked]) -> list[Any]:
    """Rows of a join that differ from what `seen` says: (asked, view, found, expected)."""
    mine: dict[str | None, list[Told]] = {}
    for row in rows:
        mine.setdefault(row.who, []).append(row)
    differing = []
    for (who, at), row in zip(asked, found.to_pylist(), strict=True):
        for view, ttl in (("ever", None), ("week", WEEK)):
            expected = seen(mine.get(who, []), who, at, ttl)
            if (values := tuple(row[f"{view}__{name}"] for name in NAMES)) != expected:
                differing.append(((who, at), view, values, expected))
    return differing


def _rank(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)
