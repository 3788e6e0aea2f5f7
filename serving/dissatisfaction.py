"""What she just wrote, judged before it is acknowledged: the score that follows from a piece of feedback with text.

The score is an event of its own, kept in the transaction of the feedback, so that the hold that follows from it replays
with the rest. A model that fails holds up nothing: the feedback is kept, what holds by itself holds, and no prediction
is made of it.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

from features.customer.facts_at_feedback import facts_at_feedback
from features.customer.hold_rules import HoldRules
from features.customer.ledger import Score
from features.customer.spans_of_signals import ends_below
from features.customer.state import Fact
from features.inputs.dissatisfaction import NAME, Dissatisfaction, Judged
from features.instants import to_us
from features.log import identity
from features.log.live_intake import Follow
from features.log.packing import origin_of
from features.log.refolding import facts_of

log = logging.getLogger("tahdikas.serving")

Row = dict[str, Any]


def is_written(event: Any) -> bool:
    """Whether an object of an event may be feedback with text.

    >>> is_written({"type": "feedback", "payload": {"text": "late"}}), is_written({"type": "browse"}), is_written("x")
    (True, False, False)
    """
    if not isinstance(event, dict) or event.get("type") != "feedback":
        return False
    payload = event.get("payload")
    return isinstance(payload, dict) and bool(payload.get("text"))


class Mood:
    """Judges feedback for one process and counts what could not be judged; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.failures = 0
        """Pieces of feedback that no model could judge."""

    def following(self, model: Dissatisfaction | None, version: str, rules: HoldRules) -> Follow | None:
        """For `EventLog.append_live`: scores by `model` (of bundle `version`), None without a model."""
        if model is None:
            return None

        def follow(run: sqlite3.Connection, rows: list[Row]) -> list[Any]:
            written = [row for row in rows if row["type"] == "feedback" and (row.get("text") or "").strip()]
            written.sort(key=lambda row: (row["occurred_at"], row["event_id"]))
            scores: list[Any] = []
            for row in written:
                try:
                    scores += _scored(run, row, model, version, rules, scores)
                except Exception:  # whatever a model does, what she said is kept
                    self._failed(row["event_id"])
            return scores

        return follow

    def _failed(self, event_id: str) -> None:
        with self._lock:
            self.failures += 1
        log.exception("feedback %s could not be judged: no dissatisfaction is predicted from it", event_id)


def _scored(
    run: sqlite3.Connection, row: Row, model: Dissatisfaction, version: str, rules: HoldRules, before: list[Any]
) -> list[Any]:
    """The score of one piece of feedback as an event; none for a complaint that would lower what stood."""
    origin, at = origin_of(row.get("customer_id"), row.get("anonymous_id")), row["occurred_at"]
    known = facts_of(run, identity.resolve(run, origin))
    facts = facts_at_feedback(known, at, row["received_at"]) if model.needs_facts else ()
    judged = model.judge(row["text"], facts)
    score = _event(row, judged, version, model.holds_from)
    if row["kind"] == "complaint":
        standing = _standing(known, before, row, origin)
        recorded = Score(to_us(at), "", origin, NAME, version, judged.probability, None, model.holds_from)
        if judged.probability <= standing or judged.probability < ends_below(recorded, rules):
            return []
    return [score]


def _standing(known: Iterable[Fact], before: list[Any], row: Row, origin: str) -> float:
    """The latest score of the same identity before the feedback, those of the same post included; 0 without one."""
    told = [
        (fact.occurred_at, fact.event_id, fact.payload["value"])
        for fact in known
        if fact.type == "score" and fact.origin == origin and fact.payload["model"] == NAME
    ]
    told += [
        (one["occurred_at"], one["event_id"], one["payload"]["value"])
        for one in before
        if origin_of(one.get("customer_id"), one.get("anonymous_id")) == origin
    ]
    return max((one for one in told if one[0] <= row["occurred_at"]), default=(row["occurred_at"], "", 0.0))[2]


def _event(row: Row, judged: Judged, version: str, holds_from: float | None) -> Row:
    """A score event at the moment of the feedback; its id follows from the feedback's, so that it comes once."""
    payload: Row = {"model": NAME, "version": version, "value": judged.probability}
    if judged.reason:
        payload["reason"] = judged.reason
    if holds_from is not None:
        payload["holds_from"] = holds_from
    told = {name: row[name] for name in ("customer_id", "anonymous_id", "channel", "touchpoint") if row.get(name)}
    moment: datetime = row["occurred_at"]
    mark = blake2b(row["event_id"].encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return told | {
        "event_id": f"{NAME}-{mark}",
        "type": "score",
        "occurred_at": moment,
        "received_at": row["received_at"],
        "payload": payload,
    }
