"""Days held within a window are those of any hold, each day once, and no day outside."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.home import Home
from features.log.event_log import EventLog
from pipelines.retraining.days_held import days_held

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=28)
WHO = np.array(["aino", "bertta", "cecilia", "dora"])


def told(event_id: str, event_type: str, who: str, day: float, **payload: object) -> dict[str, object]:
    at = (BEGIN + timedelta(days=day)).isoformat()
    return {"event_id": event_id, "type": event_type, "customer_id": who, "occurred_at": at, "payload": payload}


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home.open(tmp_path / "home")
    review = (BEGIN + timedelta(days=90)).isoformat()
    add = {"action": "add", "person": "maija", "reason": "asked", "review_at": review}
    release = {"action": "release", "person": "maija", "reason": "settled"}
    events = [
        told("a1", "hold", "aino", -5, hold_id="h1", **add),
        told("a2", "hold", "aino", 2, hold_id="h2", **add),
        told("a3", "hold", "aino", 4, hold_id="h1", **release),
        told("a4", "hold", "aino", 10, hold_id="h2", **release),
        told("b1", "case", "bertta", 18, case_id="r-1", kind="exchange", status="opened"),
        told("c1", "case", "cecilia", 40, case_id="r-2", kind="exchange", status="opened"),
    ]
    with EventLog(home) as log:
        results = log.append_live(events, source="test", now=END + timedelta(days=30))
        assert [r.status for r in results] == ["accepted"] * 6, results
    return home


def test_each_day_of_the_window_counts_once_however_many_hold_her(home: Home) -> None:
    found = days_held(home, WHO, BEGIN, END, END + timedelta(days=31))
    assert found == pytest.approx([10, 10, 0, 0]), "two that overlap, one that goes on, one after the window, nobody"


def test_what_was_not_known_yet_held_nobody(home: Home) -> None:
    assert days_held(home, WHO, BEGIN, END, END).sum() == 0
