import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from olist_folder import CUSTOMERS, ITEMS, ORDERS, REVIEWS, TRANSLATIONS, count_rows, write_large, write_small

from features.catalogue import load_items
from features.errors import SourceError
from features.home import Home
from features.log.doubts import customers_in_doubt
from features.log.event_log import EventLog
from features.log.quarantine import entries
from features.log.store import connect
from pipelines.ingest import SOURCES, ingest
from pipelines.sources.base import Reject
from pipelines.sources.olist import Olist

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def convert(folder: Path) -> tuple[dict[str, dict[str, Any]], list[Reject]]:
    batches = list(Olist().batches(folder))
    events = {row["event_id"]: row for batch in batches for row in batch.events.to_pylist()}
    return events, [reject for batch in batches for reject in batch.rejected]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], list[Reject]]:
    return convert(write_small(tmp_path_factory.mktemp("olist") / "raw"))


def test_the_lines_of_an_order_are_one_purchase_of_the_person_in_utc(
    converted: tuple[dict[str, dict[str, Any]], list[Reject]],
) -> None:
    purchase = converted[0]["olist:order:o1"]
    assert (purchase["type"], purchase["customer_id"], purchase["currency"]) == ("purchase", "ana", "BRL")
    assert purchase["occurred_at"] == utc("2017-10-02 13:56:33"), "three hours behind UTC"
    assert converted[0]["olist:order:o2"]["occurred_at"] == utc("2018-01-05 11:00:00"), "two in summer"
    assert purchase["received_at"] == purchase["occurred_at"] + Olist.lag
    assert [(line["item_id"], line["quantity"], line["unit_price"]) for line in purchase["lines"]] == [
        ("p1", 2, 2999),
        ("p2", 1, 500),
    ]


def test_a_delivery_is_promised_until_the_end_of_its_day(
    converted: tuple[dict[str, dict[str, Any]], list[Reject]],
) -> None:
    steps = {key.split(":")[-1]: row for key, row in converted[0].items() if key.startswith("olist:delivery:o1:")}
    assert {name: row["occurred_at"] for name, row in steps.items()} == {
        "promised": utc("2017-10-02 13:56:33"),
        "shipped": utc("2017-10-04 22:55:00"),
        "delivered": utc("2017-10-11 00:25:13"),
    }
    assert steps["promised"]["promised_at"] == utc("2017-10-19 01:59:59"), "23:59:59 there"


def test_what_has_no_time_counts_from_the_end_of_the_promised_day(
    converted: tuple[dict[str, dict[str, Any]], list[Reject]],
) -> None:
    events = converted[0]
    assert events["olist:delivery:o2:cancelled"]["occurred_at"] == utc("2018-01-21 01:59:59")
    assert events["olist:delivery:o3:cancelled"]["occurred_at"] == utc("2018-02-21 02:59:59"), "unavailable"
    assert events["olist:delivery:o7:delivered"]["occurred_at"] == utc("2018-07-11 02:59:59")
    assert "olist:delivery:o4:delivered" not in events, "only shipped"


def test_a_review_is_feedback_when_it_was_answered(
    converted: tuple[dict[str, dict[str, Any]], list[Reject]],
) -> None:
    review = converted[0]["olist:review:r1:o1"]
    assert (review["type"], review["kind"], review["score"], review["language"]) == ("feedback", "review", 4.0, "pt")
    assert review["occurred_at"] == review["received_at"] == utc("2017-10-12 06:43:48")
    assert review["text"] == 'Recomendo\nAparelho eficiente,\nno site a "marca" é outra'
    assert converted[0]["olist:review:r2:o1"]["text"] is None
    assert converted[0]["olist:review:r3:o3"]["customer_id"] == "bia", "of an order without lines"


def test_a_place_is_a_fact_at_first_sight_and_at_each_change(
    converted: tuple[dict[str, dict[str, Any]], list[Reject]],
) -> None:
    facts = {key: json.loads(row["facts"])["city"] for key, row in converted[0].items() if row["facts"]}
    assert facts == {
        "olist:order:o1:place": "franca",
        "olist:order:o2:place": "sao bernardo do campo",
        "olist:order:o3:place": "sao paulo",
    }


def test_what_cannot_be_taken_is_rejected_with_its_reason(
    converted: tuple[dict[str, dict[str, Any]], list[Reject]],
) -> None:
    found = [(r.reason.value, json.loads(r.raw)["rows"][0]) for r in converted[1]]
    assert sorted((row["file"].split("_")[-2], row["row"], reason) for reason, row in found) == [
        ("items", 6, "unparseable"),
        ("items", 7, "negative_price"),
        ("items", 8, "missing_field"),
        ("items", 9, "missing_who"),
        ("items", 10, "bad_time"),
        ("items", 12, "missing_who"),
        ("orders", 3, "empty_lines"),
        ("orders", 5, "missing_who"),
        ("orders", 6, "bad_time"),
        ("orders", 8, "conflicting_duplicate"),
        ("orders", 9, "bad_choice"),
        ("reviews", 5, "unparseable"),
        ("reviews", 6, "bad_time"),
        ("reviews", 7, "missing_who"),
        ("reviews", 8, "missing_who"),
    ]


def test_items_have_english_categories_where_there_are_any(tmp_path: Path) -> None:
    items = Olist().items(write_small(tmp_path / "raw")).to_pylist()
    assert [(i["item_id"], i["category"], i["price"]) for i in items] == [
        ("p1", "health_beauty", 2999),
        ("p2", "pc_gamer", 500),
        ("p3", None, 1000),
        ("p4", "baby", None),
    ]


def test_every_row_is_in_one_place_and_the_same_folder_again_changes_nothing(tmp_path: Path) -> None:
    home, folder = Home.open(tmp_path / "home"), write_small(tmp_path / "raw")
    first = ingest(home, "olist", folder, now=NOW)
    again = ingest(home, "olist", folder, now=NOW)
    assert (first.accepted, first.duplicates, first.parts_known) == (22, 1, 0)
    assert (again.accepted, again.duplicates, again.parts_known) == (0, 23, again.parts)
    assert again.read == first.read == first.accepted + first.duplicates + sum(first.rejected.values())
    assert load_items(home)["item_id"].to_pylist() == ["p1", "p2", "p3", "p4"]
    reviews = [e for e in entries(home) if e.type == "feedback" or "reviews" in e.detail]
    assert first.by_type["feedback"] + first.duplicates + len(reviews) == count_rows(folder / REVIEWS) == 11
    pieces = sum(line["quantity"] for e in _purchases(home) for line in e["lines"])
    rejected = [e for e in entries(home) if "of the items" in e.detail]
    assert pieces + len(rejected) == count_rows(folder / ITEMS) == 12
    connection = connect(home)
    assert customers_in_doubt(connection) == ["ana", "bia"], "a review could not be read, or came with two scores"
    connection.close()


def test_a_large_folder_adds_up(tmp_path: Path) -> None:
    home, folder = Home.open(tmp_path / "home"), write_large(tmp_path / "raw", 2000, days=30)
    report = ingest(home, "olist", folder, now=NOW)
    purchases = _purchases(home)
    pieces = sum(line["quantity"] for e in purchases for line in e["lines"])
    assert pieces == count_rows(folder / ITEMS)
    assert len(purchases) + report.rejected["empty_lines"] == count_rows(folder / ORDERS) == 2000
    assert report.by_type["feedback"] == count_rows(folder / REVIEWS) == 2000
    assert sum(line["quantity"] * line["unit_price"] for e in purchases for line in e["lines"]) == pieces * 2990
    with EventLog(home) as log:
        assert Counter(e["customer_id"] for e in purchases).keys() == {c for c, own in log.all_facts() if any(
            fact.type == "purchase" for fact in own)}  # fmt: skip


def test_files_in_order_that_are_torn_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "olist", Olist(part_rows=5))
    home, folder = Home.open(tmp_path / "home"), write_small(tmp_path / "raw")

    def lose_power(done: int, total: int | None = None, text: str | None = None) -> None:
        if text is not None and text.startswith("part 3 of"):
            raise KeyboardInterrupt

    for file in ("lines.parquet", "items.parquet", "parts.json"):
        with pytest.raises(KeyboardInterrupt):
            ingest(home, "olist", folder, now=NOW, progress=lose_power)
        (ordered,) = home.imports.glob(f"olist-*/{file}")
        ordered.write_bytes(ordered.read_bytes()[:-9])
    report = ingest(home, "olist", folder, now=NOW)
    assert (report.parts_known, report.accepted + report.duplicates) == (2, 23)
    assert load_items(home).num_rows == 4


def test_a_folder_that_is_not_what_it_should_be_names_file_column_and_remedy(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")

    def refused(name: str, change: Any, words: str) -> None:
        folder = write_small(tmp_path / name)
        change(folder)
        with pytest.raises(SourceError, match=words) as caught:
            ingest(home, "olist", folder, now=NOW)
        assert "Name the folder" in str(caught.value) or "again" in str(caught.value)

    def alter(file: str, old: str, new: str) -> Any:
        return lambda folder: (folder / file).write_text((folder / file).read_text("utf-8").replace(old, new), "utf-8")

    refused("absent", lambda folder: (folder / REVIEWS).unlink(), f"lacks {REVIEWS}")
    refused("column", alter(ORDERS, "order_status", "status"), rf"{ORDERS}, line 1, lacks the column.s. order_status")
    refused("twice", alter(ITEMS, "seller_id", "order_id"), rf"{ITEMS}, line 1, names a column twice")
    refused("short", alter(ORDERS, "o4,c4,shipped,", "o4,"), rf"{ORDERS} is broken .*Line: 5")
    refused("quote", alter(REVIEWS, '""marca""', '""marca"'), "quotation marks")
    refused("cut", alter(CUSTOMERS, "c8,bia,01151,sao paulo,SP\n", "c8,bia"), "may be cut")
    refused("empty", lambda folder: (folder / TRANSLATIONS).write_text(""), "is empty")
    with pytest.raises(SourceError, match="is not a folder"):
        ingest(home, "olist", tmp_path / "nowhere", now=NOW)
    with EventLog(home) as log:
        assert log.counts() == {}


def _purchases(home: Home) -> list[dict[str, Any]]:
    import duckdb

    with EventLog(home) as log, duckdb.connect() as con:
        return [row for row in con.sql(log.scan()).to_arrow_table().to_pylist() if row["type"] == "purchase"]
