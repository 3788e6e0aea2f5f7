"""Why an event was not accepted: the reason codes, and one rejected event with its raw text."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa


class Reason(StrEnum):
    """Reason codes of the quarantine; docs/events.md says what each means and what to do."""

    UNPARSEABLE = "unparseable"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_VERSION = "unknown_version"
    MISSING_FIELD = "missing_field"
    MISSING_WHO = "missing_who"
    BAD_ID = "bad_id"
    BAD_VALUE = "bad_value"
    BAD_CHOICE = "bad_choice"
    BAD_TIME = "bad_time"
    OCCURRED_IN_FUTURE = "occurred_in_future"
    RECEIVED_IN_FUTURE = "received_in_future"
    RECEIVED_BEFORE_OCCURRED = "received_before_occurred"
    BAD_CURRENCY = "bad_currency"
    EMPTY_LINES = "empty_lines"
    BAD_QUANTITY = "bad_quantity"
    NEGATIVE_PRICE = "negative_price"
    BAD_DISCOUNT = "bad_discount"
    BAD_SCALE = "bad_scale"
    SCORE_OUTSIDE_SCALE = "score_outside_scale"
    NOT_FINITE = "not_finite"
    NEGATIVE_VALUE = "negative_value"
    NOT_A_PRODUCT = "not_a_product"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"


@dataclass(frozen=True)
class Reject:
    """One rejected event: its id if it has one, the reason code, a sentence with the value, and the raw text as JSON.

    `row` is its place in the batch it came in, counted from 0, where that is known.
    """

    event_id: str | None
    reason: Reason
    detail: str
    raw: str
    row: int = -1

    @property
    def told(self) -> tuple[str, str | None, str]:
        """Its detail, event id and raw text as the stores take them."""
        return storable(self.detail), self.event_id and storable(self.event_id), self.raw

    def key(self, source: str) -> str:
        """The quarantine id: the same source, reason and raw text give the same id."""
        text = "\x1f".join((source, self.reason, self.raw))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@dataclass(frozen=True)
class SourceBatch:
    """What a converter makes of some raw rows: events of `columns.EVENT_SCHEMA`, and the rows it could not convert."""

    events: pa.Table
    rejected: list[Reject] = field(default_factory=list)


def raw_text(value: Any) -> str:
    """Anything as one line of JSON, non-finite numbers and instants included, for keeping beside a reject."""
    try:
        return json.dumps(value, default=_plain, ensure_ascii=True, separators=(",", ":"))
    except RecursionError:  # its plain parts still say whom it is about
        plain = {k: v for k, v in value.items() if not isinstance(v, dict | list)} if isinstance(value, dict) else {}
        return json.dumps(plain | {"too_deep": True}, default=_plain, ensure_ascii=True, separators=(",", ":"))


def storable(text: str) -> str:
    """The text with halves of characters (lone surrogates), which no store takes, spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
