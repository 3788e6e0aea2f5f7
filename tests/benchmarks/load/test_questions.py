import json
from datetime import UTC, datetime
from itertools import islice

import pytest

from benchmarks.load.questions import DECISIONS, EVENTS, Cast, EventWriter, decisions, fault
from features.log.validation import rows_from_json, validate

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
CAST = Cast(["aino", "eero", "väinö"], ["hat", "coat"])


def test_the_same_seed_asks_the_same() -> None:
    first, again, other = (list(islice(decisions(CAST, seed), 50)) for seed in (1, 1, 2))
    assert first == again != other
    assert {json.loads(one)["customer_id"] for one in first} == {"aino", "eero", "väinö"}


def test_the_product_takes_every_event() -> None:
    told = json.loads(EventWriter(CAST, 3, "run").bodies(NOW, 200))
    table, rejects = rows_from_json(told, source="api", received_at=NOW)
    judged = validate(table, NOW)
    assert (rejects, judged.rejected, judged.accepted.num_rows) == ([], [], 200)
    assert len({one["event_id"] for one in told}) == 200
    assert {one["type"] for one in told} == {"browse", "purchase", "feedback"}


@pytest.mark.parametrize(
    ("path", "status", "body", "wrong"),
    [
        (DECISIONS, 200, {"decision_id": "d-1", "state_status": "ok"}, None),
        (DECISIONS, 200, {"decision_id": None, "state_status": "unknown:deadline"}, "unknown:deadline"),
        (DECISIONS, 200, {"decision_id": None, "state_status": "unknown:overloaded"}, "unknown:overloaded"),
        (DECISIONS, 200, {"decision_id": None, "state_status": "unknown:unrecorded"}, "unknown:unrecorded"),
        (DECISIONS, 503, {}, "status 503"),
        (DECISIONS, 0, {}, "connection lost"),
        (EVENTS, 200, {"accepted": 1, "results": [{}]}, None),
        (EVENTS, 200, {"accepted": 0, "results": [{}]}, "not accepted"),
        (EVENTS, 207, {"accepted": 1, "results": [{}, {}]}, "status 207"),
    ],
)
def test_a_safe_answer_is_an_error(path: str, status: int, body: dict[str, object], wrong: str | None) -> None:
    assert fault(path, status, json.dumps(body, separators=(",", ":")).encode()) == wrong
