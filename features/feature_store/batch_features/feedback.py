"""What she says of us."""

from typing import Any

import ibis

from features.feature_store.batch_relations.feedback import UNIT_SCORE_STEPS, feedback
from features.feature_store.declaration import ALWAYS, FLOAT, TIME, feature

_BAD = 400_000


def _unit_mean(rows: Any, which: Any) -> Any:
    return rows.unit_score.sum(where=which) / (rows.unit_score.count(where=which) * UNIT_SCORE_STEPS).nullif(0)


@feature(feedback, "feedback", "feedbacks", days=365)
def feedback_count_365d(rows: Any, inside: Any) -> Any:
    """Feedback given, with a score or not."""
    return rows.count(where=inside)


@feature(feedback, "feedback", "unit score 0-1", days=365, dtype=FLOAT)
def feedback_mean_365d(rows: Any, inside: Any) -> Any:
    """Mean score, 1 the best of its scale whatever its direction."""
    return _unit_mean(rows, inside)


@feature(feedback, "feedback", "unit score", days=365, edges=(90,), dtype=FLOAT)
def feedback_trend(rows: Any, inside: Any) -> Any:
    """Mean score of the last 90 days minus that of the 275 days before."""
    recent = rows.occurred_at >= rows.since_90d
    return _unit_mean(rows, recent) - _unit_mean(rows, inside & ~recent)


@feature(feedback, "feedback", "unit score 0-1", days=365, dtype=FLOAT)
def worst_score_365d(rows: Any, inside: Any) -> Any:
    """Lowest score."""
    return rows.unit_score.min(where=inside) / UNIT_SCORE_STEPS


@feature(feedback, "feedback", "unit score 0-1", since=ALWAYS, dtype=FLOAT)
def last_score(rows: Any, _inside: Any) -> Any:
    """Last score (of several at one instant: the last by event_id)."""
    order = ibis.struct({"at": rows.occurred_at, "id": rows.event_id})
    return rows.unit_score.argmax(order, where=rows.unit_score.notnull()) / UNIT_SCORE_STEPS


@feature(feedback, "feedback", "scores", days=365)
def bad_scores_365d(rows: Any, inside: Any) -> Any:
    """Scores of at most 0.4 of their scale."""
    return rows.count(where=inside & (rows.unit_score <= _BAD))


@feature(feedback, "feedback", "feedbacks", days=365)
def complaints_voiced_365d(rows: Any, inside: Any) -> Any:
    """Feedback of the kind complaint, whether it became a case or not."""
    return rows.count(where=inside & (rows.kind == "complaint"))


@feature(feedback, "feedback", "time", since=ALWAYS, dtype=TIME)
def last_feedback_at(rows: Any, _inside: Any) -> Any:
    """Last feedback, with a score or not."""
    return rows.occurred_at.max()
