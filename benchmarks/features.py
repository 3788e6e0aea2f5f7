"""Features: all of them as of one cutoff from 10 and 100 million events, and a day's increment beside all anew.

The events are those of a simulated shop; the lake is made first and not counted. `features_large` is the 100 million.
"""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from benchmarks.lakes import END, make_lake
from benchmarks.measure import Spent, spent
from benchmarks.report import write_result
from features.feature_store.batch import BATCH_FEATURES
from features.feature_store.online.records import BATCH_VIEW
from features.feature_store.snapshots import BATCH, Snapshot, remove, snapshot
from features.home import Home
from pipelines.bring_online import bring_online
from pipelines.materialize import build_snapshots

CUSTOMERS, SEED, ROUNDS = 90_000, 20240601, 3
DAY = timedelta(days=1)
LARGE_COPIES, LARGE_MEMORY_GB = 10, 12


def run(now: datetime) -> bool:
    """Ten million events: whole, increment, online; needs no data."""
    with TemporaryDirectory() as folder:
        home = Home.open(folder)
        events = make_lake(home, customers=CUSTOMERS, copies=1, seed=SEED, say=_say)
        rounds = []
        for number in range(ROUNDS):
            _say(f"Round {number + 1} of {ROUNDS}")
            rounds.append(_round(home))
        feast = _feasts_own(home)
    times = {name: sorted((one[name] for one in rounds), key=lambda s: s.seconds)[ROUNDS // 2] for name in rounds[0]}
    told = rounds[0]["increment"]
    whole, increment = times["whole"], times["increment"]
    rows = [
        ["all features as of one cutoff", str(whole), f"{events / whole.seconds / 1e3:,.0f} thousand events/s"],
        ["the next day's, from those", str(increment), f"{whole.seconds / increment.seconds:.1f} x as fast as whole"],
        ["online, everybody", str(times["online_all"]), f"{told.customers:,} records"],
        ["online, what the day changed", str(times["online_day"]), f"{told.changed:,} records"],
        ["online, everybody, Feast's own engine and SQLite store", str(feast), ""],
    ]
    write_result(
        "features",
        title="Features: from events to snapshots, a day's increment, going online",
        order=40,
        command="python -m benchmarks features",
        today=now.date(),
        parts=[
            {
                "text": f"{events:,} events of {CUSTOMERS:,} simulated customers over two years; "
                f"{len(BATCH_FEATURES)} features of {told.customers:,} customers. Medians of {ROUNDS} rounds in one "
                "process. The increment's values were compared with the whole computation's: equal."
            },
            {"table": {"columns": ["", "time, memory", ""], "rows": rows}},
        ],
        facts={name: vars(one) for name, one in {**times, "feast": feast}.items()} | {"events": events},
    )
    return True


def run_large(now: datetime) -> bool:
    """A hundred million events within a stated memory."""
    with TemporaryDirectory() as folder:
        home = Home.open(folder)
        events = make_lake(home, customers=CUSTOMERS, copies=LARGE_COPIES, seed=SEED, say=_say)
        home.config.mkdir(exist_ok=True)
        (home.config / "feature_store.yaml").write_text(json.dumps({"offline": {"memory_limit_gb": LARGE_MEMORY_GB}}))
        with spent() as whole:
            (one,) = build_snapshots(home, [END], kinds=[BATCH])
        customers = one.manifest.rows
    write_result(
        "features_large",
        title="Features: a hundred million events",
        order=41,
        command="python -m benchmarks features_large",
        today=now.date(),
        parts=[
            {
                "text": f"{events:,} events ({LARGE_COPIES} times the shop above under other names), "
                f"{len(BATCH_FEATURES)} features of {customers:,} customers as of one cutoff, DuckDB bounded to "
                f"{LARGE_MEMORY_GB} GB: {whole}. One run; its yardstick is the ten million above."
            }
        ],
        facts={"events": events, "customers": customers, **vars(whole)},
    )
    return True


class _Increment(Spent):
    customers = 0
    changed = 0


def _round(home: Home) -> dict[str, Any]:
    for cutoff in (END - DAY, END):
        if (old := snapshot(home, BATCH, cutoff)) is not None:
            remove(old)
    home.online_db.unlink(missing_ok=True)
    (base,) = build_snapshots(home, [END - DAY], kinds=[BATCH])
    with spent() as online_all, _quiet():
        bring_online(home, base, END)
    found = _Increment()
    with spent() as increment:
        (advanced,) = build_snapshots(home, [END], kinds=[BATCH])
    with spent() as online_day:
        found.changed = bring_online(home, advanced, END)
    found.seconds, found.peak_mb, found.customers = increment.seconds, increment.peak_mb, advanced.manifest.rows
    values = _values(advanced)
    with spent() as whole:
        (again,) = build_snapshots(home, [END], kinds=[BATCH], increments=False)
    told = _values(again)
    same = told.column_names == values.column_names and all(told[n].equals(values[n]) for n in told.column_names)
    assert same, "an increment must equal a whole computation"
    return {"whole": whole, "increment": found, "online_all": online_all, "online_day": online_day}


def _values(one: Snapshot) -> Any:
    return pq.read_table(one.files, partitioning=None)


def _feasts_own(home: Home) -> Spent:
    """The same snapshot through Feast's own engine into its own SQLite store."""
    from feast import FeatureStore, RepoConfig

    from features.feature_store.definitions import definitions

    store = FeatureStore(
        config=RepoConfig(
            project="beside", provider="local", registry=str(home.feast / "beside.db"), repo_path=home.feast,
            offline_store={"type": "duckdb"}, online_store={"type": "sqlite", "path": str(home.feast / "own.db")},
            entity_key_serialization_version=3,
        )
    )  # fmt: skip
    with _quiet():
        store.apply(definitions(home))
        with spent() as taken:
            store.materialize(END, END, feature_views=[BATCH_VIEW])
    return taken


@contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(0 if run(datetime.now(UTC)) else 1)
