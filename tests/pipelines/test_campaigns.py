"""A list is decided by the same engine as the API, is complete or not there, and harms no spreadsheet."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.errors import DataError, TahdikasError
from features.home import Home
from features.log.event_log import EventLog
from pipelines.campaigns import CampaignReport, build_campaign, known_customers
from pipelines.export import export_campaign
from pipelines.list_files import cell
from serving.campaign_lists import KEPT_OFF_SCHEMA, LIST_SCHEMA, read_kept_off, summaries
from serving.core.question import Request
from serving.service import DecisionService

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
EVIL = '=HYPERLINK("http://evil.example","pay")'


def event(event_id: str, kind: str, customer: str, days_ago: float, /, **payload: Any) -> dict[str, Any]:
    at = (NOON - timedelta(days=days_ago)).isoformat()
    return {
        "event_id": event_id, "type": kind, "customer_id": customer, "occurred_at": at, "received_at": at,
        "channel": "web", "payload": payload,
    }  # fmt: skip


def regular(customer: str, number: int) -> list[dict[str, Any]]:
    """Three purchases and a consent."""
    line = {"item_id": "tea", "quantity": 2, "unit_price": 2_000, "discount": 0}
    orders = [
        event(
            f"p{number}-{n}", "purchase", customer, 20 + 30 * n, order_id=f"o{number}-{n}", currency="EUR", lines=[line]
        )
        for n in range(3)
    ]
    return [*orders, event(f"k{number}", "consent", customer, 100, purpose="marketing", status="granted")]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Seven regulars, one of them with an open exchange, one without consent, one of an evil name; one visitor."""
    home = Home.open(tmp_path / "home")
    items = [
        dict.fromkeys(ITEM_SCHEMA.names)
        | {"item_id": item, "title": title, "category": "food", "price": 2_000, "margin": 1_000}
        | {"in_stock": True, "consumable": True, "valid_from": datetime(2025, 1, 1, tzinfo=UTC)}
        for item, title in (("tea", EVIL), ("cup", "+Cup"), ("jam", "Jam"))
    ]
    merge_items(home, pa.Table.from_pylist(items, schema=ITEM_SCHEMA))
    customers = ["aino", "eero", "liisa", "matti", "ville", EVIL, "-2+3"]
    objects = [one for number, customer in enumerate(customers) for one in regular(customer, number)]
    objects = [one for one in objects if one["event_id"] != "k1"]  # eero never agreed
    objects.append(event("case", "case", "aino", 1, case_id="rma-7", kind="exchange", status="opened"))
    browse = {"action": "view", "session_id": "s", "item_id": "tea"}
    objects.append(event("v", "browse", "x", 1, **browse) | {"customer_id": None, "anonymous_id": "visitor"})
    log = EventLog(home)
    assert {one.status for one in log.append_live(objects, source="api", now=NOON)} == {"accepted"}
    log.close()
    return home


def build(home: Home, **more: Any) -> CampaignReport:
    return build_campaign(home, **{"name": "Autumn!", "channel": "email", "placement": "email", "now": NOON} | more)


def test_every_known_customer_is_on_the_list_or_kept_off_with_a_reason(home: Home) -> None:
    done: list[int] = []
    report = build(home, progress=done.append, chunk=3)
    listed = pq.read_table(report.folder / "list.parquet").to_pylist()
    kept = pq.read_table(report.folder / "kept_off.parquet").to_pylist()
    everyone = sorted(row["customer_id"] for row in listed + kept)
    assert everyone == sorted(["aino", "eero", "liisa", "matti", "ville", EVIL, "-2+3"]) and known_customers(home) == 7
    assert (report.customers, report.listed, report.kept_off, done) == (7, len(listed), len(kept), [3, 6, 7])
    assert sum(step.customers for step in report.funnel) == 7
    reasons = {row["customer_id"]: row for row in kept}
    assert reasons["aino"]["reason"] == "hold" and reasons["aino"]["hold_kind"] == "open_case"
    assert reasons["aino"]["review_at"] or reasons["aino"]["until"]
    assert reasons["eero"]["reason"] == "consent"
    assert all(row["reason_text"] and row["reason_text_fi"] and row["decision_id"] for row in kept)
    assert all(row["valid_until"] > NOON and row["reasons"] for row in listed) and listed
    assert report.expected_gain == pytest.approx(sum(row["expected_gain"] for row in listed))


def test_a_row_is_what_the_api_would_answer(home: Home) -> None:
    report = build(home)
    service = DecisionService(home)
    for row in pq.read_table(report.folder / "list.parquet").to_pylist():
        asked = Request(customer_id=row["customer_id"], channel="email", placement="email", now=NOON, mode="simulate")
        action = service.decide(asked).actions[0]
        assert (action.action_id, [item.item_id for item in action.items]) == (row["action_id"], row["items"])
    service.close()


def test_the_files_have_the_documented_columns_and_summary(home: Home) -> None:
    report = build(home)
    assert {path.name for path in report.folder.iterdir()} == {
        "list.parquet", "kept_off.parquet", "kept_off.csv", "summary.json",
    }  # fmt: skip
    assert pq.read_schema(report.folder / "list.parquet").equals(LIST_SCHEMA)
    assert pq.read_schema(report.folder / "kept_off.parquet").equals(KEPT_OFF_SCHEMA)
    summary = json.loads((report.folder / "summary.json").read_text(encoding="utf-8"))
    assert summary == report.summary() == summaries(home)[0] and summary["id"] == "autumn-20260901-120000"
    assert read_kept_off(home, report.id, "hold:open_case", "AIN", 1, 50).rows[0]["customer_id"] == "aino"


def test_the_summary_names_actions_and_the_one_currency_of_the_purchases(home: Home) -> None:
    def summary() -> dict[str, Any]:
        with EventLog(home) as log:
            log.flush_live()
        return build_campaign(home, name="Autumn", channel="email", placement="email", now=NOON).summary()

    first = summary()
    assert first["currency"] == "EUR" and first["names"]["staff_call"]["fi"] == "Ihmisen soitto"
    line = {"item_id": "tea", "quantity": 1, "unit_price": 2_000, "discount": 0}
    with EventLog(home) as log:
        log.append_live(
            [event("p-sek", "purchase", "matti", 3, order_id="o-sek", currency="SEK", lines=[line])],
            source="t",
            now=NOON,
        )
    assert summary()["currency"] is None


def test_a_list_is_the_same_whoever_made_it(home: Home) -> None:
    alone = build_campaign(home, name="Autumn", channel="email", placement="email", now=NOON, chunk=1)
    shared = build_campaign(home, name="Autumn", channel="email", placement="email", now=NOON, chunk=1, workers=2)
    assert shared.summary() | {"id": ""} == alone.summary() | {"id": ""} and alone.customers > 1
    for name in ("list.parquet", "kept_off.parquet"):
        one, two = (pq.read_table(report.folder / name).drop_columns("decision_id") for report in (alone, shared))
        assert one.equals(two)


def test_a_list_built_at_night_is_for_the_morning(home: Home) -> None:
    night = NOON.replace(hour=20)  # 23 in Helsinki
    report = build_campaign(home, name="Night", channel="email", placement="email", now=night)
    assert report.send_at == datetime(2026, 9, 2, 5, 0, tzinfo=UTC), "eight in Helsinki"
    assert report.listed > 0
    early = build_campaign(home, name="Night", channel="email", placement="email", now=night, send_at=night)
    assert early.listed == 0 and {step.code for step in early.funnel} >= {"quiet_hours"}


def test_who_complains_while_the_export_runs_is_not_in_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Her row was asked about already when the complaint comes in; the file is not yet written."""
    report = build(home)
    first = pq.read_table(report.folder / "list.parquet").to_pylist()[0]["customer_id"]
    asked = DecisionService.recheck
    said: list[str] = []

    def and_then_she_complains(service: DecisionService, *args: Any, **more: Any) -> Any:
        answers = asked(service, *args, **more)
        if not said:
            said.append("complaint")
            told = event("late", "feedback", first, 0, kind="complaint")
            assert service.ingest([told], NOON)[0].status == "accepted"
        return answers

    monkeypatch.setattr(DecisionService, "recheck", and_then_she_complains)
    export = export_campaign(home, report.id, now=NOON)
    assert [row["customer_id"] for row in export.dropped] == [first]
    assert first not in export.file.read_text(encoding="utf-8-sig")


def test_no_cell_begins_like_a_formula(home: Home) -> None:
    report = build(home)
    exported = export_campaign(home, report.id, now=NOON).file.parent
    for name, folder in (("list", exported), ("kept_off", report.folder)):
        with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        assert len(rows) == 1 + pq.read_metadata(folder / f"{name}.parquet").num_rows
        cells = [one for row in rows[1:] for one in row]
        risky = [one for one in cells if one[:1] in "=+-@\t\r" and one and not _is_number(one)]
        assert risky == []
    text = (exported / "list.csv").read_text(encoding="utf-8-sig") + (report.folder / "kept_off.csv").read_text()
    assert "'=HYPERLINK" in text and "'-2+3" in text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@x", "\tx", "\r\n=1", "  =1", "＝1", ["=1", "b"]])
def test_formula_like_texts_are_disarmed(value: Any) -> None:
    assert str(cell(value)).startswith("'")


def test_two_lists_of_one_name_and_moment_do_not_meet(home: Home) -> None:
    assert [build(home).id for _ in range(2)] == ["autumn-20260901-120000", "autumn-20260901-120000-2"]


def test_a_list_that_fails_leaves_nothing(home: Home) -> None:
    with pytest.raises(TahdikasError):
        build(home, placement="roof")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(home, progress=stop, chunk=2)
    assert list(home.campaigns.iterdir()) == [] and summaries(home) == []


def test_without_customers_the_remedy_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tahdikas ingest"):
        build(Home.open(tmp_path / "empty"))


def test_a_push_is_outbound_and_names_the_hold_that_kept_it_off(home: Home) -> None:
    with EventLog(home) as log:
        opened = event("return", "case", "ville", 1, case_id="rma-8", kind="return", status="opened")
        log.append_live([opened], source="test", now=NOON)
    report = build_campaign(home, name="push", channel="app", placement="app_push", now=NOON)
    rows = {row["customer_id"]: row for row in read_kept_off(home, report.id, "", "", 1, 50).rows}
    assert rows["ville"]["hold_kind"] == "open_return"
    assert rows["ville"]["review_at"] is not None, "until when is said too"
