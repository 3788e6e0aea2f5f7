"""An export in many parts: the same on all cores as on one, without whoever complains meanwhile, in one last moment."""

import csv
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.home import Home
from features.log.event_log import EventLog
from features.log.store import connect
from pipelines import campaign_workers, export
from pipelines.campaigns import CampaignReport, build_campaign
from pipelines.export import export_campaign
from serving.service import DecisionService

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
CUSTOMERS = [f"c{number:02}" for number in range(20)]


def event(event_id: str, kind: str, customer: str, days_ago: float, /, **payload: Any) -> dict[str, Any]:
    at = (NOON - timedelta(days=days_ago)).isoformat()
    return {
        "event_id": event_id, "type": kind, "customer_id": customer, "occurred_at": at, "received_at": at,
        "channel": "web", "payload": payload,
    }  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Twenty regulars, and lists of three rows a part."""
    monkeypatch.setattr(export, "CHUNK", 3)
    home = Home.open(tmp_path / "home")
    line = {"item_id": "tea", "quantity": 2, "unit_price": 2_000, "discount": 0}
    told = [
        event(f"{one}-{n}", "purchase", one, 20 + 30 * n, order_id=f"{one}-{n}", currency="EUR", lines=[line])
        for one in CUSTOMERS
        for n in range(3)
    ]
    told += [event(f"{one}-k", "consent", one, 100, purpose="marketing", status="granted") for one in CUSTOMERS]
    with EventLog(home) as log:
        log.append_live(told, source="test", now=NOON)
    return home


def build(home: Home) -> CampaignReport:
    report = build_campaign(home, name="Letters", channel="email", placement="email", now=NOON)
    assert report.listed > 9
    return report


def complain(home: Home, *customers: str) -> None:
    told = [event(f"late-{one}", "feedback", one, 0, kind="complaint") for one in customers]
    with EventLog(home) as log:
        assert {one.status for one in log.append_live(told, source="test", now=NOON)} == {"accepted"}


def everybodys_last_order_went_wrong() -> dict[str, Any]:
    between = [(NOON - timedelta(days=days)).isoformat() for days in (25, 15)]
    about = {"action": "declare", "incident_id": "till", "person": "maija", "reason": "The till broke down"}
    return {
        "event_id": "till", "type": "incident", "occurred_at": NOON.isoformat(), "received_at": NOON.isoformat(),
        "payload": about | {"rule": {"orders_between": between}},
    }  # fmt: skip


def listed(file: Path) -> list[str]:
    """Who is in both files, which say the same."""
    rows = pq.read_table(file.with_suffix(".parquet")).to_pylist()
    with file.open(encoding="utf-8-sig", newline="") as text:
        lines = list(csv.DictReader(text))
    assert [(row["customer_id"], row["decision_id"]) for row in rows] == [
        (line["customer_id"], line["decision_id"]) for line in lines
    ]
    return [row["customer_id"] for row in rows]


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of any length are asked about on two cores."""
    monkeypatch.setattr(campaign_workers, "ALONE_BELOW", 1)
    monkeypatch.setattr(campaign_workers, "processors", lambda: 2)


@pytest.mark.usefixtures("two_cores")
def test_on_all_cores_it_is_the_same_file_and_as_many_places_are_taken(home: Home) -> None:
    report = build(home)
    done = []
    sent = export_campaign(home, report.id, now=NOON, progress=done.append)
    assert sent.dropped == []
    assert listed(sent.file) == pq.read_table(report.folder / "list.parquet")["customer_id"].to_pylist()
    assert done[-1] == report.listed and len(done) > 3
    with closing(connect(home)) as run:
        assert run.execute("select count(distinct customer_key) from reservations").fetchone() == (report.listed,)


def test_whoever_complains_meanwhile_is_left_out_and_the_rest_is_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = build(home)
    everybody = pq.read_table(report.folder / "list.parquet")["customer_id"].to_pylist()
    early, late, asked = everybody[1:2] + everybody[4:6], everybody[-1:], DecisionService.recheck
    rounds: list[int] = []

    def and_then_they_complain(service: DecisionService, ids: Any, *args: Any, **more: Any) -> Any:
        answers = asked(service, ids, *args, **more)
        rounds.append(len(ids))
        if sum(rounds) == len(everybody):
            complain(home, *early)
        if sum(rounds) == len(everybody) + len(early):
            complain(home, *late)
        return answers

    monkeypatch.setattr(DecisionService, "recheck", and_then_they_complain)
    sent = export_campaign(home, report.id, now=NOON)
    assert sorted(row["customer_id"] for row in sent.dropped) == sorted([*early, *late])
    assert listed(sent.file) == [one for one in everybody if one not in (*early, *late)]
    assert sent.kept == len(everybody) - 4


def test_whom_a_rejected_event_puts_in_doubt_meanwhile_is_left_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    report = build(home)
    first, second = pq.read_table(report.folder / "list.parquet")["customer_id"].to_pylist()[:2]
    asked, told = DecisionService.recheck, list[dict[str, Any]]()

    def and_then_something_unreadable_comes(service: DecisionService, *args: Any, **more: Any) -> Any:
        answers = asked(service, *args, **more)
        if not told:
            told.append(event("odd", "feedback", second, 0, kind="complaint", score="very cross"))
            assert service.ingest(list(told), NOON)[0].status == "rejected"
        return answers

    monkeypatch.setattr(DecisionService, "recheck", and_then_something_unreadable_comes)
    sent = export_campaign(home, report.id, now=NOON)
    assert [row["customer_id"] for row in sent.dropped] == [second] and first in listed(sent.file)


@pytest.mark.usefixtures("two_cores")
def test_an_incident_that_affects_everybody_empties_the_list_on_all_cores(home: Home) -> None:
    report = build(home)
    told = []

    def then_the_till_breaks_down(done: int) -> None:
        if done == report.listed and not told:
            told.append(everybodys_last_order_went_wrong())
            with EventLog(home) as log:
                assert [one.status for one in log.append_live(told, source="test", now=NOON)] == ["accepted"]

    sent = export_campaign(home, report.id, now=NOON, progress=then_the_till_breaks_down)
    assert told and sent.kept == 0 and listed(sent.file) == []
    assert len(sent.dropped) == report.listed
    assert {row["reason"] for row in sent.dropped} == {"hold, incident"}


def test_nothing_is_heard_between_the_last_look_and_the_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A complaint is acknowledged before, and counts, or after the file is there."""
    report = build(home)
    first, publish = pq.read_table(report.folder / "list.parquet")["customer_id"][0].as_py(), export._published
    told = threading.Event()

    def she_tells() -> None:
        complain(home, first)
        told.set()

    def while_she_tells(*args: Any) -> Any:
        teller.start()
        assert not told.wait(0.5)
        return publish(*args)

    teller = threading.Thread(target=she_tells)
    monkeypatch.setattr(export, "_published", while_she_tells)
    sent = export_campaign(home, report.id, now=NOON)
    teller.join(30)
    assert told.is_set() and first in listed(sent.file)
