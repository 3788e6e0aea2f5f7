"""Snapshots: the same bytes from the same events, kept while nothing they know has changed, and state as it was."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features
from features.columns import EVENT_SCHEMA
from features.customer.hold_rules import HoldRules
from features.errors import DataError
from features.feature_store import basis
from features.feature_store.engines.duckdb import DuckDBEngine
from features.feature_store.snapshots import BATCH, STATE, Snapshot, note, snapshot, snapshot_cutoffs
from features.home import Home
from features.log.event_log import EventLog
from pipelines import snapshots
from pipelines.materialize import build_snapshots, materialize

T, DAY = datetime(2024, 6, 1, tzinfo=UTC), timedelta(days=1)


def _event(event_type: str, who: str | None, at: datetime, number: str, **fields: Any) -> dict[str, Any]:
    told = {"event_id": number, "type": event_type, "customer_id": who, "occurred_at": at, "received_at": at}
    return told | {"channel": "web", "source": "test", "schema_version": 1} | fields


def _purchase(who: str, at: datetime, number: str, **fields: Any) -> dict[str, Any]:
    lines = [{"item_id": "hat", "quantity": 1, "unit_price": 1000}]
    return _event("purchase", who, at, number, order_id=number, currency="EUR", lines=lines, **fields)


def _tell(home: Home, *rows: dict[str, Any], now: datetime = T + 9 * DAY) -> None:
    with EventLog(home) as log:
        report = log.append_history([pa.Table.from_pylist(list(rows), EVENT_SCHEMA)], source="test", now=now)
        assert report.accepted == len(rows)


def _bytes(made: list[Snapshot]) -> list[bytes]:
    return [path.read_bytes() for one in made for path in one.files]


def _read(one: Snapshot | None) -> dict[str, list[Any]]:
    assert one is not None
    found: dict[str, list[Any]] = pq.read_table(one.files, partitioning=None).to_pydict()
    return found


def test_the_same_events_give_the_same_bytes_in_any_order_and_grouping(tmp_path: Path) -> None:
    rows = [_purchase(f"c{n % 7}", T - n % 6 * DAY, f"e{n}") for n in range(40)]
    said = {"kind": "nps", "score": 7.0}
    rows += [_event("feedback", f"c{n % 7}", T - n % 5 * DAY, f"f{n}", **said) for n in range(40)]
    one, other = Home.open(tmp_path / "one"), Home.open(tmp_path / "other")
    _tell(one, *rows)
    _tell(other, *rows[40:])
    _tell(other, *reversed(rows[:40]))
    together = build_snapshots(one, [T - 3 * DAY, T])
    build_snapshots(other, [T])
    build_snapshots(other, [T - 3 * DAY])
    alone = build_snapshots(other, [T - 3 * DAY, T])
    assert [p.manifest.fingerprint for p in together] == [p.manifest.fingerprint for p in alone]
    assert _bytes(together) == _bytes(alone)


def test_a_snapshot_stays_until_something_it_knows_changes(tmp_path: Path) -> None:
    home, said = Home.open(tmp_path), list[str]()
    _tell(home, _purchase("ada", T - 9 * DAY, "e1"), _purchase("bea", T - 9 * DAY, "e2"))
    first = build_snapshots(home, [T - DAY, T + 9 * DAY], said.append)
    before = _bytes(first)
    assert len(said) == 2
    _tell(home, _purchase("ada", T + DAY, "e3"))
    build_snapshots(home, [T - DAY], said.append)
    assert said[2:] == ["Batch features as of 2024-06-10 are mended", "Customer state as of 2024-06-10 is mended"]
    assert first[0].files[0].read_bytes() == before[0], "it could not know of a later purchase"
    assert snapshot(home, BATCH, T - DAY) is not None
    assert _read(snapshot(home, BATCH, T + 9 * DAY))["purchase_count_total"] == [2, 1]
    assert _read(snapshot(home, STATE, T + 9 * DAY))["orders_total"] == [2, 1]
    _tell(home, _purchase("ada", T - 3 * DAY, "e4"))
    build_snapshots(home, [T - DAY], said.append)
    assert len(said) == 8
    assert _read(snapshot(home, BATCH, T - DAY))["purchase_count_total"] == [2, 1]
    assert _read(snapshot(home, BATCH, T + 9 * DAY))["purchase_count_total"] == [3, 1]


def test_a_snapshot_of_other_code_is_made_anew_where_wanted_and_else_removed(tmp_path: Path) -> None:
    home, said = Home.open(tmp_path), list[str]()
    _tell(home, _purchase("ada", T - 9 * DAY, "e1"))
    for one in build_snapshots(home, [T - 9 * DAY, T]):
        note(one, msgspec.structs.replace(one.manifest, basis="of another time"))
    build_snapshots(home, [T], said.append)
    assert len(said) == 2
    assert snapshot_cutoffs(home, BATCH) == snapshot_cutoffs(home, STATE) == [T]


@pytest.mark.parametrize("changed", ["feature_store/batch.py", "feature_store/touched.py", "pipelines/snapshots.py"])
def test_snapshots_know_of_what_code_they_are(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DuckDBEngine(tmp_path)
    before = snapshots.basis(engine)
    shutil.copytree(Path(features.__file__).parent, tmp_path / "features")
    shutil.copytree(Path(snapshots.__file__).parent, tmp_path / "pipelines")
    other = tmp_path / ("" if changed.startswith("pipelines/") else "features") / changed
    monkeypatch.setattr(basis, "_ROOM", tmp_path / "features")
    monkeypatch.setattr(snapshots, "__file__", str(tmp_path / "pipelines" / "snapshots.py"))
    try:
        basis.code_hash.cache_clear()
        assert snapshots.basis(engine) == before, "a copy is the same code"
        with other.open("a") as file:
            file.write("# and more\n")
        basis.code_hash.cache_clear()
        basis.file_hash.cache_clear()
        assert snapshots.basis(engine) != before
    finally:
        basis.code_hash.cache_clear()
        basis.file_hash.cache_clear()
        engine.close()


def test_other_rules_of_holds_make_other_snapshots_of_state(tmp_path: Path) -> None:
    home, said = Home.open(tmp_path), list[str]()
    _tell(home, _purchase("ada", T - 9 * DAY, "e1"))
    build_snapshots(home, [T], said.append)
    build_snapshots(home, [T], said.append, rules=HoldRules(recovery_days=31))
    assert said == ["Batch features as of 2024-06-01", "Customer state at 1 moments", "Customer state at 1 moments"]


def test_state_counts_a_visitor_as_long_as_she_was_known_to_be_the_customer(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    _tell(
        home,
        _purchase("ada", T - 30 * DAY, "e1"),
        _purchase("bea", T - 30 * DAY, "e2"),
        _event("feedback", None, T - 20 * DAY, "e3", anonymous_id="v", kind="rating", score=1.0),
        _event("identity", "ada", T - 10 * DAY, "e4", anonymous_id="v", action="link"),
        _event("identity", "ada", T - 8 * DAY, "e5", anonymous_id="v", action="unlink"),
        _event("identity", "bea", T - 6 * DAY, "e6", anonymous_id="v", action="link", received_at=T - 5 * DAY),
        _event("case", "bea", T - 2 * DAY, "e7", case_id="k", kind="complaint", status="opened", received_at=T + DAY),
    )
    moments = [T - 11 * DAY, T - 9 * DAY, T - 7 * DAY, T - 5 * DAY, T, T + DAY]
    paths = build_snapshots(home, moments)[len(moments) :]
    found = [_read(path) for path in paths]
    assert [f["customer_id"] for f in found] == [["ada", "bea"]] * 6
    assert [f["ratings_90d"] for f in found] == [[0, 0], [1, 0], [0, 0], [0, 1], [0, 1], [0, 1]]
    assert [f["open_cases"] for f in found] == [[0, 0]] * 5 + [[0, 1]]
    assert found[0]["last_rating_unit"] == [None, None]


def test_state_knows_an_incident_from_when_it_was_told_to_when_its_end_was(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    incident = {"hold_id": "lockers", "person": "liisa", "channel": None}
    _tell(
        home,
        _purchase("ada", T - 30 * DAY, "e1"),
        _purchase("bea", T - 12 * DAY, "e2"),
        _event(
            "incident",
            None,
            T - 10 * DAY,
            "i1",
            action="declare",
            rule='{"since": "2024-05-15T00:00:00Z"}',
            received_at=T - 8 * DAY,
            **incident,
        ),
        _event("incident", None, T - 6 * DAY, "i2", action="close", received_at=T - 4 * DAY, **incident),
    )
    moments = [T - day * DAY for day in (9, 8, 5, 4)]
    build_snapshots(home, moments)
    found = [_read(snapshot(home, STATE, at)) for at in moments]
    assert [f["customer_id"] for f in found] == [["ada", "bea"]] * 4
    assert [f["holds_in_force"] for f in found] == [[0, 0], [0, 1], [0, 1], [0, 0]]


def test_an_empty_log_gives_empty_snapshots_and_nothing_to_serve(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    paths = build_snapshots(home, [T])
    assert [one.manifest.rows for one in paths] == [0, 0]
    with pytest.raises(DataError, match="2024-06-01"):
        materialize(home, T)


def test_a_cutoff_finer_than_a_second_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        snapshot(Home.open(tmp_path), BATCH, T + timedelta(microseconds=1))
