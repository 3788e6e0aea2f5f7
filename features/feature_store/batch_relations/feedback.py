"""What she told us, every score on one scale."""

from typing import Any

import ibis
from ibis import _

from features.customer.scales import DEFAULT_SCALES
from features.feature_store.batch_relations.known import Known

UNIT_SCORE_STEPS = 1_000_000


def feedback(known: Known) -> Any:
    """One row a feedback: kind, and `unit_score` in millionths, 1,000,000 the best of its scale; null without a score.

    What the event does not state of its scale is its kind's default (`features/customer/scales.py`).
    """
    rows = known.of_type(
        "feedback",
        kind=_.kind,
        score=_.score,
        low=ibis.coalesce(_.scale_min, _default("low")),
        high=ibis.coalesce(_.scale_max, _default("high")),
        better=ibis.coalesce(_.higher_is_better, _default("higher_is_better")),
    )
    share = (rows.score - rows.low) / (rows.high - rows.low).nullif(0.0)
    oriented = ibis.ifelse(rows.better, share, 1.0 - share)
    return rows.mutate(unit_score=(oriented * float(UNIT_SCORE_STEPS) + 0.5).floor().cast("int64"))


def _default(part: str) -> Any:
    values = [(kind, getattr(scale, part)) for kind, scale in DEFAULT_SCALES.items()]
    if part != "higher_is_better":
        values = [(kind, float(value)) for kind, value in values]
    return ibis.cases(*[(_.kind == kind, value) for kind, value in values])
