"""What an acceptable event is: one table of checks, each over a whole column, the same for a file and for one event.

Every check says which rows are bad, why, and in which words; the words are filled from the bad row.
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import EVENT_SCHEMA, PAYLOAD_FIELDS, TIME
from features.customer.incidents import read_rule
from features.customer.scales import DEFAULT_SCALES
from features.events import CHANNELS, EVENT_TYPES, EventType
from features.log.rejects import Reason

CURRENT_VERSION = 1
TOLERANCE = timedelta(minutes=5)
"""How far a shop's clock may be ahead of ours."""

RESERVED_PREFIX = "anonymous:"
LONGEST_ID = 256
LARGEST_PRICE = 10**12  # minor units; with LARGEST_QUANTITY, a line's product fits 64 bits
LARGEST_QUANTITY = 10**6
CATEGORIES = ("regulation", "data", "service", "care", "sales")
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

IDS = (
    "order_id",
    "item_id",
    "session_id",
    "case_id",
    "external_id",
    "decision_id",
    "action_id",
    "treatment_id",
    "hold_id",
)
_WHO = ("customer_id", "anonymous_id")
LISTED_IDS = ("item_ids", "refused")
JSON_FIELDS = ("facts", "rule")
FLOATS = tuple(f.name for f in PAYLOAD_FIELDS if pa.types.is_floating(f.type))
TIMES = tuple(f.name for f in PAYLOAD_FIELDS if f.type == TIME)
NOT_NEGATIVE = ("result_count", "dwell_seconds", "wait_seconds")
SCORED = ("rating", "nps", "csat", "ces")
SNAKE, ISO_CURRENCY = "[a-z][a-z0-9_]{0,63}", "[A-Z]{3}"
_BAD_ID = r"^$|^[\s\p{Z}]|[\s\p{Z}]$|[\p{Cc}\p{Cf}]"


@dataclass(frozen=True)
class Check:
    """One finding: which rows are `bad` (null counts as good), why, in words with {columns} of the row.

    For a check of lines, `bad` is over all lines laid end to end, and the words have the {columns} of a line.
    """

    reason: Reason
    bad: pa.Array
    words: str
    of_lines: bool = False


def envelope_checks(events: pa.Table, now: datetime) -> Iterator[Check]:
    """Checks of every event, whatever its type. `events` has one chunk and the types of `EVENT_SCHEMA`."""
    for name in (f.name for f in EVENT_SCHEMA if not f.nullable):
        yield Check(Reason.MISSING_FIELD, pc.is_null(events[name]), f"{name} is missing")
    yield from _ids(events, tuple(n for n in ("event_id", *_WHO) if not _is_empty(events[n])))
    for name in _WHO:
        reserved = pc.starts_with(events[name], RESERVED_PREFIX)
        yield Check(Reason.BAD_ID, reserved, f"{name} {{{name}!r}} may not begin with '{RESERVED_PREFIX}'")
    yield Check(Reason.UNKNOWN_TYPE, _not_in(events["type"], tuple(EVENT_TYPES)), "type {type!r} is not known")
    version = pc.not_equal(events["schema_version"], CURRENT_VERSION)
    yield Check(Reason.UNKNOWN_VERSION, version, f"schema_version {{schema_version}} is not {CURRENT_VERSION}")
    yield _choice(events, "channel", CHANNELS)
    snake = pc.match_substring_regex(events["touchpoint"], f"^{SNAKE}$")
    yield Check(Reason.BAD_VALUE, pc.invert(snake), "touchpoint {touchpoint!r} is not lower_snake")
    yield from _instants(events, now)
    needs_who = _in(events["type"], tuple(t.name for t in EVENT_TYPES.values() if t.who))
    nobody = pc.and_(pc.is_null(events["customer_id"]), pc.is_null(events["anonymous_id"]))
    yield Check(Reason.MISSING_WHO, pc.and_(needs_who, nobody), "neither customer_id nor anonymous_id is given")


def payload_checks(kind: EventType, events: pa.Table) -> Iterator[Check]:
    """Checks of the payload of events that are all of one type."""
    for field in PAYLOAD_FIELDS:
        column = events[field.name]
        if field.name not in kind.fields and not _is_empty(column):
            words = f"{field.name} is no field of a {kind.name} event"
            yield Check(Reason.UNKNOWN_FIELD, pc.is_valid(column), words)
    for name in kind.required:
        yield Check(Reason.MISSING_FIELD, pc.is_null(events[name]), f"{name} is missing in a {kind.name} event")
    told = {name for name in kind.fields if not _is_empty(events[name])}
    for name, choices in kind.choices.items():
        if name in told:
            yield _choice(events, name, choices)
    yield from _ids(events, tuple(n for n in IDS if n in told))
    for name in (n for n in FLOATS if n in told):
        infinite = pc.invert(pc.is_finite(events[name]))
        yield Check(Reason.NOT_FINITE, infinite, f"{name} {{{name}}} is no finite number")
    for name in (n for n in NOT_NEGATIVE if n in told):
        yield Check(Reason.NEGATIVE_VALUE, pc.less(events[name], 0), f"{name} {{{name}}} is below 0")
    for name in (n for n in TIMES if n in told):
        yield _out_of_range(events, name)
    for name in (n for n in LISTED_IDS if n in told):
        bad = _holding(events[name], lambda values: pc.fill_null(_bad_id(values), True))
        yield Check(Reason.BAD_ID, bad, f"{name} {{{name}}} has an empty or unusable entry")
    for name in (n for n in JSON_FIELDS if n in told):
        yield Check(Reason.BAD_VALUE, _no_json_object(events[name]), f"{name} {{{name}!r}} is no JSON object")
    more = _MORE_CHECKS.get(kind.name)
    if more is not None:
        yield from more(events)


def _instants(events: pa.Table, now: datetime) -> Iterator[Check]:
    occurred, received = events["occurred_at"], events["received_at"]
    latest = pa.scalar(now + TOLERANCE, TIME)
    words = f"is more than 5 minutes after {now.isoformat()}"
    yield _out_of_range(events, "occurred_at")
    yield Check(Reason.OCCURRED_IN_FUTURE, pc.greater(occurred, latest), f"occurred_at {{occurred_at}} {words}")
    yield Check(Reason.RECEIVED_IN_FUTURE, pc.greater(received, latest), f"received_at {{received_at}} {words}")
    before = pc.less(received, pc.subtract(occurred, pa.scalar(TOLERANCE, pa.duration("us"))))
    words = "received_at {received_at} is before occurred_at {occurred_at}"
    yield Check(Reason.RECEIVED_BEFORE_OCCURRED, before, words)


def _purchase(events: pa.Table) -> Iterator[Check]:
    iso = pc.match_substring_regex(events["currency"], f"^{ISO_CURRENCY}$")
    words = "currency {currency!r} is not three capital letters (ISO 4217)"
    yield Check(Reason.BAD_CURRENCY, pc.invert(iso), words)
    yield from _line_checks(events, "unit_price")
    lines = pc.list_flatten(events["lines"])
    price, quantity, discount = (pc.struct_field(lines, n) for n in ("unit_price", "quantity", "discount"))
    bounded = pc.and_(_between(price, 0, LARGEST_PRICE), _between(quantity, 1, LARGEST_QUANTITY))
    full = pc.multiply(pc.if_else(bounded, price, 0), pc.if_else(bounded, quantity, 0))
    words = "discount {discount} of item {item_id!r} is not between 0 and {quantity} x {unit_price}"
    bad = pc.or_(pc.less(discount, 0), pc.greater(discount, full))
    yield Check(Reason.BAD_DISCOUNT, bad, words, of_lines=True)


def _return(events: pa.Table) -> Iterator[Check]:
    yield from _line_checks(events, "amount")


def _line_checks(events: pa.Table, money: str) -> Iterator[Check]:
    yield Check(Reason.EMPTY_LINES, pc.equal(pc.list_value_length(events["lines"]), 0), "lines is empty")
    lines = pc.list_flatten(events["lines"])
    item, quantity, price = (pc.struct_field(lines, n) for n in ("item_id", "quantity", money))
    for name, column in (("item_id", item), ("quantity", quantity), (money, price)):
        yield Check(Reason.MISSING_FIELD, pc.is_null(column), f"{name} of a line is missing", of_lines=True)
    yield Check(Reason.BAD_ID, _bad_id(item), "item_id {item_id!r} of a line is no usable id", of_lines=True)
    words = f"quantity {{quantity}} of item {{item_id!r}} is not between 1 and {LARGEST_QUANTITY}"
    outside = pc.invert(_between(quantity, 1, LARGEST_QUANTITY))
    yield Check(Reason.BAD_QUANTITY, outside, words, of_lines=True)
    words = f"{money} {{{money}}} of item {{item_id!r}} is below 0"
    yield Check(Reason.NEGATIVE_PRICE, pc.less(price, 0), words, of_lines=True)
    words = f"{money} {{{money}}} of item {{item_id!r}} is above {LARGEST_PRICE} minor units"
    yield Check(Reason.BAD_VALUE, pc.greater(price, LARGEST_PRICE), words, of_lines=True)


def _feedback(events: pa.Table) -> Iterator[Check]:
    score, kind = events["score"], events["kind"]
    scored = _in(kind, SCORED)
    yield Check(Reason.MISSING_FIELD, pc.and_(scored, pc.is_null(score)), "score is missing in a {kind}")
    low, high = events["scale_min"], events["scale_max"]
    for name, scale in DEFAULT_SCALES.items():
        default = pc.and_(pc.equal(kind, name), pc.is_null(pc.add(low, high)))
        outside = pc.or_(
            pc.less(score, pc.fill_null(low, float(scale.low))),
            pc.greater(score, pc.fill_null(high, float(scale.high))),
        )
        words = f"score {{score}} is outside {scale.low:g} to {scale.high:g}, the scale of a {name} that states none"
        yield Check(Reason.SCORE_OUTSIDE_SCALE, pc.and_(default, outside), words)
    words = "scale_min {scale_min} is not below scale_max {scale_max}"
    yield Check(Reason.BAD_SCALE, pc.greater_equal(low, high), words)
    outside = pc.or_(pc.less(score, low), pc.greater(score, high))
    yield Check(Reason.SCORE_OUTSIDE_SCALE, outside, "score {score} is outside its scale, {scale_min} to {scale_max}")


def _identity(events: pa.Table) -> Iterator[Check]:
    yield Check(Reason.MISSING_WHO, pc.is_null(events["customer_id"]), "customer_id is missing in an identity event")
    neither = pc.and_(pc.is_null(events["anonymous_id"]), pc.is_null(events["external_id"]))
    yield Check(Reason.MISSING_FIELD, neither, "anonymous_id or external_id is needed in an identity event")


def _hold(events: pa.Table) -> Iterator[Check]:
    adds = pc.equal(events["action"], "add")
    yield Check(Reason.MISSING_FIELD, pc.is_null(events["person"]), "person is missing: who decided this hold?")
    unreviewed = pc.and_(adds, pc.is_null(events["review_at"]))
    yield Check(Reason.MISSING_FIELD, unreviewed, "review_at is missing: no hold may last for ever unseen")
    for name, choices in (("categories", CATEGORIES), ("channels", CHANNELS)):
        words = f"{name} {{{name}}} has one that is not of {', '.join(choices)}"
        bad = _holding(events[name], partial(_not_among, choices=choices))
        yield Check(Reason.BAD_CHOICE, bad, words)


def _incident(events: pa.Table) -> Iterator[Check]:
    yield Check(Reason.MISSING_FIELD, pc.is_null(events["person"]), "person is missing: who decided on this incident?")
    unruled = pc.and_(pc.equal(events["action"], "declare"), pc.is_null(events["rule"]))
    yield Check(Reason.MISSING_FIELD, unruled, "rule is missing: whom does this incident affect?")
    problems = [None if text is None else _problem_of_rule(text) for text in events["rule"].to_pylist()]
    for problem in dict.fromkeys(p for p in problems if p is not None):
        words = problem.replace("{", "{{").replace("}", "}}")
        bad = pa.array([found == problem for found in problems], pa.bool_())
        yield Check(Reason.BAD_VALUE, bad, f"rule {{rule!r}}: {words}")


def _problem_of_rule(text: str) -> str | None:
    try:
        read_rule(text)
    except ValueError as error:
        return str(error)
    return None


def _profile(events: pa.Table) -> Iterator[Check]:
    nothing = pc.and_(pc.is_null(events["facts"]), pc.is_null(events["refused"]))
    yield Check(Reason.MISSING_FIELD, nothing, "facts or refused is needed in a profile event")


_MORE_CHECKS = {
    "purchase": _purchase,
    "return": _return,
    "feedback": _feedback,
    "identity": _identity,
    "hold": _hold,
    "incident": _incident,
    "profile": _profile,
}


def _ids(events: pa.Table, names: tuple[str, ...]) -> Iterator[Check]:
    for name in names:
        words = (
            f"{name} {{{name}!r}} is empty, longer than {LONGEST_ID} characters, begins or ends with a space, or has "
            "invisible characters"
        )
        yield Check(Reason.BAD_ID, _bad_id(events[name]), words)


def _bad_id(column: pa.Array) -> pa.Array:
    return pc.or_(pc.match_substring_regex(column, _BAD_ID), pc.greater(pc.utf8_length(column), LONGEST_ID))


def is_plain_id(value: str) -> bool:
    """Whether the door would take it as an id, its length aside: what it refuses is nobody's.

    >>> is_plain_id("c-17"), is_plain_id("c-17 "), is_plain_id("c\\u200b17"), is_plain_id("")
    (True, False, False, False)
    """
    if value.isascii() and value.isprintable():
        return value != "" and value == value.strip()
    ends = (unicodedata.category(value[0]), unicodedata.category(value[-1])) if value else ("Z",)
    return not any(end.startswith("Z") for end in ends) and all(
        unicodedata.category(one) not in ("Cc", "Cf", "Cs") for one in value
    )


def _choice(events: pa.Table, name: str, choices: tuple[str, ...]) -> Check:
    words = f"{name} {{{name}!r}} is not one of {', '.join(choices)}"
    return Check(Reason.BAD_CHOICE, _not_in(events[name], choices), words)


def _out_of_range(events: pa.Table, name: str) -> Check:
    inside = _between(events[name], pa.scalar(EARLIEST, TIME), pa.scalar(LATEST, TIME))
    return Check(Reason.BAD_TIME, pc.invert(inside), f"{name} {{{name}}} is not between 1970 and 2200")


def _holding(lists: pa.Array, bad: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Per list: does it hold a bad value?"""
    rows = pc.filter(pc.list_parent_indices(lists), bad(pc.list_flatten(lists)))
    return pc.is_in(pa.array(range(len(lists)), pa.int64()), value_set=pc.cast(rows, pa.int64()))


def _no_json_object(column: pa.Array) -> pa.Array:
    return pa.array([text is not None and json_object(text) is None for text in column.to_pylist()], pa.bool_())


def json_object(text: str) -> str | None:
    """A JSON object's text with sorted keys, so that equal objects are equal texts; None if it is no JSON object."""
    try:
        return msgspec.json.encode(msgspec.json.decode(text, type=dict[str, Any]), order="sorted").decode()
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _is_empty(column: pa.Array) -> bool:
    """Whether nobody fills it: null counts as good."""
    return bool(column.null_count == len(column))


def _in(column: pa.Array, values: tuple[str, ...]) -> pa.Array:
    return pc.is_in(column, value_set=_value_set(values))


@cache
def _value_set(values: tuple[str, ...]) -> pa.Array:
    return pa.array(values, pa.string())


def _not_in(column: pa.Array, values: tuple[str, ...]) -> pa.Array:
    """Filled and none of the values."""
    return pc.and_(pc.is_valid(column), pc.invert(_in(column, values)))


def _not_among(column: pa.Array, choices: tuple[str, ...]) -> pa.Array:
    """None of the values, or empty."""
    return pc.invert(_in(column, choices))


def _between(column: pa.Array, low: object, high: object) -> pa.Array:
    return pc.and_(pc.greater_equal(column, low), pc.less_equal(column, high))
