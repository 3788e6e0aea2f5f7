"""Words that others wrote, however long or odd, fill neither the records nor stop an import."""

import json
import random
import string

import pytest
from regular_customer import NOON, sells

from features.log.event_log import EventLog
from pipelines.sources.canonical import Canonical
from serving.record_body import pack

NOVEL = "".join(random.Random(7).choices(string.ascii_letters, k=300_000))


@pytest.mark.parametrize(("kind", "payload"), [
    ("score", {"model": "dissatisfaction", "version": "1", "value": 0.9, "reason": NOVEL}),
    ("hold", {"action": "add", "hold_id": "h", "person": NOVEL, "reason": NOVEL, "review_at": "2026-10-01T00:00:00Z"}),
    ("profile", {"facts": {"language": NOVEL, "time_zone": NOVEL}}),
])  # fmt: skip
def test_a_novel_for_a_reason_is_not_copied_into_every_record(shop, kind, payload):
    before = len(pack(shop.ask("email", "email")))
    shop.happens(kind, **payload)
    answer = shop.ask("email", "email")
    assert len(pack(answer)) < before + 1_000
    assert sells(answer) == (kind == "profile")


@pytest.mark.parametrize(("named", "language"), [("fi", "fi"), (" FI-fi", "fi"), ("Finnish", "en"), ("", "en")])
def test_a_language_as_people_write_it(shop, named, language):
    shop.happens("profile", facts={"language": named})
    assert shop.ask().actions[0].language == language


def test_one_line_nested_without_end_is_rejected_and_the_others_are_taken(shop, tmp_path):
    case = {"event_id": "c", "type": "case", "customer_id": "bo", "occurred_at": NOON.isoformat(),
            "payload": {"case_id": "c", "kind": "exchange", "status": "opened"}}  # fmt: skip
    deep = '{"event_id": "d", "type": "case", "customer_id": "aino", "payload": ' + "[" * 5_000 + "]" * 5_000 + "}"
    file = tmp_path / "events.jsonl"
    file.write_text(f"{deep}\n{json.dumps(case)}\n")
    with EventLog(shop.home) as log:
        report = log.append_history(list(Canonical().batches(file)), source="canonical", now=NOON)
    assert (report.accepted, report.rejected) == (1, {"unparseable": 1})
    assert shop.ask().state_status == "unknown:rejected_event"
