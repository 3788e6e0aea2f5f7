"""Features: building snapshots, materializing them, and reading one and a hundred customers, beside Feast's own store.

The events are made up and only their number matters. Both stores hold the same snapshot and are read in turn in the
same run; ratios hold where absolute times drift.
"""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import Spent, median_seconds, spent
from benchmarks.report import write_result
from features.columns import CUSTOMER_ID, EVENT_SCHEMA
from features.feature_store.batch import BATCH_FEATURES, schema_hash
from features.feature_store.online import BATCH_VIEW, OnlineFeatures
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots, materialize

CUSTOMERS, PURCHASES_EACH, LINES_EACH = 20_000, 6, 2
AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
CUTOFFS = [AS_OF - timedelta(days=30 * n) for n in range(6)]
READS, ROUNDS = {1: 200, 100: 10}, 9
SEED = 20240601


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    with TemporaryDirectory() as folder:
        home = Home.open(folder)
        with EventLog(home, durable=False) as log:
            log.append_history(_events(), source="benchmark", now=now)
        with spent() as snapshots:
            build_snapshots(home, CUTOFFS)
        materialize(home, CUTOFFS[-1])  # Feast's imports are not what is measured
        with spent() as ours:
            materialize(home, AS_OF)
        theirs, feast_path, store = _feast_materialize(home)
        reads = _reads(home, store)
        sizes = {"packed": home.online_db.stat().st_size, "feast_sqlite": feast_path.stat().st_size}
    _report(now, snapshots, {"packed": ours, "feast_sqlite": theirs}, sizes, reads)
    return True


def _events() -> Iterator[pa.Table]:
    draw = np.random.default_rng(SEED)
    for start in range(0, CUSTOMERS, 5_000):
        count = 5_000 * PURCHASES_EACH
        who = [f"c{start + n // PURCHASES_EACH:06}" for n in range(count)]
        at = [AS_OF - timedelta(days=30 * int(d), hours=5) for d in draw.integers(0, 14, count)]
        lines = [
            [{"item_id": f"i{i}", "quantity": 1, "unit_price": 1990, "discount": 0} for i in items]
            for items in draw.integers(0, 500, (count, LINES_EACH))
        ]
        ids = [f"e{start * PURCHASES_EACH + n}" for n in range(count)]
        told: dict[str, Any] = {
            "event_id": ids, "type": ["purchase"] * count, CUSTOMER_ID: who, "occurred_at": at, "received_at": at,
            "channel": ["web"] * count, "source": ["benchmark"] * count, "schema_version": [1] * count,
            "order_id": ids, "currency": ["EUR"] * count, "lines": lines,
        }  # fmt: skip
        columns = [pa.array(told.get(f.name, [None] * count), f.type) for f in EVENT_SCHEMA]
        yield pa.Table.from_arrays(columns, schema=EVENT_SCHEMA)


def _feast_materialize(home: Home) -> tuple[Spent, Path, Any]:
    """The same snapshot through Feast's own engine into its own SQLite store."""
    from feast import FeatureStore, RepoConfig

    from features.feature_store.definitions import definitions

    path = home.feast / "feast_own.db"
    store = FeatureStore(
        config=RepoConfig(
            project="beside", provider="local", registry=str(home.feast / "beside.db"), repo_path=home.feast,
            offline_store={"type": "duckdb"}, online_store={"type": "sqlite", "path": str(path)},
            entity_key_serialization_version=3,
        )
    )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        store.apply(definitions(home))
        store.materialize(CUTOFFS[-1], CUTOFFS[-1], feature_views=[BATCH_VIEW])
        with spent() as taken:
            store.materialize(AS_OF, AS_OF, feature_views=[BATCH_VIEW])
    return taken, path, store


def _reads(home: Home, store: Any) -> dict[int, dict[str, float]]:
    """Median seconds of a read by number of customers and store, the stores taking turns."""
    reader = OnlineFeatures(home, expected_schema=schema_hash(), deadline_seconds=5.0)
    asked = [f"{BATCH_VIEW}:{name}" for name in BATCH_FEATURES]
    draw = np.random.default_rng(SEED)
    found: dict[int, dict[str, float]] = {}
    for customers, repeats in READS.items():
        keys = [[f"c{n:06}" for n in draw.integers(0, CUSTOMERS, customers)] for _ in range(repeats)]
        rows = [[{CUSTOMER_ID: key} for key in group] for group in keys]

        def packed(keys: list[list[str]] = keys) -> None:
            for group in keys:
                reader.read(group)

        def feast(rows: list[list[dict[str, str]]] = rows) -> None:
            for group in rows:
                store.get_online_features(features=asked, entity_rows=group)

        both: dict[str, Callable[[], None]] = {"packed": packed, "feast_sqlite": feast}
        times = {name: [median_seconds(call, 1) / repeats for _ in range(ROUNDS)] for name, call in both.items()}
        found[customers] = {name: float(np.median(each)) for name, each in times.items()}
    reader.close()
    return found


def _report(
    now: datetime,
    snapshots: Spent,
    materialized: dict[str, Spent],
    sizes: dict[str, int],
    reads: dict[int, dict[str, float]],
) -> None:
    events = CUSTOMERS * PURCHASES_EACH
    rows = [
        [f"read {n} customer{'s' if n > 1 else ''}", *(_ms(t[s]) for s in ("packed", "feast_sqlite")), _times(t)]
        for n, t in reads.items()
    ]
    seconds = {name: one.seconds for name, one in materialized.items()}
    rows.append(
        [
            f"materialize {CUSTOMERS:,} customers",
            *(f"{one.seconds:.1f} s, {one.peak_mb:.0f} MB" for one in materialized.values()),
            _times(seconds),
        ]
    )
    rows.append(["size of the store", *(f"{size / 1e6:.1f} MB" for size in sizes.values()), _times(sizes)])
    write_result(
        "features",
        title="Features: snapshots, materializing, reading",
        order=40,
        command="python -m benchmarks features",
        today=now.date(),
        parts=[
            {
                "text": f"{events:,} purchases of {CUSTOMERS:,} made-up customers; {len(BATCH_FEATURES)} features. "
                f"Batch and state snapshots at {len(CUTOFFS)} cutoffs: {snapshots}. Medians of {ROUNDS} rounds, "
                "both stores in the same run."
            },
            {"table": {"columns": ["", "packed records", "Feast's SQLite store", "ratio"], "rows": rows}},
        ],
        facts={
            "snapshots": vars(snapshots),
            "materialize": {name: vars(one) for name, one in materialized.items()},
            "bytes": sizes,
            "read_seconds": {str(n): t for n, t in reads.items()},
        },
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _times(both: dict[str, Any]) -> str:
    return f"{both['feast_sqlite'] / both['packed']:.0f} x"


if __name__ == "__main__":
    sys.exit(0 if run(datetime.now(UTC)) else 1)
