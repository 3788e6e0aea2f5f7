"""The language of customers as known at a moment: a few events, answers by hand."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.log.event_log import EventLog
from tests.training.shops import day
from training.languages import load_languages

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _told(number: int, what: str, at: int, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number}", "type": what, "occurred_at": day(at), "received_at": day(at), "channel": "web",
        "source": "test", "schema_version": 1, **fields,
    }  # fmt: skip


def _named(number: int, who: str, at: int, language: str) -> dict[str, Any]:
    return _told(number, "profile", at, customer_id=who, facts=json.dumps({"language": language}))


def _wrote(number: int, at: int, language: str | None, **who: str) -> dict[str, Any]:
    return _told(number, "feedback", at, kind="comment", text="x", language=language, **who)


def test_what_she_named_goes_before_what_she_wrote_in_and_the_future_is_not_known(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    rows = [
        _named(1, "named", 1, "fi-FI"),
        _wrote(2, 5, "sv", customer_id="named"),
        _wrote(3, 2, "en", customer_id="wrote"),
        _wrote(4, 3, "sv", customer_id="wrote"),
        _wrote(5, 4, None, customer_id="silent"),
        _named(6, "later", 20, "fi"),
        _wrote(7, 2, "de", anonymous_id="v1"),
        _told(8, "identity", 3, customer_id="linked", anonymous_id="v1", action="link"),
    ]
    with EventLog(home) as log:
        report = log.append_history([pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)], source="test", now=NOW)
    assert report.accepted == len(rows)
    asked = np.array(["named", "wrote", "silent", "later", "linked", "stranger"])
    assert load_languages(home, asked, day(10)).tolist() == ["fi", "sv", "", "", "de", ""]
    assert load_languages(home, asked, day(21)).tolist()[3] == "fi"


def test_without_such_events_nobodys_language_is_known(tmp_path: Path) -> None:
    assert load_languages(Home.open(tmp_path), np.array(["a", "b"]), day(1)).tolist() == ["", ""]
