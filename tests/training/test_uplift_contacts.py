"""Contacts drawn by lot, read from a log: both arms and nothing else, inputs of before, responses of after."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.columns import EVENT_SCHEMA
from features.errors import DataError
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots
from tests.training.shops import day, events
from training.uplift_contacts import DrawnContacts, drawn_contacts

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CUTOFFS = [day(10), day(17)]
WEEK = timedelta(days=7)
PURCHASES = [
    ("c1", "o1", "a", 500, 2.0),
    ("c2", "o2", "a", 500, 3.0),
    ("c1", "o3", "a", 500, 12.0),  # within a week of her letter of day 10
    ("c2", "o4", "a", 500, 17.25),  # a week after his, to the second
    ("c2", "o5", "a", 500, 20.0),
    ("c3", "o6", "a", 500, 1.0),
]
CONTACTS = [  # customer, day, action, status, treatment
    ("c1", 10.25, "news", "sent", "letter"),
    ("c2", 10.25, "news", "released", "control"),
    ("c3", 10.25, "news", "released", "letter"),  # dropped at export: nobody drew that
    ("c1", 10.5, "news", "click", "letter"),
    ("c2", 17.25, "discount", "sent", "letter"),
    ("c3", 17.25, "discount", "released", "control"),
    ("c1", 19.0, "news", "sent", "letter"),  # beyond reach of any cutoff
]


def contact(place: int, customer: str, at: float, action: str, status: str, treatment: str) -> dict[str, object]:
    moment = day(at)
    return {
        "event_id": f"k{place}", "type": "contact", "customer_id": customer, "occurred_at": moment,
        "received_at": moment, "channel": "email", "source": "test", "schema_version": 1,
        "action_id": action, "status": status, "treatment_id": treatment,
    }  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.open(tmp_path_factory.mktemp("home"))
    told = pa.Table.from_pylist([contact(i, *row) for i, row in enumerate(CONTACTS)], schema=EVENT_SCHEMA)
    with EventLog(home) as log:
        log.append_history([events(PURCHASES), told], source="test", now=NOW)
    build_snapshots(home, CUTOFFS)
    return home


def read(home: Home, known_by: datetime) -> DrawnContacts:
    return drawn_contacts(home, CUTOFFS, reach=timedelta(days=1), response=WEEK, share=0.5, known_by=known_by)


def test_both_arms_are_rows_with_what_followed(home: Home) -> None:
    found = read(home, day(40))
    table = list(zip(found.rows.customers, found.actions, found.rows.treated, found.rows.outcome, strict=True))
    assert sorted(table) == [
        ("c1", "news", 1.0, 1.0),
        ("c2", "discount", 1.0, 1.0),
        ("c2", "news", 0.0, 0.0),
        ("c3", "discount", 0.0, 0.0),
    ]
    assert found.rows.share.tolist() == [0.5] * 4


def test_inputs_are_of_before_the_letter(home: Home) -> None:
    found = read(home, day(40))
    recency = found.rows.inputs[:, found.rows.names.index("recency_days")]
    told = dict(zip(zip(found.rows.customers, found.actions, strict=True), recency, strict=True))
    assert told["c1", "news"] == pytest.approx(8.0)
    assert told["c2", "discount"] == pytest.approx(14.0)
    of_news = found.rows.inputs[:, found.rows.names.index("action_news")]
    np.testing.assert_array_equal(of_news, found.actions == "news")


def test_letters_whose_time_is_not_over_are_left_out(home: Home) -> None:
    found = read(home, day(20))
    assert set(found.actions.tolist()) == {"news"}
    assert "action_news" not in found.rows.names
    with pytest.raises(DataError, match="treatment_id control"):
        read(home, day(12))


def test_some_rows_are_taken_with_all_that_belongs_to_them(home: Home) -> None:
    found = read(home, day(40))
    newer = found.take(found.actions == "discount")
    assert len(newer.rows) == len(newer.at) == 2
