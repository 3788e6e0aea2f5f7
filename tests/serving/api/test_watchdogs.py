"""What goes wrong quietly is told: in /v1/health/ready, in the metrics; and quiet days tell nothing."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from features.home import Home
from features.log.event_log import EventLog
from features.log.event_objects import rows_from_json
from features.log.store import connect, to_micros, transaction
from pipelines.lookout import look_out
from serving.api import create_app
from serving.settings import ServingSettings
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, case, purchase

SETTINGS = ServingSettings(watch_minutes=0.0005, requests_per_second=0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    return start(create_app(home, clock=clock, settings=SETTINGS), **key("admin"))


def told(client: Client, wanted: str | None) -> list[str]:
    """What the watchdogs say, once they say what is wanted (None: that nothing is wrong)."""
    found: list[str] = []
    for _ in range(200):
        found = client.get("/v1/health/ready").json()["watchdogs"]
        if any(wanted in one for one in found) if wanted else not found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{wanted!r} was never told, but {found}")


def metric(client: Client, line: str) -> float:
    text = client.get("/metrics").text
    return next(float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line))


def test_a_hold_past_review_is_told_and_counted(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=[case("c", "aino", "r-1"), purchase("p", "bertta")])
    assert told(client, None) == []
    clock.pass_days(14.1)
    client.post("/v1/events", json=[purchase("p2", "bertta", clock.now)])
    assert "1 reasons of silence are past review" in told(client, "past review")[0]
    assert metric(client, 'tahdikas_watchdog{watchdog="past_review"}') == 1
    assert metric(client, 'tahdikas_watchdog{watchdog="cap_counts_nothing"}') == 0
    assert metric(client, 'tahdikas_holds{kind="open_case"}') == 1


def test_a_source_gone_quiet_is_told_and_one_of_long_ago_is_not(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=[purchase("p", "bertta")])
    clock.pass_days(1.9)
    told(client, None)
    clock.pass_days(0.2)
    assert "last heard of 50 hours ago" in told(client, "source api")[0]
    assert metric(client, 'tahdikas_source_age_seconds{source="api"}') == pytest.approx(2.1 * 86_400)
    clock.pass_days(13)
    told(client, None)


def test_a_cap_that_counts_nothing_is_told_until_a_sender_reports(client: Client, home: Home, clock: Clock) -> None:
    client.post("/v1/events", json=[purchase("p", "bertta")])
    ask = {"customer_id": "bertta", "channel": "web", "placement": "front_page"}
    decision = client.post("/v1/decisions", json=ask).json()["decision_id"]
    with transaction(connect(home)) as run:  # as senders leave them who take answers and never report
        for i in range(20):
            at = to_micros(NOON - timedelta(days=3))
            row = (f"c-{i}", decision, "next_offer", "email", "newsletter", at, at + 1)
            run.execute("insert into reservations values (?, ?, ?, ?, ?, ?, ?)", row)
    assert "Of 20 outbound answers" in told(client, "outbound answers")[0]
    with transaction(connect(home)) as run:
        run.execute("insert into outcomes values (?, 'sent', 'x', ?, ?, null)", (decision, *[to_micros(NOON)] * 2))
    told(client, None)


def test_steps_and_queues_are_measured(client: Client) -> None:
    client.post("/v1/events", json=[purchase("p", "bertta")])
    ask: dict[str, Any] = {"customer_id": "bertta", "channel": "web", "placement": "front_page"}
    for _ in range(3):
        assert client.post("/v1/decisions", json=ask).status_code == 200
    for step in ("read", "decide", "record"):
        assert metric(client, f'tahdikas_step_seconds_count{{step="{step}"}}') >= 3
    assert metric(client, "tahdikas_questions_together_sum") >= 3
    assert metric(client, 'tahdikas_requests_under_way{kind="decide"}') == 0


def test_reservations_that_lapsed_long_ago_are_forgotten_in_the_rounds(client: Client, home: Home) -> None:
    """However many there are; those that still hold a place, or lapsed of late, stay."""
    client.post("/v1/events", json=[purchase("p", "bertta")])
    ends = {"held": NOON + timedelta(days=1), "of late": NOON - timedelta(days=29)}
    ends |= {f"old-{i}": NOON - timedelta(days=30, hours=i) for i in range(1_203)}
    with transaction(connect(home)) as run:
        for name, until in ends.items():
            row = ("bertta", name, "next_offer", "email", "newsletter", 0, to_micros(until))
            run.execute("insert into reservations values (?, ?, ?, ?, ?, ?, ?)", row)
    for _ in range(200):
        left = connect(home).execute("select decision_id from reservations order by 1").fetchall()
        if len(left) == 2:
            break
        time.sleep(0.05)
    assert [name for (name,) in left] == ["held", "of late"]


def test_what_somebody_kept_without_judging_it_is_judged_in_the_rounds(client: Client, home: Home) -> None:
    client.post("/v1/events", json=[purchase("p", "bertta")])
    told(client, None)
    payload = {"kind": "comment", "text": "Terrible, broken, never again. I want my money back!"}
    at = (NOON - timedelta(days=1)).isoformat()
    said = {"event_id": "f", "type": "feedback", "customer_id": "bertta", "occurred_at": at, "payload": payload}
    with EventLog(home) as log:  # as a program of one's own may
        table, _ = rows_from_json([said], source="file", received_at=NOON)
        log.append_history([table], source="file", now=NOON)
    for _ in range(200):
        holds = client.get("/v1/customers/bertta").json()["holds"]
        if holds:
            break
        time.sleep(0.05)
    assert [hold["kind"] for hold in holds] == ["predicted"]


def test_a_lookout_that_does_not_look_is_told(
    home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]
) -> None:
    """Nobody looks at everybody in its place: decisions would wait for that."""
    client = start(create_app(home, clock=clock, settings=SETTINGS, lookout=True), **key("admin"))
    client.post("/v1/events", json=[case("c", "aino", "r-1"), purchase("p", "bertta")])
    assert told(client, None) == []
    clock.pass_days(1 / 24)
    assert "has not looked at everybody for 60 minutes" in told(client, "lookout")[0]
    assert metric(client, 'tahdikas_watchdog{watchdog="lookout"}') == 1
    assert "tahdikas_holds{" not in client.get("/metrics").text
    look_out(home, clock, steps=1)
    told(client, None)
    assert metric(client, 'tahdikas_holds{kind="open_case"}') == 1
