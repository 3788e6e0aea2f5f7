"""Every column is spelled once, here."""

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

# Envelope
EVENT_ID = "event_id"
TYPE = "type"
CUSTOMER_ID = "customer_id"
ANONYMOUS_ID = "anonymous_id"
OCCURRED_AT = "occurred_at"
RECEIVED_AT = "received_at"
CHANNEL = "channel"
TOUCHPOINT = "touchpoint"
SOURCE = "source"
SCHEMA_VERSION = "schema_version"

# Feature rows
EVENT_TIMESTAMP = "event_timestamp"
CREATED_TIMESTAMP = "created_timestamp"
ITEM_ID = "item_id"
RANK = "rank"
SCORE = "score"
CHURN_PROBABILITY = "churn_probability"

LINE = pa.struct(
    [
        ("item_id", pa.string()),
        ("quantity", pa.int64()),
        ("unit_price", pa.int64()),  # purchase lines: minor units, before the discount
        (
            "discount",
            pa.int64(),
        ),  # purchase lines: minor units off the whole line; paid = quantity * unit_price - discount
        ("amount", pa.int64()),  # return lines: minor units given back
        ("offer_id", pa.string()),
    ]
)

ENVELOPE_FIELDS = [
    pa.field(EVENT_ID, pa.string(), nullable=False),
    pa.field(TYPE, pa.string(), nullable=False),
    pa.field(CUSTOMER_ID, pa.string()),
    pa.field(ANONYMOUS_ID, pa.string()),
    pa.field(OCCURRED_AT, TIME, nullable=False),
    pa.field(RECEIVED_AT, TIME, nullable=False),
    pa.field(CHANNEL, pa.string()),
    pa.field(TOUCHPOINT, pa.string()),
    pa.field(SOURCE, pa.string(), nullable=False),
    pa.field(SCHEMA_VERSION, pa.int16(), nullable=False),
]

# Payload fields of all types side by side; a type fills its own (events.py says which).
# Fields of the same name mean the same.
PAYLOAD_FIELDS = [
    pa.field("order_id", pa.string()),
    pa.field("currency", pa.string()),
    pa.field("lines", pa.list_(LINE)),
    pa.field("action", pa.string()),
    pa.field("item_id", pa.string()),
    pa.field("category", pa.string()),
    pa.field("query", pa.string()),
    pa.field("result_count", pa.int64()),
    pa.field("session_id", pa.string()),
    pa.field("dwell_seconds", pa.float64()),
    pa.field("kind", pa.string()),
    pa.field("score", pa.float64()),
    pa.field("scale_min", pa.float64()),
    pa.field("scale_max", pa.float64()),
    pa.field("higher_is_better", pa.bool_()),
    pa.field("text", pa.string()),
    pa.field("language", pa.string()),
    pa.field("case_id", pa.string()),
    pa.field("status", pa.string()),
    pa.field("promised_by", TIME),
    pa.field("item_ids", pa.list_(pa.string())),
    pa.field("reason", pa.string()),
    pa.field("promised_at", TIME),
    pa.field("carrier", pa.string()),
    pa.field("wait_seconds", pa.float64()),
    pa.field("purpose", pa.string()),
    pa.field("consent_channel", pa.string()),  # a consent's own channel, `channel` in its payload
    pa.field("basis", pa.string()),
    pa.field("external_id", pa.string()),
    pa.field("decision_id", pa.string()),
    pa.field("action_id", pa.string()),
    pa.field("treatment_id", pa.string()),
    pa.field("hold_id", pa.string()),
    pa.field("categories", pa.list_(pa.string())),
    pa.field("channels", pa.list_(pa.string())),
    pa.field("review_at", TIME),
    pa.field("person", pa.string()),
    pa.field("rule", pa.string()),  # JSON object
    pa.field("model", pa.string()),
    pa.field("version", pa.string()),
    pa.field("value", pa.float64()),
    pa.field("facts", pa.string()),  # JSON object
    pa.field("refused", pa.list_(pa.string())),
]

EVENT_SCHEMA = pa.schema([*ENVELOPE_FIELDS, *PAYLOAD_FIELDS])
