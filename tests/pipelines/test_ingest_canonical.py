import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import load_items
from features.columns import EVENT_SCHEMA
from features.errors import HomeError, SourceError
from features.home import Home
from features.log.event_log import EventLog
from features.log.quarantine import counts, entries, replay
from pipelines import ingest as ingesting
from pipelines.ingest import SOURCES, ingest, total_rows

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
HEADER = "event_id,type,customer_id,occurred_at,order_id,currency,lines,kind,score,text\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def sale(event_id: str, when: str = "2026-08-01T10:00:00Z", price: object = 500) -> str:
    lines = json.dumps([{"item_id": "socks", "quantity": 1, "unit_price": price}]).replace('"', '""')
    return f'{event_id},purchase,aino,{when},o-{event_id},EUR,"{lines}",,,\n'


def said(event_id: str, score: str, when: str = "2026-08-01T10:00:00Z") -> str:
    return f'{event_id},feedback,aino,{when},,,,rating,{score},"She said ""no"",\nand left"\n'


def take(home: Home, name: str, content: str | bytes) -> Any:
    path = home.root.parent / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return ingest(home, "canonical", path, now=NOW)


def known(home: Home) -> list[str]:
    with EventLog(home) as log:
        return [fact.event_id for fact in log.facts_of("aino")]


def test_csv_rows_become_events(home: Home) -> None:
    report = take(home, "a.csv", HEADER + sale("p1") + said("f1", "1", "2026-08-02 12:00:00+0200"))
    assert (report.accepted, report.by_type, report.rejected) == (2, {"feedback": 1, "purchase": 1}, {})
    with EventLog(home) as log:
        bought, rated = log.facts_of("aino")
        assert bought.payload["lines"] == [{"item_id": "socks", "quantity": 1, "unit_price": 500, "discount": 0}]
        assert bought.received_at == bought.occurred_at
        assert rated.occurred_at == datetime(2026, 8, 2, 10, tzinfo=UTC)
        assert rated.payload == {"kind": "rating", "score": 1.0, "text": 'She said "no",\nand left'}
    again = ingest(home, "canonical", home.root.parent / "a.csv", now=NOW)
    assert (again.accepted, again.duplicates) == (0, 2)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (sale("x", when="2026-08-01T10:00:00"), "bad_time"),
        (sale("x", when="2026-02-30T10:00:00Z"), "bad_time"),
        (sale("x", when="01/08/2026"), "bad_time"),
        (sale("x", when="2026-09-03T12:00:00Z"), "occurred_in_future"),
        (sale("x", price=-5), "negative_price"),
        (sale("x", price=5.5), "bad_value"),
        (sale("x", price="5"), "bad_value"),
        (said("x", "NaN"), "not_finite"),
        (said("x", "9"), "score_outside_scale"),
        (said("x", "1_0"), "bad_value"),
        (sale("p1", price=700), "conflicting_duplicate"),
        (sale(""), "missing_field"),
    ],
)
def test_a_bad_row_is_quarantined_and_the_rest_is_taken(home: Home, row: str, reason: str) -> None:
    report = take(home, "a.csv", HEADER + sale("p1") + row + sale("p2"))
    assert (report.read, report.accepted, report.rejected) == (3, 2, {reason: 1})
    assert known(home) == ["p1", "p2"]
    (entry,) = entries(home)
    assert (entry.reason, entry.source) == (reason, "canonical")
    assert (entry.event_id or "") in row
    assert "purchase" in entry.raw or "feedback" in entry.raw
    take(home, "a.csv", HEADER + sale("p1") + row + sale("p2"))
    assert (len(entries(home)), counts(home)) == (1, {reason: 2})


WHOLE = HEADER + "".join(sale(f"p{n}") for n in range(20))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (WHOLE[:-12], "may be cut"),
        (WHOLE[:-1], "may be cut"),
        (WHOLE[:-30] + "\n", "quotation marks"),
        (WHOLE[:-3] + "\n", "Row #21"),
        (WHOLE + 'p99,purchase,"never closed\n', "never closed"),
        (WHOLE + "p99,purchase\n", "Row #22"),
        ((HEADER + sale("p1") + said("Äiti", "1")).encode("latin-1"), "line 3: not UTF-8"),
        (WHOLE.encode("utf-16-le"), "not UTF-8"),
        (WHOLE.encode()[:50] + b"\xc3", "middle of a character"),
        (WHOLE.replace(",", ";"), "columns do not fit"),
        (WHOLE.replace("occurred_at", "when"), r"unknown \['when'\]"),
        (WHOLE.replace("order_id", "type"), "a column twice"),
        ("event_id,type\np1,erasure\n", r"missing \['occurred_at'\]"),
        ("", "is empty"),
    ],
)
def test_a_csv_broken_as_a_whole_is_refused_and_nothing_of_it_is_taken(
    home: Home, content: str | bytes, told: str
) -> None:
    with pytest.raises(SourceError, match=told):
        take(home, "a.csv", content)
    assert (known(home), entries(home)) == ([], [])
    assert list(home.lake.rglob("*.parquet")) == []


def test_bom_crlf_and_empty_files_with_a_header_are_fine(home: Home) -> None:
    assert take(home, "a.csv", "\ufeff" + (HEADER + sale("p1")).replace("\n", "\r\n")).accepted == 1
    assert take(home, "b.csv", HEADER).read == 0


def test_jsonl_objects_as_the_api_takes_them(home: Home) -> None:
    good = {"event_id": "c1", "type": "consent", "customer_id": "aino", "occurred_at": "2026-08-01T00:00:00Z",
            "payload": {"purpose": "marketing", "channel": "email", "status": "granted"}}  # fmt: skip
    lines = [json.dumps(good), "{broken", "", "7", json.dumps(good | {"event_id": "c2", "colour": 1})]
    report = take(home, "a.jsonl", "\n".join(lines))
    assert (report.accepted, report.rejected) == (1, {"unknown_field": 1, "unparseable": 2})
    with EventLog(home) as log:
        (fact,) = log.facts_of("aino")
    assert (fact.source, fact.received_at) == ("canonical", fact.occurred_at)
    assert {json.loads(entry.raw) if entry.raw == '"{broken"' else None for entry in entries(home)} == {"{broken", None}


def test_a_cut_jsonl_is_refused(home: Home) -> None:
    line = '{"event_id":"e1","type":"erasure","customer_id":"aino","occurred_at":"2026-08-01T00:00:00Z"}\n'
    with pytest.raises(SourceError, match="line 2: the file is cut"):
        take(home, "a.jsonl", line + line[:40])
    assert known(home) == []


def parquet(home: Home, table: pa.Table) -> Path:
    path = home.root.parent / "a.parquet"
    pq.write_table(table, path)
    return path


def sales(**more: Any) -> dict[str, Any]:
    return {
        "event_id": ["p1"],
        "type": ["purchase"],
        "customer_id": ["aino"],
        "occurred_at": pa.array([datetime(2026, 8, 1, tzinfo=UTC)], pa.timestamp("ns", "Europe/Helsinki")),
        "order_id": ["o1"],
        "currency": ["EUR"],
        "lines": [[{"unit_price": 500, "quantity": 1, "item_id": "socks"}]],
    } | more


def test_parquet_with_some_columns_in_other_units(home: Home) -> None:
    report = ingest(home, "canonical", parquet(home, pa.table(sales())), now=NOW)
    assert report.accepted == 1
    with EventLog(home) as log:
        (path,) = log.files()
        assert pq.read_schema(path) == EVENT_SCHEMA


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (sales(occurred_at=pa.array([datetime(2026, 8, 1)], pa.timestamp("us"))), "occurred_at.*zone"),  # noqa: DTZ001
        (sales(order_id=[1]), "order_id is int64"),
        (sales(lines=[[{"unit_price": 5.5, "quantity": 1, "item_id": "socks"}]]), "unit_price is double"),
        (sales(colour=["red"]), "colour"),
        ({"event_id": ["p1"]}, "missing"),
    ],
)
def test_parquet_of_other_types_is_refused(home: Home, table: dict[str, Any], told: str) -> None:
    with pytest.raises(SourceError, match=told):
        ingest(home, "canonical", parquet(home, pa.table(table)), now=NOW)
    assert known(home) == []


def test_cut_parquet_is_refused(home: Home) -> None:
    path = parquet(home, pa.table(sales()))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match="may be cut"):
        ingest(home, "canonical", path, now=NOW)


def test_a_folder_of_events_with_its_items(home: Home) -> None:
    folder = home.root.parent / "shop"
    folder.mkdir()
    (folder / "events-1.csv").write_text(HEADER + sale("p1"), "utf-8")
    (folder / "events-2.csv").write_text(HEADER + sale("p2"), "utf-8")
    (folder / "items.csv").write_text(
        "item_id,title,price,in_stock,season_months,valid_from\n"
        'socks,Wool socks,500,true,"[11,12]",2026-01-01T00:00Z\n',
        "utf-8",
    )
    assert total_rows("canonical", folder) == 2
    report = ingest(home, "canonical", folder, now=NOW)
    assert (report.accepted, report.items) == (2, 1)
    (item,) = load_items(home).to_pylist()
    assert (item["season_months"], item["in_stock"], item["margin"]) == ([11, 12], True, None)
    (folder / "items.csv").write_text("item_id,price\nsocks,5.00\n", "utf-8")
    with pytest.raises(SourceError, match=r"items.csv: row 1 of items.csv: price '5.00'"):
        ingest(home, "canonical", folder, now=NOW)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (
            "item_id,price\nsocks,-5\n",
            "item row 1 .socks.: price -5 is below 0. State minor units .* Nothing was taken",
        ),
        ('item_id,season_months\nsocks,"[13]"\n', "has a month outside 1 to 12"),
        ('item_id,replaces\na,"[""b""]"\nb,"[""a""]"\n', "a replaces b replaces a: a loop. Take one of these"),
    ],
)
def test_items_that_are_wrong_are_refused_with_the_events_beside_them(home: Home, items: str, words: str) -> None:
    folder = home.root.parent / "shop"
    folder.mkdir()
    (folder / "events.csv").write_text(HEADER + sale("p1"), "utf-8")
    (folder / "items.csv").write_text(items, "utf-8")
    with pytest.raises(SourceError, match=words):
        ingest(home, "canonical", folder, now=NOW)
    assert not home.catalogue.exists() and not home.live_db.exists()


def test_what_cannot_be_found_is_named(home: Home, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path / "home", tmp_path / "a.xlsx"):
        if path.suffix == ".xlsx":
            path.touch()
        with pytest.raises(SourceError, match=path.name):
            ingest(home, "canonical", path, now=NOW)
    with pytest.raises(SourceError, match=r"'shopify'.*canonical, simulated"):
        ingest(home, "shopify", tmp_path, now=NOW)


def test_a_home_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="cannot be written"):
        Home.open(tmp_path / "file" / "home")
    home = Home.open(tmp_path / "home")
    home.live_db.mkdir()
    with pytest.raises(HomeError, match="cannot be used"):
        EventLog(home)


class Lagging:
    """A source that learns of everything a day later."""

    name = "lagging"
    lag = timedelta(days=1)
    missing = ("browsing",)

    def batches(self, path: Path) -> Any:
        from pipelines.sources.base import SourceBatch

        for hour in (1, 30):
            moment = NOW - timedelta(hours=hour)
            rows = {"event_id": f"e{hour}", "type": "erasure", "customer_id": "aino", "occurred_at": moment,
                    "received_at": moment + self.lag, "source": "lagging", "schema_version": 1}  # fmt: skip
            yield SourceBatch(pa.Table.from_pylist([rows], schema=EVENT_SCHEMA))

    def items(self, path: Path) -> None:
        return None

    def total_rows(self, path: Path) -> None:
        return None


def test_an_assumed_lag_never_makes_us_learn_of_something_later_than_now(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ingesting.SOURCES, "lagging", Lagging())
    report = ingest(home, "lagging", home.root, now=NOW)
    assert (report.accepted, report.missing, report.lag) == (2, ("browsing",), timedelta(days=1))
    assert "1 day" in str(report)
    with EventLog(home) as log:
        assert [fact.received_at for fact in log.facts_of("aino")] == [NOW - timedelta(hours=6), NOW]


def test_every_source_has_its_name() -> None:
    assert {name: source.name for name, source in SOURCES.items()} == {name: name for name in SOURCES}


def test_replay_takes_what_has_become_acceptable_and_keeps_the_rest(home: Home) -> None:
    take(
        home, "a.csv", HEADER + sale("early", when="2026-09-03T12:00:00Z") + said("odd", "9") + sale("minus", price=-5)
    )
    assert counts(home) == {"negative_price": 1, "occurred_in_future": 1, "score_outside_scale": 1}
    later = NOW + timedelta(days=3)
    told = replay(home, now=later)
    assert (told.tried, told.accepted, told.rejected) == (3, 1, {"negative_price": 1, "score_outside_scale": 1})
    assert "1 accepted" in str(told)
    odd = next(entry for entry in entries(home) if entry.event_id == "odd")
    mended = json.loads(odd.raw)
    mended["payload"]["score"] = 2
    assert replay(home, now=later, ids=[odd.id], corrected={odd.id: mended}).accepted == 1
    assert known(home) == ["odd", "early"]
    (left,) = entries(home)
    assert (left.event_id, left.times, left.replayed_at) == ("minus", 1, None)
    assert {e.event_id: e.replayed_at for e in entries(home, replayed=True)} == {
        "minus": None, "odd": later, "early": later,
    }  # fmt: skip
    assert entries(home, reason="bad_time") == []
    with pytest.raises(KeyError):
        replay(home, now=later, ids=["no such"])
