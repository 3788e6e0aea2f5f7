"""Training sets: 500,000 rows over 5 million feature rows, beside Feast's own joins and pandas' `merge_asof`.

The history is made up: ten rows a customer at random times, so that some have lapsed, one row in twenty known only
weeks later. Each way runs in a process of its own, so that none counts the memory of another.
"""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Spent, spent
from benchmarks.report import ROOT, write_result
from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_TIMESTAMP, TIME

CUSTOMERS, FEATURE_ROWS, SPINE_ROWS, FEATURES, FEW, FILES = 500_000, 5_000_000, 500_000, 73, 20, 20
TTL = timedelta(days=90)
SEED, DAY, START = 20240601, 86_400_000_000, 1_672_531_200_000_000
NAMES = [f"f{n:02}" for n in range(FEATURES)]
PLACE = "place"


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    with TemporaryDirectory() as folder:
        _make(Path(folder))
        found = {name: _in_a_child(name, Path(folder)) for name in WAYS}
    _report(now, found)
    return True


def _make(folder: Path) -> None:
    draw = np.random.default_rng(SEED)
    (folder / "history").mkdir()
    rows, year = FEATURE_ROWS // FILES, 365 * DAY
    for file in range(FILES):  # each a stretch of time, as snapshots are
        event = START + file * year // FILES + np.sort(draw.integers(0, year // FILES, rows))
        delay = np.where(draw.random(rows) < 0.05, draw.integers(0, 30 * DAY, rows), draw.integers(0, DAY // 4, rows))
        columns = {CUSTOMER_ID: _ids(draw.integers(0, CUSTOMERS, rows)), EVENT_TIMESTAMP: pa.array(event, TIME)}
        columns[CREATED_TIMESTAMP] = pa.array(event + delay, TIME)
        for number, name in enumerate(NAMES):
            whole = draw.integers(0, 5_000, rows)
            columns[name] = pa.array(whole if number % 2 else whole / 16)
        pq.write_table(pa.table(columns), folder / "history" / f"part-{file:02}.parquet", compression="zstd")
    who, at = draw.integers(0, CUSTOMERS + CUSTOMERS // 100, SPINE_ROWS), START + draw.integers(0, year, SPINE_ROWS)
    spine = {CUSTOMER_ID: _ids(who), EVENT_TIMESTAMP: pa.array(at, TIME), PLACE: pa.array(np.arange(SPINE_ROWS))}
    pq.write_table(pa.table(spine), folder / "spine.parquet")


def _ids(numbers: Any) -> pa.Array:
    return pa.array(np.char.add("c", np.char.zfill(numbers.astype(str), 7)), pa.string())


def _in_a_child(name: str, folder: Path) -> dict[str, Any]:
    """What one way costs, and how many of its rows are not there, or hold what was not to be seen."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.training_sets", name, str(folder)]
    child = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if child.returncode:
        return {"failed": (child.stderr.strip().splitlines() or ["killed"])[-1][:200]}
    cost: dict[str, Any] = json.loads(child.stdout.strip().splitlines()[-1])
    with duckdb.connect() as con:
        con.execute(f"create view exact as from '{folder}/ours.parquet'")
        con.execute(f"create view theirs as from '{folder}/{name}.parquet'")
        told = con.execute(
            "select count(*) filter (t.place is null), count(*) filter (t.place is not null"
            " and t.f01 is distinct from e.f01) from exact e left join theirs t using (place)"
        ).fetchone()
    assert told is not None
    return cost | {"lost": told[0], "wrong": told[1]}


def _child(name: str, folder: Path) -> None:
    make, spine = WAYS[name](folder), pd.read_parquet(folder / "spine.parquet")
    with spent() as cost:
        result = make(spine)
    if result is not None:
        table = result if isinstance(result, pa.Table) else pa.table({n: result[n].to_numpy() for n in (PLACE, "f01")})
        kept = {PLACE: table[PLACE], "f01": pa.array(table["f01"].to_pandas().astype("float64"), from_pandas=True)}
        pq.write_table(pa.table(kept), folder / f"{name}.parquet")
    print(json.dumps(vars(cost)))  # noqa: T201


Way = Callable[[pd.DataFrame], Any]


def _feast(folder: Path, offline_store: dict[str, Any], features: int) -> tuple[Any, list[str]]:
    """A store over the history with a view of so many features, and their references."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
    from feast.data_format import ParquetFormat
    from feast.types import Float64, Int64, String
    from feast.value_type import ValueType

    dask = offline_store["type"] == "dask"  # it wants a folder, DuckDB a pattern
    source = FileSource(
        name="history",
        path=str(folder / "history" if dask else folder / "history" / "*.parquet"),
        file_format=ParquetFormat(),
        timestamp_field=EVENT_TIMESTAMP,
        created_timestamp_column=CREATED_TIMESTAMP,
    )
    customer = Entity(name="customer", join_keys=[CUSTOMER_ID], value_type=ValueType.STRING)
    fields = [Field(name=n, dtype=Int64 if place % 2 else Float64) for place, n in enumerate(NAMES[:features])]
    schema = [Field(name=CUSTOMER_ID, dtype=String), *fields]
    view = FeatureView(name="view", entities=[customer], ttl=TTL, schema=schema, source=source, online=False)
    registry = folder / f"{offline_store['type'].rsplit('.')[-1]}{features}.db"
    store = FeatureStore(
        config=RepoConfig(
            project="beside",
            provider="local",
            registry=str(registry),
            repo_path=folder,
            offline_store=offline_store,
            entity_key_serialization_version=3,
        )
    )
    with contextlib.redirect_stdout(io.StringIO()):
        store.apply([customer, view])
    return store, [f"view:{name}" for name in NAMES[:features]]


def _by_feast(folder: Path, offline_store: dict[str, Any], *, known: bool) -> Way:
    store, refs = _feast(folder, offline_store, FEW)
    return lambda spine: store.get_historical_features(spine, refs, filter_by_created_timestamp=known).to_df()


OURS = {"type": "features.feature_store.feast_offline.PointInTimeOfflineStore"}


def _ours(folder: Path) -> Way:
    return _by_feast(folder, OURS, known=True)


def _ours_all(folder: Path) -> Way:
    """All features, streamed from file to file."""
    store, refs = _feast(folder, OURS, FEATURES)
    spine: Any = folder / "spine.parquet"
    job: Any = store.get_historical_features(spine, refs, filter_by_created_timestamp=True)

    def write(_: pd.DataFrame) -> None:
        job.write_parquet(folder / "ours_all.parquet")

    return write


def _feast_duckdb(folder: Path) -> Way:
    return _by_feast(folder, {"type": "duckdb"}, known=True)


def _feast_dask(folder: Path) -> Way:
    return _by_feast(folder, {"type": "dask"}, known=True)


def _merge_asof(folder: Path) -> Way:
    """What one writes by hand: the newest row by event time, which knows nothing of what came late."""

    def join(spine: pd.DataFrame) -> pd.DataFrame:
        history = pd.read_parquet(folder / "history", columns=[CUSTOMER_ID, EVENT_TIMESTAMP, *NAMES[:FEW]])
        asked, told = spine.sort_values(EVENT_TIMESTAMP), history.sort_values(EVENT_TIMESTAMP)
        return pd.merge_asof(asked, told, on=EVENT_TIMESTAMP, by=CUSTOMER_ID, tolerance=pd.Timedelta(TTL))

    return join


WAYS: dict[str, Callable[[Path], Way]] = {
    "ours": _ours,
    "ours_all": _ours_all,
    "feast_duckdb": _feast_duckdb,
    "merge_asof": _merge_asof,
    "feast_dask": _feast_dask,
}
TITLES = {
    "ours": f"ours, {FEW} features, to a frame",
    "ours_all": f"ours, {FEATURES} features, file to file",
    "feast_duckdb": f"Feast's DuckDB store, {FEW} features",
    "merge_asof": f"pandas `merge_asof`, {FEW} features",
    "feast_dask": f"Feast's Dask store, {FEW} features",
}


def _report(now: datetime, found: dict[str, dict[str, Any]]) -> None:
    write_result(
        "training_sets",
        title="Training sets: who knew what when",
        order=45,
        command="python -m benchmarks training_sets",
        today=now.date(),
        parts=[
            {
                "text": f"{SPINE_ROWS:,} rows over {FEATURE_ROWS:,} feature rows of {CUSTOMERS:,} made-up customers, "
                f"which live {TTL.days} days; one in twenty became known only weeks after its event time. Each way in "
                "a process of its own, once. *Lost* are spine rows that did not come back, *wrong* those with another "
                "value of a feature than ours, which the tests hold against an oracle."
            },
            {
                "table": {
                    "columns": ["", "time", "beside ours", "peak memory", "rows lost", "rows wrong"],
                    "rows": [_row(name, told, found["ours"]) for name, told in found.items()],
                }
            },
        ],
        facts=found,
    )


def _row(name: str, told: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    if "failed" in told:
        return [TITLES[name], f"failed: {told['failed']}", "", "", "", ""]
    cost = Spent(told["seconds"], told["peak_mb"])
    ratio = f"{cost.seconds / ours['seconds']:.1f} x"
    peak = f"{cost.peak_mb:,.0f} MB"
    return [TITLES[name], f"{cost.seconds:.1f} s", ratio, peak, f"{told['lost']:,}", f"{told['wrong']:,}"]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _child(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(0 if run(datetime.now(UTC)) else 1)
