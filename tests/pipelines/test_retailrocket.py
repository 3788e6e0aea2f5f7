from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from retailrocket_folder import NOON, SMALL, WEEK, at, write_large, write_small

from features.catalogue import load_items
from features.errors import SourceError
from features.home import Home
from features.log.event_log import EventLog
from features.log.quarantine import entries
from pipelines.ingest import ingest
from pipelines.sources.base import Reject
from pipelines.sources.retailrocket import RetailRocket, category_paths

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime.fromtimestamp(NOON / 1000, UTC)


def minutes(row: dict[str, Any]) -> float:
    """When an event occurred, in minutes after the noon of the folder."""
    return (row["occurred_at"] - START).total_seconds() / 60


def convert(folder: Path) -> tuple[list[dict[str, Any]], list[Reject]]:
    batches = list(RetailRocket().batches(folder))
    events = [row for batch in batches for row in batch.events.to_pylist()]
    return events, [reject for batch in batches for reject in batch.rejected]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[Reject]]:
    return convert(write_small(tmp_path_factory.mktemp("rocket") / "raw"))


Converted = tuple[list[dict[str, Any]], list[Reject]]


def test_views_and_carts_are_browsing_of_a_visitor_in_sessions(converted: Converted) -> None:
    seen = [row for row in converted[0] if row["type"] == "browse" and row["anonymous_id"] == "7"]
    assert [(minutes(row), row["action"], row["item_id"], row["customer_id"]) for row in seen] == [
        (0, "view", "100", None),
        (10, "view", "200", None),
        (40, "cart_add", "100", None),
        (71.1, "view", "300", None),
    ]
    first, *_, last = [row["session_id"] for row in seen]
    assert [row["session_id"] for row in seen] == [first, first, first, last]
    assert (first, last) == (f"7-{at(0)}", f"7-{at(71.1)}"), "half an hour after the purchase at 41 another begins"


def test_a_transaction_is_one_purchase_at_its_last_row(converted: Converted) -> None:
    (bought,) = [row for row in converted[0] if row["type"] == "purchase"]
    assert (bought["customer_id"], bought["order_id"], bought["currency"], minutes(bought)) == ("7", "5000", "XXX", 41)
    assert [(line["item_id"], line["quantity"], line["unit_price"]) for line in bought["lines"]] == [
        ("100", 1, 1234),
        ("200", 2, 48000),
    ], "100 costs 15.00 only a week later; 200 has its first price only later"


def test_who_buys_is_linked_to_the_visitor_she_was(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    ingest(home, "retailrocket", write_small(tmp_path / "raw"), now=NOW)
    with EventLog(home) as log:
        links = log.links().to_pylist()
        assert [(link["anonymous_id"], link["customer_id"], link["linked_at"]) for link in links] == [
            ("7", "7", START + timedelta(minutes=40.5)),
            ("9", "9", START + timedelta(minutes=10)),
        ], "9 bought what has no known price; 8 never bought by herself"
        assert [fact.type for fact in log.facts_of("7")] == ["identity", "purchase"]


def test_what_cannot_be_taken_is_rejected_with_its_reason(converted: Converted) -> None:
    assert sorted((reject.detail, reject.reason.value) for reject in converted[1]) == [
        ("item 300: property 790 with value n1.000 at never tells nothing", "bad_time"),
        (f"item 300: property 790 with value nInfinity at {at(0) - WEEK} tells nothing", "bad_value"),
        ("row 10 of the events: event like is not view, addtocart or transaction", "bad_choice"),
        ("row 11 of the events: no visitorid", "missing_who"),
        ("row 12 of the events: no itemid, or a transaction without transactionid", "missing_field"),
        ("row 13 of the events: timestamp noon is no time", "bad_time"),
        ("row 14 of the events: no itemid, or a transaction without transactionid", "missing_field"),
        ("row 15 of the events: no price of item 300 is known", "missing_field"),
        ("row 16 of the events: transaction 5002 has several visitors", "bad_value"),
        ("row 17 of the events: transaction 5002 has several visitors", "bad_value"),
    ]


def test_items_change_with_category_and_price_and_tell_the_last_stock(tmp_path: Path) -> None:
    items = RetailRocket().items(write_small(tmp_path / "raw")).to_pylist()
    week = timedelta(weeks=1)
    assert [
        (i["item_id"], i["category"], i["price"], i["valid_from"], i["in_stock"], i["stock_at"]) for i in items
    ] == [
        ("100", "9/213", 1234, None, None, None),
        ("100", "9/213", 1500, START + week, None, None),
        ("100", "999", 1500, START + 2 * week, False, START + week),
        ("200", None, 48000, None, None, None),
        ("300", None, None, None, None, None),
    ]


def test_category_paths_begin_at_the_widest() -> None:
    file = Path("category_tree.csv")
    rows = [(1, "1016", "213"), (2, "213", "9.0"), (3, "9", None), (4, "9", None)]
    assert category_paths(rows, file).to_pylist() == [
        {"category": "1016", "path": "9/213/1016"},
        {"category": "213", "path": "9/213"},
        {"category": "9", "path": "9"},
    ]
    with pytest.raises(SourceError, match=r"category_tree.csv: category 1 is among its own parents"):
        category_paths([(1, "1", "2"), (2, "2", "1")], file)
    with pytest.raises(SourceError, match=r"data row 2: category 1 is empty or has two parents"):
        category_paths([(1, "1", "2"), (2, "1", "3")], file)


def test_every_row_is_in_one_place_and_the_same_folder_again_changes_nothing(tmp_path: Path) -> None:
    home, folder = Home.open(tmp_path / "home"), write_small(tmp_path / "raw")
    first = ingest(home, "retailrocket", folder, now=NOW)
    again = ingest(home, "retailrocket", folder, now=NOW)
    assert (first.by_type, first.duplicates) == ({"browse": 5, "identity": 2, "purchase": 1}, 1)
    assert (again.accepted, again.duplicates) == (0, 9)
    of_events = [entry for entry in entries(home) if "of the events" in entry.detail]
    assert 5 + 1 + pieces(home) + len(of_events) == len(SMALL["events"].split()) == 17
    assert load_items(home).num_rows == 5


def test_a_large_folder_adds_up(tmp_path: Path) -> None:
    home, folder = Home.open(tmp_path / "home"), write_large(tmp_path / "raw", 20_000, weeks=4)
    report = ingest(home, "retailrocket", folder, now=NOW)
    raw = duckdb.sql(f"SELECT event, count(*) FROM '{folder}/events.csv' GROUP BY 1").fetchall()
    counted = dict(raw)
    assert report.by_type["browse"] + report.duplicates == counted["view"] + counted["addtocart"]
    assert pieces(home) + report.rejected.get("missing_field", 0) == counted["transaction"]
    with EventLog(home) as log, duckdb.connect() as con:
        longest, shortest = con.execute(
            f"""WITH steps AS (
                SELECT session_id, occurred_at - lag(occurred_at) OVER (PARTITION BY anonymous_id ORDER BY occurred_at)
                    AS pause, session_id = lag(session_id) OVER (PARTITION BY anonymous_id ORDER BY occurred_at) AS same
                FROM ({log.scan()}) WHERE type = 'browse'
            ) SELECT max(pause) FILTER (same), min(pause) FILTER (NOT same) FROM steps"""
        ).fetchall()[0]
    assert longest is None or longest <= timedelta(minutes=60), "at most a purchase lies between"
    assert shortest > timedelta(minutes=30)


def test_a_folder_that_is_not_what_it_should_be_names_file_column_and_remedy(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    cases = {
        "events": ("1433160000000,7,view\n", r"events.csv is broken .*Line: 2.*Name the folder"),
        "category_tree": ("1,2\n2,1\n", r"category_tree.csv: category 1 is among its own parents.*Name the folder"),
        "item_properties_part2": ("1433160000000,1,790,n1.000", r"item_properties_part2.csv has no line end"),
    }
    for name, (rows, words) in cases.items():
        with pytest.raises(SourceError, match=words):
            ingest(home, "retailrocket", write_small(tmp_path / name, **{name: rows}), now=NOW)
    folder = write_small(tmp_path / "lacking")
    (folder / "events.csv").write_text("timestamp,visitor\n1,2\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"events.csv, line 1, lacks the column.s. visitorid, event, itemid"):
        ingest(home, "retailrocket", folder, now=NOW)
    (folder / "category_tree.csv").unlink()
    with pytest.raises(SourceError, match=r"lacks category_tree.csv. Name the folder"):
        ingest(home, "retailrocket", folder, now=NOW)


def pieces(home: Home) -> int:
    """Bought pieces in the log."""
    with EventLog(home) as log, duckdb.connect() as con:
        rows = con.sql(log.scan()).to_arrow_table().to_pylist()
    return sum(line["quantity"] for row in rows if row["type"] == "purchase" for line in row["lines"])
