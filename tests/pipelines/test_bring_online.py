"""Night after night only what became different is written online, and what is read is what a whole writing gives."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from online_stores import STORES, home_with, valkey_url

from features.columns import EVENT_SCHEMA
from features.feature_store.batch import schema_hash
from features.feature_store.feast_repo import feature_store
from features.feature_store.online import OnlineFeatures, OnlineRecord, OnlineWriter
from features.feature_store.online.complete import read_mark, set_mark, take_mark
from features.feature_store.online.records import BATCH_VIEW, VALUES, Packed, pack
from features.feature_store.online.store import open_online
from features.feature_store.snapshots import BATCH, Snapshot, snapshot
from features.home import Home
from features.instants import to_us
from features.log.event_log import EventLog
from pipelines.bring_online import bring_online
from pipelines.materialize import build_snapshots, materialize

T, DAY = datetime(2024, 6, 1, tzinfo=UTC), timedelta(days=1)
NOW = T + 30 * DAY
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
    assert bring_online(home, one, NOW) == len(left_a_window | {"c7"})
    assert bring_online(home, one, NOW) == 0, "it is online"


def test_what_others_wrote_is_written_over_whole(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    (one,) = build_snapshots(home, [T + DAY], kinds=[BATCH])
    store = open_online(home)
    take_mark(store, BATCH_VIEW)
    assert read_mark(store, BATCH_VIEW) is None
    store.close()
    assert bring_online(home, one, NOW) == 13


def test_what_was_pushed_ahead_is_told_as_of_its_own_moment_and_then_written_over(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    pushed = T + DAY + timedelta(hours=12)
    (one,) = build_snapshots(home, [T], kinds=[BATCH])
    row = pq.read_table(one.files, partitioning=None, filters=[("customer_id", "=", "c8")]).to_pandas()
    feature_store(home).write_to_online_store(
        BATCH_VIEW, row.assign(revenue_total=5, event_timestamp=pushed, created_timestamp=pushed)
    )
    materialize(home, T + DAY)
    ahead = _read(home)["c8"]
    assert ahead is not None
    assert (ahead.values["revenue_total"], ahead.event_time) == (5, pushed)
    for night in (2, 3):
        materialize(home, T + night * DAY)
        reads = _read(home)
        assert reads["c8"] is not None
        assert (reads["c8"].values["revenue_total"], reads["c8"].event_time) == (1000, T + night * DAY)
    (one,) = build_snapshots(home, [T + 4 * DAY], kinds=[BATCH])
    assert bring_online(home, one, NOW) < 13, "the push is past: nights write what is new again"


def test_while_a_new_mark_is_brought_in_nothing_expires_that_the_old_one_speaks_for(tmp_path: Path) -> None:
    home = home_with(tmp_path, ttl_days=8.5)
    _shop(home)
    for cutoff in (T, T + DAY):
        materialize(home, cutoff)
    before = _values(home)
    assert before["c8"] == (before["c8"][0], T + DAY, None, schema_hash()), "written at T, and told a day later"
    store = open_online(home)
    mark = read_mark(store, BATCH_VIEW)
    assert mark is not None
    set_mark(store, BATCH_VIEW, mark._replace(complete=False))  # where the process ended
    store.close()
    assert _values(home) == before
    (one,) = build_snapshots(home, [T + 2 * DAY], kinds=[BATCH])
    assert bring_online(home, one, NOW) == 13


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
    assert bring_online(home, one, NOW) == 13
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


def _unlink_the_guest(at: datetime, number: str) -> dict[str, Any]:
    return _event("identity", "guest", at, number, anonymous_id="v", action="unlink")


def test_who_left_is_forgotten_also_where_the_new_snapshot_is_made_whole(make: Make) -> None:
    for when, more in ((T + 5 * DAY, []), (T + DAY, [_event("friction", "c1", T + timedelta(hours=1), "first")])):
        home = make()
        _shop(home)
        materialize(home, T)
        assert _read(home)["guest"] is not None
        _tell(home, _unlink_the_guest(T + timedelta(hours=2), "u"), *({**event, "kind": "wait"} for event in more))
        materialize(home, when)
        assert _read(home)["guest"] is None, f"as of {when}"


def test_who_left_while_the_code_changed_is_forgotten(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T)
    _tell(home, _unlink_the_guest(T + timedelta(hours=2), "u"))
    shutil.rmtree(home.features / BATCH)  # as building removes snapshots of other code
    materialize(home, T + DAY)
    reads = _read(home)
    assert reads["guest"] is None
    assert reads["c0"] is not None
    store = open_online(home)
    online = {who for some in store.customers(BATCH_VIEW) for who in some}
    store.close()
    assert set(WHO) <= online
    assert "guest" not in online


@pytest.mark.parametrize("increments", [True, False])
def test_a_visitor_who_asks_to_be_forgotten_is_forgotten(tmp_path: Path, increments: bool) -> None:
    home = home_with(tmp_path)
    _shop(home)
    _tell(
        home,
        _event("feedback", None, T - 20 * DAY, "w1", anonymous_id="w", kind="rating", score=1.0),
        _event("identity", "c3", T - 19 * DAY, "w2", anonymous_id="w", action="link"),
        _event("identity", "c3", T + timedelta(hours=1), "w3", anonymous_id="w", action="unlink"),
    )
    (before,) = build_snapshots(home, [T], kinds=[BATCH])
    assert _row(before, "c3")["feedback_count_365d"] == 1, "the visitor was taken for her"
    materialize(home, T + timedelta(hours=2))
    assert _read(home)["guest"] is not None
    _tell(home, *(_event("erasure", None, T + timedelta(hours=3), f"x{v}", anonymous_id=v) for v in ("v", "w")))
    after, newest = build_snapshots(home, [T, T + DAY], kinds=[BATCH], increments=increments)
    bring_online(home, newest, NOW)
    assert _row(after, "guest") is None, "the visitor v is she"
    assert _row(after, "c3")["feedback_count_365d"] == 0, "what w said is forgotten, c3 is not"
    reads = _read(home)
    assert reads["guest"] is None
    assert reads["c3"] is not None


def _row(one: Snapshot, who: str) -> Any:
    found = pq.read_table(one.files, partitioning=None, filters=[("customer_id", "=", who)]).to_pylist()
    return found[0] if found else None


def test_who_left_and_came_back_at_the_same_moment_is_online(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T, now=NOW)
    _tell(home, _unlink_the_guest(T - 7 * DAY, "u"))
    materialize(home, T, now=NOW + DAY)
    assert _read(home)["guest"] is None
    _tell(home, _event("identity", "guest", T - 6 * DAY, "l", anonymous_id="v", action="link"))
    materialize(home, T, now=NOW + 2 * DAY)
    assert _read(home)["guest"] is not None


def test_a_damaged_record_is_healed_by_a_whole_writing(make: Make) -> None:
    home = make()
    _shop(home)
    materialize(home, T, now=NOW)
    before, at, sequence = _values(home), to_us(T), to_us(NOW + DAY)
    record = pack([], schema_hash=schema_hash(), event_time_micros=at, sequence=sequence)
    store = open_online(home)
    store.write(BATCH_VIEW, None, [Packed("c3", at, sequence, VALUES, record[:-1] + b"?")])
    store.close()
    assert _values(home)["c3"] == ({}, None, "corrupt", "")
    materialize(home, T, now=NOW + 2 * DAY)
    assert _values(home)["c3"] == ({}, None, "corrupt", ""), "nothing is new, so nothing is written"
    materialize(home, T, now=NOW + 2 * DAY, whole=True)
    assert _values(home) == before


def test_a_log_put_back_from_a_copy_is_not_built_on(make: Make) -> None:
    home = make()
    _shop(home)
    copy = home.live_db.with_suffix(".copy")
    with closing(sqlite3.connect(home.live_db)) as live, closing(sqlite3.connect(copy)) as kept:
        live.backup(kept)
    _tell(home, _purchase("c3", T - 2 * DAY, "lost"))
    build_snapshots(home, [T], kinds=[BATCH])
    with closing(sqlite3.connect(copy)) as kept, closing(sqlite3.connect(home.live_db)) as live:
        kept.backup(live)
    _tell(home, _purchase("c4", T - 2 * DAY, "told again"))
    (one,) = build_snapshots(home, [T], kinds=[BATCH])
    (whole,) = build_snapshots(home, [T], kinds=[BATCH], increments=False)
    assert one.manifest.fingerprint == whole.manifest.fingerprint
    (row,) = pq.read_table(one.files, partitioning=None, filters=[("customer_id", "=", "c3")]).to_pylist()
    assert row["purchase_count_total"] == 2
