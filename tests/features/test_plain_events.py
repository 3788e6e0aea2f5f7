"""What the plain way takes, the columns take as well, byte for byte the same; what it leaves, it need not be bad."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import EVENT_TYPES, payload_name
from features.log.packing import Packed, pack_row, pack_with_rows
from features.log.plain_events import pack_plain
from features.log.validation import rows_from_json, validate
from tests.features.test_validation import BAD, NOW, PAYLOADS, event

SELDOM = {"hold", "incident", "profile"}
IDS = st.sampled_from(
    ["a", "A-1", "ö", "a b", "日本", " a", "a ", "\u00a0a", "a\u200b", "a\x00", "", "x" * 256, "x" * 257, "anonymous:v",
     "anonymous", "\ud800", "\U00013439", "é" * 256, "\u3000"]
)  # fmt: skip
TIMES = st.sampled_from(
    ["2026-09-01T12:00:00Z", "2026-09-01T12:05:00Z", "2026-09-01T12:05:00.000001Z", "2026-09-01T14:00:00.5+02:00",
     "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2200-01-01T00:00:00Z", "2200-01-01T00:00:01Z",
     "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00", "2026-09-01T12:00:00", "2026-02-30T00:00:00Z", 7,
     "2016-02-29T23:59:60Z", "2026-09-01T11:55:00Z", "2026-09-01T11:54:59.9999999Z"]
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 5, 6, 7, 10, -1, 0.5, 1.0, -0.0, 10**6, 10**6 + 1, 10**12, 10**12 + 1, 2**63 - 1, 2**63]),
    st.sampled_from([float("nan"), float("inf"), True, "1", None]),
    st.floats(),
)
TEXTS = st.one_of(IDS, st.sampled_from(["EUR", "eur", "EUR\n", "checkout", "checkout\n", "fax", "web"]), st.text())
LINES = st.lists(
    st.fixed_dictionaries(
        {"item_id": IDS, "quantity": NUMBERS},
        optional={"unit_price": NUMBERS, "discount": NUMBERS, "amount": NUMBERS, "offer_id": TEXTS},
    ),
    max_size=3,
)
ANYTHING = st.one_of(IDS, TIMES, NUMBERS, TEXTS, LINES, st.lists(IDS, max_size=2), st.dictionaries(TEXTS, NUMBERS))


def _values(kind: str, name: str) -> st.SearchStrategy[Any]:
    """Values of a field that are not far from good ones, and some that are."""
    choices = EVENT_TYPES[kind].choices.get(name)
    near = {
        "lines": LINES, "occurred_at": TIMES, "received_at": TIMES, "promised_by": TIMES, "promised_at": TIMES,
        "item_ids": st.lists(IDS, max_size=3), "score": NUMBERS, "scale_min": NUMBERS, "scale_max": NUMBERS,
        "value": NUMBERS, "result_count": NUMBERS, "dwell_seconds": NUMBERS, "wait_seconds": NUMBERS,
        "schema_version": st.sampled_from([1, 1.0, 2, True, "1"]),
    }.get(name, TEXTS)  # fmt: skip
    return st.one_of(st.sampled_from(choices), ANYTHING) if choices else st.one_of(near, near, ANYTHING)


FULL = {
    "customer_id": "äiti", "anonymous_id": "v", "channel": "web", "touchpoint": "checkout", "source": "s",
    "received_at": "2026-09-01T13:00:00.25+01:00",
}  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(PAYLOADS)))
    told = event(kind)
    envelope = ("event_id", "customer_id", "anonymous_id", "occurred_at", "received_at", "channel", "touchpoint",
                "source", "schema_version", "colour")  # fmt: skip
    for name in draw(st.lists(st.sampled_from(envelope), max_size=3)):
        told[name] = draw(_values(kind, name))
    for column in draw(st.lists(st.sampled_from(EVENT_TYPES[kind].fields or ("text",)), max_size=3)):
        told["payload"][payload_name(kind, column)] = draw(_values(kind, column))
    return told


def by_columns(told: Any) -> tuple[Packed, dict[str, Any]] | None:
    table, _ = rows_from_json([told], source="api", received_at=NOW)
    return next(iter(pack_with_rows(validate(table, NOW).accepted)), None)


@given(events())
def test_what_is_taken_plainly_is_what_the_columns_take(told: dict[str, Any]) -> None:
    plain = pack_plain(told, source="api", now=NOW)
    if plain is not None:
        columns = by_columns(told)
        assert columns is not None
        assert plain[0] == columns[0]
        assert pack_row(plain[1]) == pack_row(columns[1]) and plain[1] == columns[1]


@pytest.mark.parametrize("kind", sorted(PAYLOADS.keys() - SELDOM))
@pytest.mark.parametrize("envelope", [{}, FULL])
def test_a_good_event_of_each_common_type_is_taken_plainly(kind: str, envelope: dict[str, Any]) -> None:
    plain = pack_plain(event(kind, **envelope), source="api", now=NOW)
    assert plain is not None and plain == by_columns(event(kind, **envelope))


@pytest.mark.parametrize("bad", [bad for bad, _, _ in BAD])
def test_no_bad_one_is(bad: Any) -> None:
    assert pack_plain(bad, source="api", now=NOW) is None


def test_five_minutes_ahead_is_a_clock() -> None:
    for seconds, taken in ((300, True), (301, False)):
        told = event("erasure", occurred_at=(NOW + timedelta(seconds=seconds)).isoformat())
        assert (pack_plain(told, source="api", now=NOW) is not None) == taken
