"""The canonical events: their types, which payload fields each has, and which values those may take.

A batch of events is a `pyarrow.Table` of `columns.EVENT_SCHEMA`, one row an event; one event on its way in or out of
the API is a JSON object of the envelope fields and a `payload` object (`to_row` flattens it). All times are UTC.
"""

from dataclasses import dataclass, field
from typing import Any

from features.columns import ENVELOPE_FIELDS

CHANNELS = ("web", "app", "email", "store", "phone", "social", "partner")
ENVELOPE_NAMES = tuple(f.name for f in ENVELOPE_FIELDS)


@dataclass(frozen=True)
class EventType:
    """One type of event.

    `required` and `optional` are payload columns; `choices` lists the values a text column may take;
    `who` is False for shop-level types that need no customer.
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    who: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        """All payload columns of the type."""
        return self.required + self.optional


_TYPES = (
    EventType("purchase", ("order_id", "currency", "lines")),
    EventType(
        "browse",
        ("action", "session_id"),
        ("item_id", "category", "query", "result_count", "dwell_seconds"),
        {"action": ("view", "search", "cart_add", "cart_remove", "wishlist", "checkout_start")},
    ),
    EventType(
        "feedback",
        ("kind",),
        (
            "score",
            "scale_min",
            "scale_max",
            "higher_is_better",
            "text",
            "language",
            "order_id",
            "item_id",
            "case_id",
        ),
        {"kind": ("rating", "review", "nps", "csat", "ces", "complaint", "comment")},
    ),
    EventType(
        "case",
        ("case_id", "kind", "status"),
        ("promised_by", "order_id", "item_ids", "reason"),
        {
            "kind": ("return", "exchange", "complaint", "warranty", "delivery_claim", "question"),
            "status": (
                "opened",
                "customer_asked",
                "waiting_customer",
                "waiting_shop",
                "resolved",
                "closed",
                "reopened",
                "cancelled",
            ),
        },
    ),
    EventType("return", ("order_id", "lines"), ("case_id",)),
    EventType(
        "delivery",
        ("order_id", "status"),
        ("promised_at", "carrier"),
        {"status": ("promised", "shipped", "delayed", "delivered", "failed", "cancelled")},
    ),
    EventType(
        "friction",
        ("kind",),
        ("wait_seconds", "item_id"),
        {"kind": ("failed_checkout", "pickup_unavailable", "out_of_stock", "payment_error", "long_wait")},
    ),
    EventType(
        "consent",
        ("purpose", "status"),
        ("consent_channel", "basis"),
        {
            "purpose": ("marketing", "profiling", "feedback"),
            "status": ("granted", "withdrawn", "objected"),
            "consent_channel": CHANNELS,
        },
    ),
    EventType("identity", ("action",), ("external_id",), {"action": ("link", "unlink")}),
    EventType(
        "contact",
        ("action_id", "status"),
        ("decision_id", "treatment_id"),
        {
            "status": (
                "reserved",
                "sent",
                "impression",
                "click",
                "accept",
                "dismiss",
                "unsubscribe",
                "bounce",
                "released",
            )
        },
    ),
    EventType(
        "hold",
        ("action", "hold_id"),
        ("categories", "channels", "review_at", "person", "reason"),
        {"action": ("add", "release")},
    ),
    EventType(
        "incident",
        ("action", "hold_id"),
        ("rule", "person", "reason", "review_at"),
        {"action": ("declare", "close")},
        who=False,
    ),
    EventType("score", ("model", "version", "value"), ("reason", "scale_min")),
    EventType("profile", (), ("facts", "refused")),
    EventType("erasure", ()),
)

EVENT_TYPES: dict[str, EventType] = {t.name: t for t in _TYPES}

_PAYLOAD_TO_COLUMN = {
    ("consent", "channel"): "consent_channel",
    ("incident", "incident_id"): "hold_id",
    ("score", "holds_from"): "scale_min",
}
_COLUMN_TO_PAYLOAD = {(kind, column): name for (kind, name), column in _PAYLOAD_TO_COLUMN.items()}


def column_of(event_type: str, payload_field: str) -> str:
    """The column that holds a payload field: the same name, but for the three above."""
    return _PAYLOAD_TO_COLUMN.get((event_type, payload_field), payload_field)


def payload_name(event_type: str, column: str) -> str:
    """The payload field that a column holds: the inverse of `column_of`."""
    return _COLUMN_TO_PAYLOAD.get((event_type, column), column)


def payload_of(row: dict[str, Any]) -> dict[str, Any]:
    """The non-empty payload of a flat row, keyed by column name."""
    return {k: v for k in EVENT_TYPES[row["type"]].fields if (v := row.get(k)) is not None}
