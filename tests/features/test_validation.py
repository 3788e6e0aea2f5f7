from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from features.columns import EVENT_SCHEMA
from features.log.rejects import Reason
from features.log.validation import Validated, rows_from_json, validate

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
LINE = {"item_id": "socks", "quantity": 2, "unit_price": 1250}
PAYLOADS: dict[str, dict[str, Any]] = {
    "purchase": {"order_id": "o1", "currency": "EUR", "lines": [LINE]},
    "browse": {"action": "view", "session_id": "s1", "item_id": "socks", "dwell_seconds": 3},
    "feedback": {"kind": "rating", "score": 1},
    "case": {"case_id": "k1", "kind": "exchange", "status": "opened", "item_ids": ["socks"]},
    "return": {"order_id": "o1", "lines": [{"item_id": "socks", "quantity": 1, "amount": 1250}]},
    "delivery": {"order_id": "o1", "status": "promised", "promised_at": "2026-09-05T00:00:00Z"},
    "friction": {"kind": "long_wait", "wait_seconds": 3600},
    "consent": {"purpose": "marketing", "channel": "email", "status": "granted"},
    "identity": {"action": "link", "external_id": "card-7"},
    "contact": {"action_id": "offer", "status": "sent"},
    "hold": {"action": "add", "hold_id": "h1", "categories": ["sales"], "channels": ["email"],
             "review_at": "2026-09-10T00:00:00Z", "person": "liisa"},
    "incident": {"action": "declare", "incident_id": "strike", "rule": {"carrier": "posti"}, "person": "liisa"},
    "score": {"model": "mood", "version": "1", "value": 0.25},
    "profile": {"facts": {"region": "Uusimaa", "birth_year": 1980}},
    "erasure": {},
}  # fmt: skip


def event(kind: str, payload: dict[str, Any] | None = None, **envelope: Any) -> dict[str, Any]:
    """An acceptable event of a kind, with some fields put otherwise (None: left out)."""
    told = {"event_id": f"{kind}-1", "type": kind, "customer_id": "aino", "occurred_at": "2026-09-01T10:00:00Z"}
    inside = {k: v for k, v in (PAYLOADS.get(kind, {}) | (payload or {})).items() if v is not None}
    return {k: v for k, v in (told | envelope).items() if v is not None} | {"payload": inside}


def judged(*events: Any) -> Validated:
    """What the door says of JSON objects: structure and values together."""
    table, unreadable = rows_from_json(list(events), source="test", received_at=NOW)
    found = validate(table, NOW)
    return Validated(found.accepted, [*unreadable, *found.rejected], found.rows)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_an_acceptable_event_of_each_type(kind: str) -> None:
    found = judged(event(kind))
    assert found.rejected == []
    assert found.accepted.schema == EVENT_SCHEMA
    assert found.accepted.num_rows == 1


BAD = [
    (7, "unparseable", "7"),
    (event("dance"), "unknown_type", "dance"),
    (event("purchase", type=None), "missing_field", "type"),
    (event("browse", {"colour": "red"}), "unknown_field", "colour"),
    (event("browse", schema_version=2), "unknown_version", "2"),
    (event("purchase", event_id=None), "missing_field", "event_id"),
    (event("purchase", event_id=" "), "bad_id", "event_id"),
    (event("purchase", customer_id=None), "missing_who", "customer_id"),
    (event("identity", customer_id=None, anonymous_id="v"), "missing_who", "customer_id"),
    (event("identity", {"external_id": None}), "missing_field", "external_id"),
    (event("purchase", customer_id="anonymous:v"), "bad_id", "anonymous:"),
    # A stray space would make somebody else of her: her complaint would be nobody's, and she be sold to.
    (event("purchase", customer_id="aino "), "bad_id", "space"),
    (event("purchase", customer_id="\u00a0aino"), "bad_id", "space"),
    (event("purchase", customer_id="ai\u200bno"), "bad_id", "space"),
    (event("purchase", customer_id="x" * 257), "bad_id", "256"),
    (event("purchase", customer_id=7), "bad_value", "customer_id"),
    (event("purchase", channel="fax"), "bad_choice", "'fax'"),
    (event("purchase", touchpoint="Check Out"), "bad_value", "Check Out"),
    (event("purchase", occurred_at="2026-09-01T10:00:00"), "bad_time", "timezone"),
    (event("purchase", occurred_at="yesterday"), "bad_time", "occurred_at"),
    (event("purchase", occurred_at="1969-12-31T00:00:00Z"), "bad_time", "1970"),
    (event("purchase", occurred_at="9999-12-31T23:59:59-23:59"), "bad_time", "not between 1970 and 2200"),
    (event("purchase", occurred_at="0001-01-01T00:00:00+14:00"), "bad_time", "not between 1970 and 2200"),
    (event("purchase", occurred_at="2026-09-03T12:00:00Z"), "occurred_in_future", "5 minutes"),
    (event("purchase", received_at="2026-09-03T12:00:00Z"), "received_in_future", "5 minutes"),
    (event("purchase", received_at="2026-08-03T12:00:00Z"), "received_before_occurred", "2026-08-03"),
    (event("purchase", {"currency": "euro"}), "bad_currency", "'euro'"),
    (event("purchase", {"order_id": None}), "missing_field", "order_id"),
    (event("purchase", {"lines": []}), "empty_lines", "lines"),
    (event("purchase", {"lines": [LINE, LINE | {"quantity": 0}]}), "bad_quantity", "quantity 0 of item 'socks'"),
    (event("purchase", {"lines": [LINE, LINE | {"unit_price": -1}]}), "negative_price", "unit_price -1"),
    (event("purchase", {"lines": [LINE | {"unit_price": 12.5}]}), "bad_value", "unit_price"),
    (event("purchase", {"lines": [LINE | {"unit_price": 10**13}]}), "bad_value", "minor units"),
    (event("purchase", {"lines": [LINE | {"discount": 2501}]}), "bad_discount", "2501"),
    (event("purchase", {"lines": [{"item_id": "socks", "quantity": 1}]}), "missing_field", "unit_price"),
    (event("return", {"lines": [{"item_id": "socks", "quantity": 1, "amount": -5}]}), "negative_price", "-5"),
    (event("feedback", {"score": None}), "missing_field", "score"),
    (event("feedback", {"score": 9}), "score_outside_scale", "9.0 is outside 1 to 5"),
    (event("feedback", {"kind": "nps", "score": 11}), "score_outside_scale", "0 to 10"),
    (event("feedback", {"score": 3, "scale_min": 5, "scale_max": 1}), "bad_scale", "5.0"),
    (event("feedback", {"score": float("nan")}), "not_finite", "nan"),
    (event("score", {"value": float("inf")}), "not_finite", "inf"),
    (event("browse", {"dwell_seconds": -1}), "negative_value", "-1"),
    (event("consent", {"channel": "emial"}), "bad_choice", "emial"),
    (event("case", {"item_ids": ["socks", ""]}), "bad_id", "item_ids"),
    (event("hold", {"review_at": None}), "missing_field", "review_at"),
    (event("hold", {"person": None}), "missing_field", "person"),
    (event("hold", {"categories": ["sale"]}), "bad_choice", "sale"),
    (event("incident", {"rule": "[1]"}), "bad_value", "rule"),
    (event("profile", {"facts": None}), "missing_field", "facts"),
    (event("browse", {"query": "\ud800"}), "bad_value", "stored"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason", "told"), BAD, ids=[f"{r}:{t[:20]}" for _, r, t in BAD])
def test_a_bad_event_is_rejected_with_its_reason_and_leaves_its_neighbours_alone(
    bad: Any, reason: str, told: str
) -> None:
    found = judged(event("erasure"), bad, event("score"))
    assert [reject.reason.value for reject in found.rejected] == [reason]
    assert told in found.rejected[0].detail
    assert found.accepted["type"].to_pylist() == ["erasure", "score"]


def test_a_table_is_judged_like_objects_and_says_which_rows_were_good() -> None:
    table, _ = rows_from_json(
        [event("purchase"), event("feedback", {"score": 9}), event("score")], source="t", received_at=NOW
    )
    found = validate(table, NOW)
    assert found.rows.tolist() == [0, 2]
    assert [(r.row, r.reason, r.event_id) for r in found.rejected] == [(1, Reason.SCORE_OUTSIDE_SCALE, "feedback-1")]


def test_a_field_of_another_type_is_not_dropped_silently() -> None:
    table, _ = rows_from_json([event("score")], source="t", received_at=NOW)
    place = table.schema.get_field_index("carrier")
    found = validate(table.set_column(place, "carrier", pa.array(["posti"])), NOW)
    assert [reject.reason for reject in found.rejected] == [Reason.UNKNOWN_FIELD]


def test_missing_discounts_become_zero_and_json_texts_one_form() -> None:
    found = judged(event("purchase"), event("return"), event("profile", {"facts": {"b": 1, "a": 2}}))
    rows = found.accepted.to_pylist()
    assert rows[0]["lines"][0]["discount"] == 0
    assert rows[1]["lines"][0]["discount"] is None
    assert rows[2]["facts"] == '{"a":2,"b":1}'


def test_five_minutes_ahead_is_a_clock_and_a_second_more_is_not() -> None:
    limit = NOW + timedelta(minutes=5)
    assert judged(event("score", occurred_at=limit.isoformat())).rejected == []
    assert judged(event("score", occurred_at=(limit + timedelta(seconds=1)).isoformat())).rejected != []


def test_the_batch_is_not_changed_and_unknown_columns_are_the_callers_mistake() -> None:
    table, _ = rows_from_json([event("purchase")], source="t", received_at=NOW)
    before = table.to_pylist()
    validate(table, NOW)
    assert table.to_pylist() == before
    with pytest.raises(ValueError, match="colour"):
        validate(table.append_column("colour", pa.array(["red"])), NOW)


def test_a_table_without_needed_values_is_rejected_row_by_row() -> None:
    found = validate(pa.table({"event_id": ["a", None], "type": ["erasure", "erasure"]}), NOW)
    assert [(r.row, r.reason) for r in found.rejected] == [(0, Reason.MISSING_FIELD), (1, Reason.MISSING_FIELD)]
