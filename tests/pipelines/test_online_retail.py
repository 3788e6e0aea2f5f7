import csv
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import load_items
from features.columns import EVENT_SCHEMA
from features.errors import SourceError
from features.home import Home
from pipelines.ingest import ingest
from pipelines.sources.base import Reject, SourceBatch
from pipelines.sources.online_retail import OnlineRetail

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
ROWS: list[list[Any]] = [
    # one invoice over two minutes, in British summer time; its lines are not neighbours in the file
    ["536365", "85123A", "WHITE HEART", 6, "2011-06-01 08:26:00", 2.55, 17850, "United Kingdom"],
    ["536366", "22633", "HAND WARMER", 1, "2010-12-01 09:00:00", 1.85, 13047, "France"],
    ["536365", "85123a", "WHITE HEART", 2, "2011-06-01 08:27:00", 2.55, 17850, "United Kingdom"],
    ["C536379", "22633", "HAND WARMER", -1, "2010-12-02 09:41:00", 1.85, 13047, "France"],
    ["536370", "22633", "HAND WARMER", 3, "2010-12-03 10:00:00", 1.65, 13047, "United Kingdom"],
    ["536370", "POST", "POSTAGE", 1, "2010-12-03 10:00:00", 18.0, 13047, "United Kingdom"],
    ["536370", "22634", "GIFT", 1, "2010-12-03 10:00:00", 0.0, 13047, "United Kingdom"],
    ["536370", "22634", "GIFT", 1, "2010-12-03 10:00:00", 0.0, 13047, "United Kingdom"],
    ["536414", "22139", None, 56, "2010-12-01 11:52:00", 0.0, None, "United Kingdom"],
    ["536414", "22140", "TIN", 1, "2010-12-01 11:52:00", 1.0, None, "United Kingdom"],
    ["536415", "22140", "TIN", -3, "2010-12-01 11:53:00", 1.0, 12345, "United Kingdom"],
    ["536416", "22140", "TIN", 3, "2010-12-01 11:53:00", -1.0, 12345, "United Kingdom"],
    ["C536417", "D", "Discount", -1, "2010-12-01 11:54:00", 27.5, 12345, "United Kingdom"],
    ["536418", "22140", "TIN", 3, "yesterday", 1.0, 12345, "United Kingdom"],
    ["536419", "22140", "TIN", "many", "2010-12-01 11:55:00", 1.0, 12345, "United Kingdom"],
    [None, "22140", "TIN", 3, "2010-12-01 11:55:00", 1.0, 12345, "United Kingdom"],
]


def write_csv(path: Path, rows: Iterable[list[Any]] = ROWS, header: list[str] = HEADER) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_xlsx(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [HEADER, *ROWS]:
        sheet.append([_instant(cell) for cell in row])
    book.save(path)
    return path


def write_parquet(path: Path) -> Path:
    columns = {name: [None if row[i] is None else str(row[i]) for row in ROWS] for i, name in enumerate(HEADER)}
    pq.write_table(pa.table(columns), path)
    return path


def _instant(cell: Any) -> Any:
    try:
        return datetime.strptime(str(cell), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 -- the shop's local time, as in the file
    except ValueError:
        return cell


def convert(path: Path) -> tuple[list[dict[str, Any]], list[Reject]]:
    batches: list[SourceBatch] = list(OnlineRetail().batches(path))
    assert all(batch.events.schema == EVENT_SCHEMA for batch in batches)
    events = [row for batch in batches for row in batch.events.to_pylist()]
    return events, [reject for batch in batches for reject in batch.rejected]


def raw_rows(rejects: Iterable[Reject]) -> list[dict[str, Any]]:
    return [row for reject in rejects for row in json.loads(reject.raw)["rows"]]


@pytest.fixture
def converted(tmp_path: Path) -> tuple[list[dict[str, Any]], list[Reject]]:
    return convert(write_csv(tmp_path / "retail.csv"))


def test_an_invoice_is_one_purchase_at_its_last_line_in_utc(
    converted: tuple[list[dict[str, Any]], list[Reject]],
) -> None:
    purchase = next(e for e in converted[0] if e["event_id"] == "online_retail:536365")
    assert purchase["type"] == "purchase"
    assert purchase["occurred_at"] == datetime(2011, 6, 1, 7, 27, tzinfo=UTC)
    assert purchase["received_at"] == purchase["occurred_at"] + OnlineRetail.lag
    assert (purchase["customer_id"], purchase["order_id"], purchase["currency"]) == ("17850", "536365", "GBP")
    assert [
        (line["item_id"], line["quantity"], line["unit_price"], line["discount"]) for line in purchase["lines"]
    ] == [
        ("85123A", 6, 255, 0),
        ("85123A", 2, 255, 0),
    ]


def test_a_cancellation_is_a_return(converted: tuple[list[dict[str, Any]], list[Reject]]) -> None:
    (back,) = [e for e in converted[0] if e["type"] == "return"]
    assert (back["event_id"], back["order_id"], back["currency"]) == ("online_retail:C536379", "C536379", None)
    assert [(line["item_id"], line["quantity"], line["amount"]) for line in back["lines"]] == [("22633", 1, 185)]


def test_country_is_a_fact_at_first_sight_and_at_each_change(
    converted: tuple[list[dict[str, Any]], list[Reject]],
) -> None:
    facts = [
        (e["customer_id"], e["occurred_at"].date().isoformat(), json.loads(e["facts"]))
        for e in converted[0]
        if e["facts"]
    ]
    assert facts == [
        ("13047", "2010-12-01", {"country": "France"}),
        ("13047", "2010-12-03", {"country": "United Kingdom"}),
        ("17850", "2011-06-01", {"country": "United Kingdom"}),
    ]


def test_what_is_no_sale_is_rejected_with_its_reason(converted: tuple[list[dict[str, Any]], list[Reject]]) -> None:
    assert [(reject.reason, [row["row"] for row in raw_rows([reject])]) for reject in converted[1]] == [
        ("not_a_product", [6]),
        ("bad_value", [7]),
        ("bad_value", [8]),
        ("missing_who", [9, 10]),
        ("bad_quantity", [11]),
        ("negative_price", [12]),
        ("not_a_product", [13]),
        ("bad_time", [14]),
        ("unparseable", [15]),
        ("missing_field", [16]),
    ]
    assert converted[1][3].detail == "invoice 536414: 2 row(s) without CustomerID"
    assert len({reject.key("online_retail") for reject in converted[1]}) == len(converted[1]), "equal rows stay apart"


def test_nothing_is_said_about_consent(converted: tuple[list[dict[str, Any]], list[Reject]]) -> None:
    assert {e["type"] for e in converted[0]} == {"purchase", "return", "profile"}
    assert any("consents" in lack for lack in OnlineRetail.missing)


def test_csv_xlsx_and_parquet_tell_the_same(tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / "a.csv"), write_xlsx(tmp_path / "a.xlsx"), write_parquet(tmp_path / "a.parquet")]
    converted = [convert(path) for path in paths]
    assert [events for events, _ in converted] == [converted[0][0]] * 3
    assert [[(r.reason, r.event_id) for r in rejects] for _, rejects in converted] == [
        [(r.reason, r.event_id) for r in converted[0][1]]
    ] * 3
    assert [OnlineRetail().total_rows(path) for path in paths] == [16, None, 16]


def test_american_dates_and_second_edition_headers(tmp_path: Path) -> None:
    header = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]
    row = ["489434", "85048", "LIGHTS", 12, "12/1/2009 7:45", 6.95, "13085.0", "Unspecified"]
    events, rejects = convert(write_csv(tmp_path / "ii.csv", [row], header))
    assert rejects == []
    assert [(e["customer_id"], e["occurred_at"]) for e in events] == [
        ("13085", datetime(2009, 12, 1, 7, 45, tzinfo=UTC))
    ]


def test_items_carry_the_most_frequent_description_and_price(tmp_path: Path) -> None:
    rows = [
        ["1", "A1", "?", 1, "2011-01-01 10:00:00", 1.0, 1, "X"],
        ["2", "a1", "RED CUP", 1, "2011-01-02 10:00:00", 1.5, 1, "X"],
        ["3", "A1", "RED CUP", 1, "2011-01-03 10:00:00", 1.5, 1, "X"],
        ["3", "POST", "POSTAGE", 1, "2011-01-03 10:00:00", 1.5, 1, "X"],
    ]
    items = OnlineRetail().items(write_csv(tmp_path / "a.csv", rows)).to_pylist()
    assert [(i["item_id"], i["title"], i["price"], i["category"]) for i in items] == [("A1", "RED CUP", 150, None)]
    assert items[0]["valid_from"] == datetime(2011, 1, 1, 10, tzinfo=UTC)


def test_a_file_that_is_not_what_it_should_be_names_place_and_remedy(tmp_path: Path) -> None:
    cut = write_csv(tmp_path / "cut.csv")
    cut.write_text(cut.read_text()[:-20])
    latin = tmp_path / "latin.csv"
    latin.write_bytes(write_csv(tmp_path / "a.csv").read_bytes().replace(b"GIFT", b"GIFT \xa320"))
    torn = write_parquet(tmp_path / "torn.parquet")
    torn.write_bytes(torn.read_bytes()[:-30])
    book = write_xlsx(tmp_path / "torn.xlsx")
    book.write_bytes(book.read_bytes()[:-200])
    lacking = write_csv(tmp_path / "lacking.csv", [row[:-1] for row in ROWS], HEADER[:-1])
    empty = tmp_path / "empty.csv"
    empty.touch()
    for path, words in (
        (tmp_path / "absent.csv", "There is no file"),
        (tmp_path / "absent", "There is no file"),
        (cut, "data row 16, has"),
        (latin, "not UTF-8 text .byte 0xa3 in line 8.*iconv"),
        (torn, "not a whole Parquet file"),
        (book, "not a whole Excel workbook"),
        (lacking, "lacks the column.s. Country; it has InvoiceNo"),
        (empty, "is empty"),
    ):
        with pytest.raises(SourceError, match=words) as caught:
            convert(path)
        assert path.name in str(caught.value)


def test_every_real_row_is_in_exactly_one_place() -> None:
    shared = Path(os.environ.get("TAHDIKAS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = shared / "online_retail"
    if not path.exists():
        pytest.skip(f"shared data absent: {path}")
    events, rejects = convert(path)
    lines = sum(len(e["lines"]) for e in events if e["lines"])
    rejected = [row["row"] for row in raw_rows(rejects)]
    assert len(rejected) == len(set(rejected))
    assert lines + len(rejected) == OnlineRetail().total_rows(path) == 332_447
    assert len({e["event_id"] for e in events}) == len(events)
    assert (len(rejected), len([r for r in rejects if r.reason == "missing_who"])) == (92_854, 2_675)
    assert max(batch.events.num_rows for batch in OnlineRetail().batches(path)) <= 200_000
    assert {e["received_at"] - e["occurred_at"] for e in events} == {timedelta(minutes=5)}


def test_ingesting_the_file_twice_changes_nothing(tmp_path: Path) -> None:
    home, path, now = Home.open(tmp_path / "home"), write_csv(tmp_path / "retail.csv"), datetime(2026, 1, 1, tzinfo=UTC)
    first = ingest(home, "online_retail", path, now=now)
    again = ingest(home, "online_retail", path, now=now)
    assert (first.accepted, first.rejected["missing_who"], first.missing) == (7, 1, OnlineRetail.missing)
    assert (again.accepted, again.duplicates) == (0, 7)
    assert load_items(home)["item_id"].to_pylist() == ["22633", "85123A"]
