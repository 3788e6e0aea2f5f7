"""The staff's commands: holds by hand, the watch list, calls, incidents, silence, a replay."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.home import Home
from features.log.event_log import EventLog
from pipelines.cli import main

NOW = datetime.now(UTC)
BY = ("--person", "maija", "--reason", "called her")


@pytest.fixture
def tahdikas(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Callable[..., Any]:
    """Run a command on a shop where aino's parcel is on its way and bertta has asked twice after her exchange."""

    def told(name: str, kind: str, who: str, days_ago: float, /, **payload: Any) -> dict[str, Any]:
        at = (NOW - timedelta(days=days_ago)).isoformat()
        return {"event_id": name, "type": kind, "customer_id": who, "occurred_at": at, "payload": payload}

    home = Home.open(tmp_path / "home")
    with EventLog(home) as log:
        log.append_live(
            [
                told("d", "delivery", "aino", 2, order_id="o-1", status="shipped", carrier="posti"),
                told("c", "case", "bertta", 3, case_id="r-1", kind="exchange", status="opened"),
                told("c1", "case", "bertta", 2, case_id="r-1", kind="exchange", status="customer_asked"),
                told("c2", "case", "bertta", 1, case_id="r-1", kind="exchange", status="customer_asked"),
            ],
            source="api",
            now=NOW,
        )

    def run(*words: Any, code: int = 0, as_json: bool = True) -> Any:
        monkeypatch.setattr(
            sys, "argv", ["tahdikas", "--home", str(home.root), *map(str, words), *["--json"] * as_json]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        out = capsys.readouterr()
        assert (ended.value.code or 0) == code, out
        return json.loads(out.out) if as_json else " ".join(out.out.split())

    return run


def test_a_hold_by_hand_from_its_beginning_to_its_end(tahdikas: Callable[..., Any]) -> None:
    week = (NOW + timedelta(days=7)).date()
    added = tahdikas("hold", "add", "aino", "--review-at", week, "--channel", "email", *BY)
    watched = tahdikas("holds", "--kind", "staff")
    assert [one["customer_id"] for one in watched["entries"]] == ["aino"]
    assert added["hold"]["covers"]["channels"] == ["email"]
    assert "aino" in tahdikas("holds", as_json=False)
    assert tahdikas("hold", "release", "aino", added["hold_id"], *BY)["holds"] == []
    refused = tahdikas("hold", "release", "aino", added["hold_id"], *BY, code=2)
    assert "is over already" in refused["message"]
    refused = tahdikas("hold", "add", "aino", "--review-at", "2020-01-01", *BY, code=2)
    assert "review_at" in refused["message"] and "not in the future" in refused["message"]


def test_whom_to_call(tahdikas: Callable[..., Any]) -> None:
    found = tahdikas("calls")
    assert found["total"] == 1 and found["calls"][0]["customer_id"] == "bertta"
    assert "exchange r-1" in tahdikas("calls", as_json=False)


def test_for_whom_there_is_something_to_do(tahdikas: Callable[..., Any]) -> None:
    found = tahdikas("worklist")
    assert found["total"] == 1 and found["kinds"] == {"call": 1, "open_case": 1}
    (one,) = found["entries"]
    assert one["customer_id"] == "bertta" and one["severity"] == 4 and one["tasks"][1]["asked"] == 2
    assert "Bring to an end" in tahdikas("worklist", "--kind", "open_case", as_json=False)
    assert tahdikas("worklist", "--min-severity", 5)["entries"] == []
    assert "Name one of call, quarantine" in tahdikas("worklist", "--kind", "chore", code=2)["message"]


def test_an_incident_tried_out_declared_and_closed(tahdikas: Callable[..., Any]) -> None:
    assert tahdikas("incident", "reach", "--carrier", "posti")["examples"] == ["aino"]
    assert "No alarm" in tahdikas("incident", "alarms", as_json=False)
    tahdikas("incident", "declare", "--id", "strike", "--carrier", "posti", "--since", "2026-01-01", *BY)
    assert [one["customer_id"] for one in tahdikas("holds", "--kind", "incident")["entries"]] == ["aino"]
    tahdikas("incident", "close", "strike", *BY)
    assert [one["status"] for one in tahdikas("incident", "list")] == ["closed"]
    assert "strike" in tahdikas("incident", "list", as_json=False)
    assert "says nothing" in tahdikas("incident", "reach", code=2)["message"]


def test_the_cost_of_silence(tahdikas: Callable[..., Any]) -> None:
    found = tahdikas("silence")
    assert found["silent_now"] == 1 and found["predicted"]["difference"] is None and found["is_estimate"]
    assert "not estimable" in tahdikas("silence", as_json=False)


def test_a_decision_taken_again(tahdikas: Callable[..., Any]) -> None:
    decision = tahdikas("decide", "bertta", "--record")
    assert tahdikas("replay", decision["decision_id"])["exact"]
    assert "exactly" in tahdikas("replay", decision["decision_id"], as_json=False)
    assert "d-none" in tahdikas("replay", "d-none", code=2)["message"]


def test_why_is_told_of_a_past_decision_too(tahdikas: Callable[..., Any]) -> None:
    decided = tahdikas("decide", "bertta", "--record")
    told = tahdikas("why", "bertta", "--at", (NOW + timedelta(hours=1)).isoformat())
    assert told["source"] == "record" and told["decision_id"] == decided["decision_id"]
    assert "staff_call" in [one["action_id"] for one in told["actions"]], "she has had to ask twice"
    words = tahdikas("why", "bertta", as_json=False)
    assert "chosen" in words and "Offers are on hold" in words and "resolved" in words
    never = (NOW - timedelta(days=30)).isoformat()
    tahdikas("why", "bertta", "--at", never, code=2)
