"""Snapshots: the same bytes from the same events, kept while nothing they know has changed, and state as it was."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features
from features.columns import EVENT_SCHEMA
from features.customer.hold_rules import HoldRules
from features.errors import DataError
from features.feature_store.snapshots import BATCH, STATE, snapshot_cutoffs, snapshot_path
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots, materialize
from pipelines.snapshot_fingerprints import CODE

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


def _bytes(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


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
    assert [p.name for p in together] == [p.name for p in alone]
    assert _bytes(together) == _bytes(alone)


def test_a_snapshot_stays_until_something_it_knows_changes(tmp_path: Path) -> None:
    home, said = Home.open(tmp_path), list[str]()
    _tell(home, _purchase("ada", T - 9 * DAY, "e1"))
    first = build_snapshots(home, [T - DAY, T + 3 * DAY], said.append)
    before = _bytes(first)
    assert len(said) == 2
    _tell(home, _purchase("ada", T + DAY, "e2"))
    build_snapshots(home, [T - DAY], said.append)
    assert len(said) == 2
    assert first[0].read_bytes() == before[0]
    assert snapshot_cutoffs(home, BATCH) == snapshot_cutoffs(home, STATE) == [T - DAY]
    _tell(home, _purchase("ada", T - 3 * DAY, "e3"))
    build_snapshots(home, [T - DAY], said.append)
    assert len(said) == 4
    assert pq.read_table(first[0])["purchase_count_total"].to_pylist() == [2]


def test_other_rules_of_holds_make_other_snapshots(tmp_path: Path) -> None:
    home, said = Home.open(tmp_path), list[str]()
    _tell(home, _purchase("ada", T - 9 * DAY, "e1"))
    build_snapshots(home, [T], said.append)
    build_snapshots(home, [T], said.append, rules=HoldRules(recovery_days=31))
    assert len(said) == 4


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
    found = [pq.read_table(path).to_pydict() for path in paths]
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
    found = [pq.read_table(snapshot_path(home, STATE, at)).to_pydict() for at in moments]
    assert [f["customer_id"] for f in found] == [["ada", "bea"]] * 4
    assert [f["holds_in_force"] for f in found] == [[0, 0], [0, 1], [0, 1], [0, 0]]


def test_an_empty_log_gives_empty_snapshots_and_nothing_to_serve(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    paths = build_snapshots(home, [T])
    assert [pq.read_metadata(p).num_rows for p in paths] == [0, 0]
    with pytest.raises(DataError, match="2024-06-01"):
        materialize(home, T)


def test_a_cutoff_finer_than_a_second_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        snapshot_path(Home.open(tmp_path), BATCH, T + timedelta(microseconds=1))


def test_the_fingerprint_covers_all_code_that_snapshots_depend_on() -> None:
    folder = Path(features.__file__).parent
    needed, waiting = set[str](), ["feature_store/batch", "customer/state_history"]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("features"):
                path = "/".join((node.module or "").split(".")[1:])
                is_room = path == "" or (folder / path).is_dir()
                waiting += [f"{path}/{a.name}".strip("/") for a in node.names] if is_room else [path]
    assert needed == set(CODE.split())
