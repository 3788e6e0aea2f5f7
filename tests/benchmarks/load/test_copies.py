from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.load.copies import more_items, multiply, tiled
from features.catalogue import ITEM_SCHEMA, load_items, merge_items
from features.feature_store.online import OnlineWriter, RecordSchema
from features.feature_store.online.records import BATCH_VIEW
from features.home import Home
from features.inputs.candidates import ItemTable
from features.instants import to_us
from features.log.event_log import EventLog
from features.log.store import connect
from serving.core.question import Request
from serving.service import DecisionService

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
TABLE = ItemTable(
    item_id=np.array(["coat", "hat", "sock"]),
    buyers=np.array([3, 2, 1], np.float32),
    recent_buyers=np.array([3, 2, 1], np.float32),
    repeat_rate=np.zeros(3, np.float32),
    gap_days=np.full(3, np.nan, np.float32),
    price=np.array([100, 50, 5], np.float32),
    category=np.array([0, 0, -1], np.int32),
    categories=np.array(["clothes"]),
    popular=np.array([0, 1, 2], np.int32),
    neighbour_start=np.array([0, 2, 3, 3]),
    neighbour_item=np.array([1, 2, 0], np.int32),
    neighbour_score=np.array([0.5, 0.25, 0.5], np.float32),
    as_of=np.array(NOW.timestamp()),
)


def neighbours(table: ItemTable, item: str) -> list[str]:
    row = table.index[item]
    return table.item_id[table.neighbour_item[table.neighbour_start[row] : table.neighbour_start[row + 1]]].tolist()


def test_a_district_has_its_own_neighbours() -> None:
    table = tiled(TABLE, 3)
    assert table.item_id.tolist() == sorted(table.item_id.tolist())
    assert len(table) == 9
    assert neighbours(table, "b0002-coat") == ["b0002-hat", "b0002-sock"]
    assert neighbours(table, "coat") == ["hat", "sock"]
    assert neighbours(table, "b0001-hat") == ["b0001-coat"]
    assert neighbours(table, "sock") == []
    assert {item.rpartition("-")[2] for item in table.item_id[table.popular].tolist()} == {"coat"}


def test_one_district_is_the_table_itself() -> None:
    same = tiled(TABLE, 1)
    for name, value in vars(replace(TABLE)).items():
        np.testing.assert_array_equal(getattr(same, name), value)


def a_shop(folder: Path) -> Home:
    home = Home.open(folder)
    merge_items(
        home, pa.Table.from_pylist([{"item_id": "hat", "replaces": ["coat"]}, {"item_id": "coat"}], ITEM_SCHEMA)
    )
    line = {"item_id": "hat", "quantity": 1, "unit_price": 100}
    told = [
        {"event_id": "p", "type": "purchase", "customer_id": "aino", "occurred_at": "2025-02-01T00:00:00Z",
         "payload": {"order_id": "o", "currency": "EUR", "lines": [line]}},
        {"event_id": "c", "type": "feedback", "customer_id": "aino", "occurred_at": "2025-02-28T00:00:00Z",
         "payload": {"kind": "complaint", "case_id": "k"}},
        {"event_id": "l", "type": "identity", "customer_id": "eero", "anonymous_id": "visitor",
         "occurred_at": "2025-02-01T00:00:00Z", "payload": {"action": "link"}},
    ]  # fmt: skip
    with EventLog(home) as log:
        log.append_live(told, source="api", now=NOW - timedelta(hours=1))
    schema = RecordSchema(("orders",), ("int64",))
    with closing(OnlineWriter(home)) as writer:
        writer.write(BATCH_VIEW, schema, [("aino", to_us(NOW), 0, [1])])
    return home


def test_a_copy_is_treated_as_she_is(tmp_path: Path) -> None:
    home = a_shop(tmp_path)
    multiply(home, 6, 2)
    service = DecisionService(home)
    asked = [
        Request(customer_id=one, channel="web", placement="front_page", now=NOW, mode="simulate")
        for one in ("aino", "k00000aino", "k00001aino")
    ]
    hers, *copies = service.decide_many(asked)
    service.close()
    assert hers.state_status == "ok" and [h.kind for h in hers.holds] == ["open_complaint"]
    for copy in copies:
        assert [h.kind for h in copy.holds] == ["open_complaint"]
        assert (copy.state_status, copy.versions["features"]) == ("ok", hers.versions["features"])


def test_what_she_wrote_counts_as_judged_of_a_copy_too(tmp_path: Path) -> None:
    home = a_shop(tmp_path)
    told = {
        "event_id": "w", "type": "feedback", "customer_id": "aino", "occurred_at": "2025-02-28T01:00:00Z",
        "payload": {"kind": "comment", "text": "Never again. I want my money back, and nobody answers."},
    }  # fmt: skip
    service = DecisionService(home)
    assert [one.status for one in service.ingest([told], NOW)] == ["accepted"]
    before = service.records.heard()
    multiply(home, 6, 2)
    facts = service.records.heard()
    while service.judge_unheard(NOW):
        pass
    assert service.records.heard() == facts != before, "nothing was left to be judged"
    service.close()


def test_a_copy_takes_events_as_she_does(tmp_path: Path) -> None:
    home = a_shop(tmp_path)
    multiply(home, 4, 2)
    with EventLog(home) as log:
        told = {
            "event_id": "new",
            "type": "browse",
            "anonymous_id": "k00000visitor",
            "occurred_at": "2025-03-01T11:00:00Z",
            "payload": {"action": "view", "session_id": "s", "item_id": "hat"},
        }
        (result,) = log.append_live([told], source="api", now=NOW)
    assert (result.status, result.customer_id) == ("accepted", "k00000eero")
    connection = connect(home)
    known = connection.execute("select count(*) from seen where event_id = ?", ("k00000p",)).fetchone()
    connection.close()
    assert known == (1,)


def test_items_are_copied_with_what_they_replace(tmp_path: Path) -> None:
    home = a_shop(tmp_path)
    more_items(home, 2)
    rows = {row["item_id"]: row for row in load_items(home).to_pylist()}
    assert set(rows) == {"hat", "coat", "b0001-hat", "b0001-coat"}
    assert rows["b0001-hat"]["replaces"] == ["b0001-coat"]
