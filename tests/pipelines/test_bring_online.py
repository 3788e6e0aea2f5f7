"""Night after night only what became different is written online, and what is read is what a whole writing gives."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from online_stores import STORES, home_with, valkey_url

from features.columns import EVENT_SCHEMA
from features.feature_store.batch import schema_hash
from features.feature_store.online import OnlineFeatures, OnlineRecord, OnlineWriter
from features.feature_store.online.complete import read_mark, take_mark
from features.feature_store.online.records import BATCH_VIEW
from features.feature_store.online.store import open_online
from features.feature_store.snapshots import BATCH, snapshot
from features.home import Home
from features.log.event_log import EventLog
from pipelines.bring_online import bring_online
from pipelines.materialize import build_snapshots, materialize

T, DAY = datetime(2024, 6, 1, tzinfo=UTC), timedelta(days=1)
WHO = [f"c{n}" for n in range(12)]
Make = Callable[[], Home]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with valkey_url() as url:
        yield url


@pytest.fixture(params=STORES)
def make(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> Make:
    """Data folders on one store."""
    numbers = count()
    return lambda: home_with(tmp_path / f"home{next(numbers)}", store=request.param, url=server)


def _event(event_type: str, who: str | None, at: datetime, number: str, **fields: Any) -> dict[str, Any]:
    told = {"event_id": number, "type": event_type, "customer_id": who, "occurred_at": at, "received_at": at}
    return told | {"channel": "web", "source": "test", "schema_version": 1} | fields


def _purchase(who: str | None, at: datetime, number: str, **fields: Any) -> dict[str, Any]:
    lines = [{"item_id": "hat", "quantity": 1, "unit_price": 1000}]
    return _event("purchase", who, at, number, order_id=number, currency="EUR", lines=lines, **fields)


def _tell(home: Home, *rows: dict[str, Any]) -> None:
    with EventLog(home, durable=False) as log:
        log.append_history([pa.Table.from_pylist(list(rows), EVENT_SCHEMA)], source="test", now=T + 30 * DAY)


def _shop(home: Home) -> None:
    _tell(
        home,
        *(_purchase(who, T - timedelta(days=3 + 31 * n % 300), f"e{n}") for n, who in enumerate(WHO)),
        *(_purchase(who, T - timedelta(days=29 - n % 3, hours=5), f"f{n}") for n, who in enumerate(WHO[:6])),
        _event("feedback", None, T - 9 * DAY, "v1", anonymous_id="v", kind="rating", score=1.0),
        _event("identity", "guest", T - 8 * DAY, "v2", anonymous_id="v", action="link"),
    )


def _read(home: Home) -> dict[str, OnlineRecord | None]:
    reader = OnlineFeatures(home, expected_schema=schema_hash())
    everyone = [*WHO, "guest", "new"]
    try:
        return dict(zip(everyone, reader.read(everyone, T + 9 * DAY), strict=True))
    finally:
        reader.close()


def _values(home: Home) -> dict[str, Any]:
    return {
        who: None if one is None else (one.values, one.event_time, one.problem, one.schema_hash)
        for who, one in _read(home).items()
    }


def test_each_night_gives_what_a_whole_writing_gives(make: Make) -> None:
    home = make()
    _shop(home)
    assert materialize(home, T) == 13
    nights = [
        [_purchase("c3", T + timedelta(hours=3), "n1"), _purchase("new", T + timedelta(hours=4), "n2")],
        [_event("identity", "guest", T + DAY + timedelta(hours=1), "n3", anonymous_id="v", action="unlink")],
        [_event("erasure", "c5", T + 2 * DAY + timedelta(hours=1), "n4")],
        [],
    ]
    for number, events in enumerate(nights, 1):
        now = T + number * DAY
        if events:
            _tell(home, *events)
        materialize(home, now)
        whole = make()
        _shop(whole)
        _tell(whole, *(event for night in nights[:number] for event in night))
        build_snapshots(whole, [now], kinds=[BATCH])
        materialize(whole, now)
        found = _values(home)
        assert found == _values(whole), f"night {number}"
        assert {told[1] for told in found.values() if told is not None} == {now}
    assert found["guest"] is None, "nobody says who the visitor is any more"
    assert found["c5"] is None, "she asked to be forgotten"
    assert _read(home)["new"] is not None


def test_only_what_became_different_is_written(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    _tell(home, _purchase("c7", T + timedelta(hours=3), "n1"))
    (one,) = build_snapshots(home, [T + DAY], kinds=[BATCH])
    left_a_window = {"c0", "c3"}  # bought 29 days and five hours before T: no longer within 30 days
    assert bring_online(home, one) == len(left_a_window | {"c7"})
    assert bring_online(home, one) == 0, "it is online"


def test_what_others_wrote_is_written_over_whole(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    (one,) = build_snapshots(home, [T + DAY], kinds=[BATCH])
    store = open_online(home)
    take_mark(store, BATCH_VIEW)
    assert read_mark(store, BATCH_VIEW) is None
    store.close()
    assert bring_online(home, one) == 13


def test_an_older_snapshot_changes_nothing_online(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    before = _values(home)
    materialize(home, T - DAY)
    assert _values(home) == before


def test_a_writing_that_was_killed_is_followed_by_a_whole_one(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    (one,) = build_snapshots(home, [T + DAY], kinds=[BATCH])
    store = open_online(home)
    take_mark(store, BATCH_VIEW)  # where the process ended
    OnlineWriter(home, store=store).forget(["c3"], at=0, sequence=0, views=[BATCH_VIEW])
    store.close()
    assert bring_online(home, one) == 13
    reads = _read(home)
    assert reads["c3"] is not None and reads["c3"].event_time == T + DAY


def test_a_mended_snapshot_of_the_same_moment_comes_online(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    _tell(home, _purchase("c3", T - 2 * DAY, "late"))
    materialize(home, T)
    reads = _read(home)
    assert reads["c3"] is not None and reads["c3"].values["purchase_count_total"] == 3
    assert snapshot(home, BATCH, T) is not None
