"""The events of the API as JSON schema, made from the canonical types, so that the two cannot drift apart."""

from typing import Any

import pyarrow as pa

from features.columns import EVENT_SCHEMA, LINE
from features.events import CHANNELS, EVENT_TYPES, EventType, payload_name

FIELDS: dict[str, tuple[str, Any]] = {
    "order_id": ("The shop's id of the order.", "o-5531"),
    "currency": ("ISO 4217 code.", "EUR"),
    "lines": ("The order's or the return's lines.", None),
    "action": ("What was done.", None),
    "item_id": ("The catalogue's id of the item.", "bike-54"),
    "category": ("Category path, `/` between levels.", "bikes/city"),
    "query": ("What was searched for.", "winter tyres"),
    "result_count": ("Results found; a count.", 0),
    "session_id": ("Id of the visit.", "s-19"),
    "dwell_seconds": ("Time on the page; seconds.", 12.5),
    "kind": ("The kind.", None),
    "score": ("The score on its own scale; needed but for complaint, comment and review.", 1),
    "scale_min": ("The scale's lowest value.", 1),
    "scale_max": ("The scale's highest value.", 5),
    "higher_is_better": ("False where a high score is bad.", True),
    "text": ("What the customer wrote.", "Waited three weeks."),
    "language": ("ISO 639 code of the text.", "fi"),
    "case_id": ("The id of the case.", "rma-7"),
    "status": ("The new status.", None),
    "promised_by": ("When the case was promised to be done; UTC.", "2026-03-10T00:00:00Z"),
    "item_ids": ("Items that the case is about.", ["shoe-42"]),
    "reason": ("Why, in words.", "wrong size"),
    "promised_at": ("When the delivery was promised; UTC.", "2026-03-05T00:00:00Z"),
    "carrier": ("Who delivers.", "posti"),
    "wait_seconds": ("Time waited; seconds.", 3600),
    "purpose": ("What the consent is for.", "marketing"),
    "channel": ("The channel the consent is for; all of them if absent.", "email"),
    "basis": ("The legal basis.", "opt-in form"),
    "external_id": ("A loyalty card's or hashed address's id to link; else the event's anonymous_id.", "card-88"),
    "decision_id": ("The decision behind the contact.", "d-01J8ZK"),
    "action_id": ("The action of the catalogue.", "next_offer"),
    "treatment_id": ("Its form in the channel.", "next_offer_email"),
    "hold_id": ("The hold's id.", "staff-3"),
    "incident_id": ("The incident's id.", "posti-strike"),
    "categories": ("Action categories that the hold covers.", ["sales"]),
    "channels": ("Channels that the hold covers; all if absent.", ["email"]),
    "review_at": ("When staff look at the hold or incident again; UTC; needed to add a hold.", "2026-03-20T09:00:00Z"),
    "person": ("Who did it; needed in a hold and an incident.", "maija"),
    "rule": (
        "Who is affected, as a JSON object in text: carrier, channel, touchpoint, orders_between, since.",
        '{"carrier": "posti"}',
    ),
    "model": ("The model's name.", "dissatisfaction"),
    "version": ("The model's version.", "3"),
    "value": ("The model's score.", 0.71),
    "holds_from": ("From this value on a score of this model holds; the policy's `predicted_at` at the latest.", 0.4),
    "facts": ("What the customer told, as a JSON object in text.", '{"language": "fi"}'),
    "refused": ("Facts that she would not tell.", ["birth_year"]),
}
"""Every payload field as the API names it: what it is, with its unit, and an example."""

LINE_FIELDS: dict[str, tuple[str, Any]] = {
    "item_id": ("The catalogue's id of the item.", "bike-54"),
    "quantity": ("Pieces; a count above 0.", 1),
    "unit_price": ("Price of one piece before the discount; minor units (cents).", 59900),
    "discount": ("Taken off the whole line; minor units (cents).", 5000),
    "amount": ("Given back; minor units (cents).", 54900),
    "offer_id": ("The offer used.", "spring-10"),
}

_ENVELOPE: dict[str, dict[str, Any]] = {
    "event_id": {
        "type": "string",
        "description": "Unique. Sent again with the same content it is one event.",
        "examples": ["e-90017"],
    },
    "type": {"type": "string"},
    "customer_id": {"type": "string", "description": "Who, by the shop's own id.", "examples": ["c-1042"]},
    "anonymous_id": {"type": "string", "description": "Who, by a visitor's id (a cookie's).", "examples": ["v-77f3"]},
    "occurred_at": {
        "type": "string",
        "format": "date-time",
        "description": "When it happened, with its offset; at most five minutes ahead of the server's clock.",
        "examples": ["2026-03-02T11:59:58Z"],
    },
    "received_at": {
        "type": "string",
        "format": "date-time",
        "description": "When it was learned of; the server's clock if absent.",
        "examples": ["2026-03-02T12:00:00Z"],
    },
    "channel": {"type": "string", "enum": list(CHANNELS), "description": "Where it happened.", "examples": ["web"]},
    "touchpoint": {"type": "string", "description": "Where on the journey; lower_snake.", "examples": ["checkout"]},
    "source": {"type": "string", "description": "Who tells; `api` if absent.", "examples": ["shop-backend"]},
    "schema_version": {"type": "integer", "description": "Version of this format; 1.", "examples": [1]},
}


def event_schemas() -> dict[str, dict[str, Any]]:
    """Component schemas by name: `Event`, one of `Event_<type>` for each type."""
    by_type = {f"Event_{one.name}": _schema(one) for one in EVENT_TYPES.values()}
    references = [{"$ref": f"#/components/schemas/{name}"} for name in by_type]
    mapping = {one: f"#/components/schemas/Event_{one}" for one in EVENT_TYPES}
    event = {"oneOf": references, "discriminator": {"propertyName": "type", "mapping": mapping}}
    posted = {
        "title": "EventsRequest",
        "description": "One event, or a list of them.",
        "oneOf": [
            {"$ref": "#/components/schemas/Event"},
            {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        ],
    }
    return {"EventsRequest": posted, "Event": event, **by_type}


def payload_fields(event_type: EventType) -> dict[str, str]:
    """Names of the payload fields in the API -> their columns."""
    return {payload_name(event_type.name, column): column for column in event_type.fields}


def _schema(one: EventType) -> dict[str, Any]:
    fields = payload_fields(one)
    required = [name for name, column in fields.items() if column in one.required]
    payload = {
        "type": "object",
        "description": f"What a `{one.name}` event tells.",
        "properties": {name: _field(one, name, column) for name, column in fields.items()},
        "required": required,
        "examples": [_example(one, fields)],
    }
    envelope = _ENVELOPE | {
        "type": {"const": one.name, "description": "The type.", "examples": [one.name]},
        "payload": payload,
    }
    needed = ["event_id", "type", "occurred_at", *(["payload"] if required else [])]
    schema: dict[str, Any] = {
        "type": "object",
        "title": f"Event_{one.name}",
        "properties": envelope,
        "required": needed,
    }
    if one.who:
        schema["anyOf"] = [{"required": ["customer_id"]}, {"required": ["anonymous_id"]}]
    return schema


def _field(one: EventType, name: str, column: str) -> dict[str, Any]:
    description, example = FIELDS[name]
    choices = one.choices.get(column)
    schema = _of_arrow(EVENT_SCHEMA.field(column).type) | {"description": description}
    if choices:
        schema["enum"] = list(choices)
    if name == "lines":
        example = [_line_example(one.name)]
    schema["examples"] = [choices[0] if choices and example is None else example]
    return schema


def _example(one: EventType, fields: dict[str, str]) -> dict[str, Any]:
    return {name: _field(one, name, column)["examples"][0] for name, column in fields.items()}


def _line_example(event_type: str) -> dict[str, Any]:
    names = (
        ("item_id", "quantity", "amount")
        if event_type == "return"
        else ("item_id", "quantity", "unit_price", "discount")
    )
    return {name: LINE_FIELDS[name][1] for name in names}


def _of_arrow(kind: pa.DataType) -> dict[str, Any]:
    if kind == EVENT_SCHEMA.field("lines").type:
        properties = {
            part.name: _of_arrow(part.type)
            | {"description": LINE_FIELDS[part.name][0], "examples": [LINE_FIELDS[part.name][1]]}
            for part in LINE
        }
        line = {"type": "object", "properties": properties, "required": ["item_id", "quantity"]}
        return {"type": "array", "items": line}
    if pa.types.is_list(kind):
        return {"type": "array", "items": _of_arrow(kind.value_type)}
    if pa.types.is_timestamp(kind):
        return {"type": "string", "format": "date-time"}
    if pa.types.is_boolean(kind):
        return {"type": "boolean"}
    if pa.types.is_integer(kind):
        return {"type": "integer"}
    return {"type": "number"} if pa.types.is_floating(kind) else {"type": "string"}
