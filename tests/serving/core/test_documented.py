"""docs/decisions-api.md cannot drift: every gate, reason, state status and feature is in it."""

import re
from pathlib import Path

from features.customer.journey import STAGES
from serving.core.gates import NAMES
from serving.core.live import LIVE_FEATURES
from serving.core.verdict import FORGIVEN
from serving.core.words import CODES, HOLDS, UNKNOWN

PAGE = (Path(__file__).parents[3] / "docs" / "decisions-api.md").read_text()
TABLED = re.findall(r"^\|(?: \d+ \|)? `([a-z0-9_]+)(?::<source>)?` \|", PAGE, flags=re.MULTILINE)


def test_every_code_has_a_row_and_no_row_is_stale():
    assert set(TABLED) == set(CODES) | set(UNKNOWN) | set(LIVE_FEATURES)


def test_gates_stand_in_the_order_of_their_bits():
    rows = re.findall(r"^\| (\d+) \| `([a-z_]+)` \|", PAGE, flags=re.MULTILINE)
    assert [name for _, name in rows] == list(NAMES)
    assert [int(bit) for bit, _ in rows] == list(range(len(NAMES)))


def test_the_order_of_grave_reasons_is_the_codes():
    listed = re.search(r"kept back what would have won \(([^)]*)\)", PAGE).group(1)
    assert re.findall(r"`([a-z_]+)`", listed) == list(FORGIVEN)


def test_every_kind_of_hold_has_words():
    from features.customer.holds import HOLD_KINDS

    assert set(HOLD_KINDS) <= set(HOLDS)


def test_every_stage_of_the_journey_has_its_row():
    stages = PAGE.split("## The stage of her journey")[1]
    assert set(re.findall(r"^\| ([a-z_]+) \|", stages, flags=re.MULTILINE)) - {"stage"} == set(STAGES)
