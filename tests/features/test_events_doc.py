import re
from pathlib import Path

from features.columns import ENVELOPE_FIELDS, LINE
from features.events import CHANNELS, EVENT_TYPES, payload_name
from features.log.rejects import Reason
from features.log.rules import CATEGORIES

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text("utf-8")
ROWS = {m[1]: m[2] for m in re.finditer(r"^\| `(\w+)`[^|]*\|(.*)\|$", PAGE, re.M)}


def test_every_type_is_documented_with_its_fields_and_choices() -> None:
    for kind in EVENT_TYPES.values():
        row = ROWS[kind.name]
        assert [n for n in kind.required if f"**`{payload_name(kind.name, n)}`**" not in row] == [], kind.name
        assert [n for n in kind.optional if f"`{payload_name(kind.name, n)}`" not in row] == [], kind.name
        told = [c for name, choices in kind.choices.items() if name != "consent_channel" for c in choices]
        assert [choice for choice in told if choice not in row] == [], kind.name


def test_no_type_or_reason_is_documented_that_does_not_exist() -> None:
    known = {*EVENT_TYPES, *Reason, *(f.name for f in ENVELOPE_FIELDS)}
    assert set(ROWS) - known == set()


def test_every_reason_is_documented() -> None:
    assert [reason.value for reason in Reason if reason.value not in ROWS] == []


def test_the_envelope_lines_channels_and_categories_are_documented() -> None:
    assert [f.name for f in ENVELOPE_FIELDS if f"`{f.name}`" not in PAGE] == []
    assert [f.name for f in LINE if f"`{f.name}`" not in ROWS["purchase"] + ROWS["return"]] == []
    assert ", ".join(CHANNELS) in ROWS["channel"]
    assert ", ".join(CATEGORIES) in ROWS["hold"]
