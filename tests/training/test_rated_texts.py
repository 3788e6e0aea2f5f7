"""Rated texts of the log: only what was known, whose it was then, and the same facts as live."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.customer.facts_at_feedback import FEEDBACK_FACTS, facts_at_feedback
from features.home import Home
from features.log.event_log import EventLog
from training.rated_texts import load_rated_texts

START = datetime(2026, 3, 1, tzinfo=UTC)


def day(n):
    return START + timedelta(days=n)


def event(event_id, event_type, who, on, heard=None, **payload):
    who = {"anonymous_id": who} if who.startswith("v") else {"customer_id": who}
    at, received = day(on).isoformat(), day(on if heard is None else heard).isoformat()
    return {
        "event_id": event_id,
        "type": event_type,
        **who,
        "occurred_at": at,
        "received_at": received,
        "payload": payload,
    }


def says(event_id, who, on, text, score, heard=None, **more):
    return event(event_id, "feedback", who, on, heard, kind="review", text=text, score=score, **more)


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def kept(home, *events):
    with EventLog(home) as log:
        results = log.append_live(list(events), source="api", now=day(300))
        assert all(one.status == "accepted" for one in results), results
        log.flush_live()


def test_only_texts_with_a_score_that_were_known_oldest_first(home):
    kept(
        home,
        says("e3", "aino", 3, "good", 5, language="en"),
        says("e1", "aino", 1, "rikki", 1, language="fi"),
        says("late", "aino", 2, "told too late", 1, heard=20),
        says("future", "aino", 10, "not yet", 1),
        event("mute", "feedback", "aino", 1, kind="rating", score=1),
        event("unscored", "feedback", "aino", 1, kind="comment", text="no score"),
        says("blank", "aino", 1, "  ", 1),
        says("half", "bea", 4, "so so", 3),
    )
    found = load_rated_texts(home, day(10), 100)
    assert found.texts == ["rikki", "good", "so so"]
    assert found.truth.tolist() == [1, 0, 0] and found.languages == ["fi", "en", ""]
    assert load_rated_texts(home, day(10), 2).texts == ["good", "so so"], "the newest"


@pytest.mark.parametrize(("kind", "scale", "bad", "fair"), [
    ("nps", {}, 6, 7), ("ces", {}, 6, 4), ("review", {"scale_min": 0, "scale_max": 100}, 40, 41),
])  # fmt: skip
def test_bad_is_bad_on_its_own_scale(home, kind, scale, bad, fair):
    for place, score in enumerate((bad, fair)):
        told = {"kind": kind, "text": "x", "score": score} | scale
        kept(home, event(f"e{place}", "feedback", "aino", place, **told))
    assert load_rated_texts(home, day(10), 9).truth.tolist() == [1, 0]


def test_facts_are_those_of_the_moment_and_never_the_score_itself(home):
    kept(
        home,
        event("d1", "delivery", "aino", 1, order_id="o1", status="promised", promised_at=day(2).isoformat()),
        says("e1", "aino", 1.5, "before it was late", 5),
        says("e2", "aino", 3, "while it was late", 1),
        event("d2", "delivery", "aino", 3.5, order_id="o1", status="delivered"),
        event("c1", "case", "aino", 3.9, heard=8, case_id="c1", kind="exchange", status="opened"),
        says("e3", "aino", 4, "arrived; the case was not heard of", 5),
        says("e4", "aino", 9, "now it was", 4),
    )
    found = load_rated_texts(home, day(100), 9)
    column = {name: found.facts[:, FEEDBACK_FACTS.index(name)] for name in FEEDBACK_FACTS}
    assert column["late_orders"].tolist() == [0, 1, 0, 0]
    assert column["open_cases"].tolist() == [0, 0, 0, 1]
    np.testing.assert_array_equal(column["last_rating_unit"], [np.nan, 1, 0, 1])


def test_a_visitor_s_words_come_with_the_facts_of_whom_she_was_known_to_be(home):
    link = {"event_id": "l", "type": "identity", "occurred_at": day(5).isoformat(), "payload": {"action": "link"}}
    link |= {"anonymous_id": "v1", "customer_id": "aino", "received_at": day(5).isoformat()}
    kept(
        home,
        event("c1", "case", "aino", 0, case_id="c1", kind="exchange", status="opened"),
        says("e1", "v1", 4, "who am I", 1),
        link,
        says("e2", "v1", 6, "it is me", 1),
    )
    found = load_rated_texts(home, day(100), 9)
    assert found.facts[:, FEEDBACK_FACTS.index("open_cases")].tolist() == [0, 1]


def test_live_and_learned_facts_are_the_same(home):
    kept(
        home,
        event("f1", "friction", "aino", 0, kind="payment_error"),
        event("c1", "case", "aino", 1, case_id="c1", kind="exchange", status="opened"),
        event("c2", "case", "aino", 2, case_id="c1", kind="exchange", status="customer_asked"),
        says("e1", "aino", 3, "and now?", 2),
    )
    found = load_rated_texts(home, day(100), 9)
    with EventLog(home) as log:
        live = facts_at_feedback(log.facts_of("aino"), day(3), day(3))
    np.testing.assert_array_equal(found.facts[0], live)
    assert live[FEEDBACK_FACTS.index("case_asks")] == 1


def test_no_feedback_at_all_is_nothing_to_learn_from(home):
    assert len(load_rated_texts(home, day(10), 9)) == 0
