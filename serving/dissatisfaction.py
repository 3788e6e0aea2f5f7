"""What she wrote, judged before anybody can act on it: the score that follows from a piece of feedback with text.

The score is an event of its own, kept in the transaction of the feedback, so that the hold that follows from it replays
with the rest. Where there is no model, or it fails, the seed words judge. What was predicted falls only by a word of
praise or a good rating: someone who asks again, or says nothing in particular, is not content for it.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from features.customer.facts_at_feedback import facts_at_feedback
from features.customer.hold_rules import MAX_DAYS, HoldRules
from features.customer.ledger import Score
from features.customer.scales import scale_of, unit_score
from features.customer.span import GOOD, verdict_on
from features.customer.spans_of_signals import ends_below
from features.customer.state import Fact
from features.inputs.dissatisfaction import NAME, Dissatisfaction, Judged
from features.inputs.satisfaction import Satisfaction
from features.inputs.seed_words import seed_score
from features.instants import to_us
from features.log import identity
from features.log.connection import Connection
from features.log.live_intake import Follow
from features.log.packing import origin_of
from features.log.refolding import facts_of

log = logging.getLogger("tahdikas.serving")

Row = dict[str, Any]

SEED_WORDS = Dissatisfaction(Satisfaction())
"""What judges where a model fails, or none is in force yet: it holds from the policy's own threshold."""
SEEDS = "seed_words"


def is_written(event: Any) -> bool:
    """Whether an object of an event may be feedback with text.

    >>> is_written({"type": "feedback", "payload": {"text": "late"}}), is_written({"type": "browse"}), is_written("x")
    (True, False, False)
    """
    if not isinstance(event, dict) or event.get("type") != "feedback":
        return False
    payload = event.get("payload")
    return isinstance(payload, dict) and bool(payload.get("text"))


def matters_since(rules: HoldRules, now: datetime) -> datetime:
    """From when on what was written can still hold somebody at `now`."""
    return now - timedelta(days=rules.predicted.lasts_days or MAX_DAYS)


class Mood:
    """Judges feedback for one process and counts where the model failed; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.failures = 0
        """Pieces of feedback that the model could not judge."""

    def following(self, model: Dissatisfaction | None, version: str, rules: HoldRules) -> Follow:
        """For whoever keeps feedback: scores by `model` (of bundle `version`), by the seed words without one.

        What has a score already is not judged again.
        """
        judges = [(SEED_WORDS, SEEDS)] if model is None else [(model, version), (SEED_WORDS, SEEDS)]

        def follow(run: Connection, rows: list[Row]) -> list[Any]:
            written = [row for row in rows if row["type"] == "feedback" and (row.get("text") or "").strip()]
            written.sort(key=lambda row: (row["occurred_at"], row["event_id"]))
            scores: list[Any] = []
            for row in unjudged(run, written):
                for judge, name in judges:
                    try:
                        scores += _scored(run, row, judge, name, rules, scores)
                        break
                    except Exception:  # whatever a model does, what she said is kept, and read
                        self._failed()
            return scores

        return follow

    def _failed(self) -> None:
        with self._lock:
            self.failures += 1
        log.exception("feedback could not be judged by the model: seed words stand in")


def unjudged(run: Connection, rows: Sequence[Row]) -> list[Row]:
    """Those of `rows`, not more than a query may name, that have no score yet."""
    ids = [score_id(row["event_id"]) for row in rows]
    found = run.execute(f"select event_id from seen where event_id in ({','.join('?' * len(ids))})", ids) if ids else ()
    known = {event_id for (event_id,) in found}
    return [row for row, score_id in zip(rows, ids, strict=True) if score_id not in known]


def _scored(
    run: Connection, row: Row, model: Dissatisfaction, version: str, rules: HoldRules, before: list[Any]
) -> list[Any]:
    """The score of one piece of feedback as an event; none where it would lower what stood without a good word."""
    origin, at = origin_of(row.get("customer_id"), row.get("anonymous_id")), row["occurred_at"]
    complains = row["kind"] == "complaint"
    known = facts_of(run, identity.resolve(run, origin)) if model.needs_facts or complains else []
    facts = facts_at_feedback(known, at, row["received_at"]) if model.needs_facts else ()
    judged = model.judge(row["text"], facts)
    score = _event(row, judged, version, model.holds_from)
    recorded = Score(to_us(at), "", origin, NAME, version, judged.probability, None, model.holds_from)
    if judged.probability < ends_below(recorded, rules) and not _is_content(row, rules):
        return []
    if complains and judged.probability <= _standing(known, before, row, origin):
        return []
    return [score]


def _is_content(row: Row, rules: HoldRules) -> bool:
    """Whether she says that she is: praise prevails in her words, or a good score stands beside them."""
    if row["kind"] == "complaint":
        return False
    if row.get("score") is None:
        return seed_score(row["text"]) < 0
    scale = scale_of(row["kind"], row.get("scale_min"), row.get("scale_max"), row.get("higher_is_better"))
    return verdict_on(unit_score(row["score"], scale), row["kind"], rules) == GOOD


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
    """A score event at the moment of the feedback, received when it is kept: before, nobody could know it."""
    payload: Row = {"model": NAME, "version": version, "value": judged.probability}
    if judged.reason:
        payload["reason"] = judged.reason
    if holds_from is not None:
        payload["holds_from"] = holds_from
    told = {name: row[name] for name in ("customer_id", "anonymous_id", "channel", "touchpoint") if row.get(name)}
    moment: datetime = row["occurred_at"]
    return told | {
        "event_id": score_id(row["event_id"]),
        "type": "score",
        "occurred_at": moment,
        "payload": payload,
    }


def score_id(feedback_id: str) -> str:
    """The id of the score of a piece of feedback: by whatever way it is judged, it is one event."""
    return f"{NAME}-{blake2b(feedback_id.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
