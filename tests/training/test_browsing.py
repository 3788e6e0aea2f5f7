"""Whose browsing was known at a moment: a few events, answers by hand."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.log.event_log import EventLog
from tests.training.shops import day
from training.browsing import load_browsing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _told(number, what, at, **fields):
    return {
        "event_id": f"e{number}", "type": what, "occurred_at": day(at), "received_at": day(at), "channel": "web",
        "source": "test", "schema_version": 1, **fields,
    }  # fmt: skip


def _looked(number, at, **who):
    return _told(number, "browse", at, action="view", session_id=f"s{number}", item_id="a", **who)


def test_own_browsing_and_that_of_a_visitor_once_known_to_be_her(tmp_path):
    home = Home.open(tmp_path)
    rows = [
        _looked(1, 1, customer_id="looked"),
        _looked(2, 20, customer_id="later"),
        _looked(3, 2, anonymous_id="v1"),
        _told(4, "identity", 5, customer_id="linked", anonymous_id="v1", action="link"),
        _looked(5, 3, anonymous_id="v2"),
    ]
    with EventLog(home) as log:
        assert (
            log.append_history([pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)], source="test", now=NOW).accepted == 5
        )
    asked = np.array(["looked", "later", "linked", "stranger"])
    assert load_browsing(home, asked, day(10)).tolist() == [True, False, True, False]
    assert load_browsing(home, asked, day(4)).tolist() == [True, False, False, False], "not linked yet"
    assert load_browsing(home, asked, day(21)).tolist() == [True, True, True, False]


def test_without_browsing_nobodys_is_known(tmp_path):
    assert load_browsing(Home.open(tmp_path), np.array(["a"]), day(1)).tolist() == [False]
