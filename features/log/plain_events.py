"""The common good event, judged by itself: for the few that come live, columns cost several times as much.

Here is told what is certainly acceptable, in the form in which it is kept. All else, and all types that come seldom, is
left to `validation.validate`, which alone knows what is bad, and in which words.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf, isfinite
from typing import Any

from msgspec.structs import astuple

from features.columns import LINE
from features.customer.scales import DEFAULT_SCALES
from features.events import CHANNELS, EVENT_TYPES, EventType
from features.instants import to_us
from features.log.event_objects import typed
from features.log.packing import Packed, Row, envelope, pack_one
from features.log.rules import (
    CURRENT_VERSION,
    EARLIEST,
    FLOATS,
    IDS,
    ISO_CURRENCY,
    LARGEST_PRICE,
    LARGEST_QUANTITY,
    LATEST,
    LISTED_IDS,
    LONGEST_ID,
    NOT_NEGATIVE,
    RESERVED_PREFIX,
    SCORED,
    SNAKE,
    TIMES,
    TOLERANCE,
)

_SELDOM = ("hold", "incident", "profile")
_LINE_NAMES = tuple(field.name for field in LINE)
_is_snake = re.compile(SNAKE).fullmatch
_is_currency = re.compile(ISO_CURRENCY).fullmatch


def pack_plain(value: Any, *, source: str, now: datetime) -> tuple[Packed, Row] | None:
    """An object (as in the API) as `pack_with_rows` gives the event; None if it may not be acceptable."""
    try:
        event = typed(value)
        kind = event.type
        received_at = now if event.received_at is None else event.received_at
        if kind in _SELDOM or not _is_good(event, received_at, now):
            return None
        payload = _payload(kind, event.payload)
        if payload is None or not _MORE.get(kind, _nothing_more)(payload, event):
            return None
        teller = source if event.source is None else event.source
        teller.encode()
        customer, anonymous = event.customer_id, event.anonymous_id
        at, heard = to_us(event.occurred_at), to_us(received_at)
        packed = pack_one(
            customer, anonymous, event.event_id, kind, event.channel, event.touchpoint, teller, at, heard, payload
        )
    except Exception:  # whatever it is, it will be told by columns
        return None
    return packed, envelope(packed, customer, anonymous, CURRENT_VERSION) | payload


def _is_good(event: Any, received_at: datetime, now: datetime) -> bool:
    """Whether the envelope certainly is."""
    customer, anonymous = event.customer_id, event.anonymous_id
    occurred_at, latest = event.occurred_at, now + TOLERANCE
    return (
        _is_id(event.event_id)
        and (customer is not None or anonymous is not None)
        and (customer is None or (_is_id(customer) and not customer.startswith(RESERVED_PREFIX)))
        and (anonymous is None or (_is_id(anonymous) and not anonymous.startswith(RESERVED_PREFIX)))
        and event.schema_version == CURRENT_VERSION
        and (event.channel is None or event.channel in CHANNELS)
        and (event.touchpoint is None or _is_snake(event.touchpoint) is not None)
        and EARLIEST <= occurred_at <= latest
        and occurred_at <= LATEST
        and occurred_at - TOLERANCE <= received_at <= latest
    )


def _payload(kind: str, told: Any) -> Row | None:
    """Its filled fields in one form; None if one of them is not certainly good."""
    checks = _CHECKS[kind]
    payload: Row = {}
    for (name, check), value in zip(checks, astuple(told), strict=True):
        if value is None:
            continue
        if check is not None and not check(value):
            return None
        payload[name] = value.astimezone(UTC) if name in TIMES else value
    if "lines" in payload:
        payload["lines"] = [_line(line) for line in payload["lines"]]
    return payload


def _line(line: Any) -> Row:
    """Its filled fields, and the discount of a purchase's line that states none."""
    told = dict(zip(_LINE_NAMES, astuple(line), strict=True))
    if told["discount"] is None and told["unit_price"] is not None:
        told["discount"] = 0
    return {name: value for name, value in told.items() if value is not None}


def _is_id(value: str) -> bool:
    return value.isprintable() and 0 < len(value) <= LONGEST_ID and value[0] != " " != value[-1]


def _are_ids(values: list[str]) -> bool:
    return all(_is_id(value) for value in values)


def _in_range(value: datetime) -> bool:
    return EARLIEST <= value <= LATEST


def _not_negative(value: float) -> bool:
    return 0 <= value < inf


def _purchase(payload: Row, _: Any) -> bool:
    return bool(payload["lines"]) and all(
        _has_sums(line, "unit_price") and 0 <= line["discount"] <= line["unit_price"] * line["quantity"]
        for line in payload["lines"]
    )


def _return(payload: Row, _: Any) -> bool:
    return bool(payload["lines"]) and all(_has_sums(line, "amount") for line in payload["lines"])


def _has_sums(line: Row, money: str) -> bool:
    return (
        _is_id(line["item_id"])
        and 1 <= line["quantity"] <= LARGEST_QUANTITY
        and 0 <= line.get(money, -1) <= LARGEST_PRICE
    )


def _feedback(payload: Row, _: Any) -> bool:
    score, low, high = payload.get("score"), payload.get("scale_min"), payload.get("scale_max")
    if low is not None and high is not None and low >= high:
        return False
    if score is None:
        return payload["kind"] not in SCORED
    scale = DEFAULT_SCALES[payload["kind"]]
    return bool((scale.low if low is None else low) <= score <= (scale.high if high is None else high))


def _identity(payload: Row, event: Any) -> bool:
    return event.customer_id is not None and (event.anonymous_id is not None or "external_id" in payload)


def _nothing_more(_: Row, __: Any) -> bool:
    return True


_MORE: dict[str, Callable[[Row, Any], bool]] = {
    "purchase": _purchase,
    "return": _return,
    "feedback": _feedback,
    "identity": _identity,
}

_Check = Callable[[Any], object]


def _check_of(kind: EventType, name: str) -> _Check | None:
    """What its values have to be; None where every one will do."""
    if name in kind.choices:
        return frozenset(kind.choices[name]).__contains__
    groups: tuple[tuple[tuple[str, ...], _Check], ...] = (
        (IDS, _is_id),
        (LISTED_IDS, _are_ids),
        (NOT_NEGATIVE, _not_negative),
        (FLOATS, isfinite),
        (TIMES, _in_range),
        (("currency",), _is_currency),
    )
    return next((check for names, check in groups if name in names), None)


_CHECKS = {kind.name: [(name, _check_of(kind, name)) for name in kind.fields] for kind in EVENT_TYPES.values()}
