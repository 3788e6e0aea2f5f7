"""Feedback that was kept without being judged, by an older version or another program: heard after all, once.

How far the facts were looked through stands in the store, so that a look costs what came since the one before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from features.log.connection import Connection, one_moment, transaction
from features.log.following import Following, feedback_after, rows_at
from features.log.live_intake import TEXT_AT_ONCE, keep_following
from features.log.packing import origin_of
from features.log.value_lists import marks
from serving.dissatisfaction import unjudged

READ_AT_ONCE, AT_ONCE = 500, 30
"""Pieces of feedback that are looked at, and those without a score that are judged: others wait while it is kept."""

_LOOKED = "feedback_judged_to"


def judge_unheard(run: Connection, following: Following, now: datetime) -> bool:
    """Judge the next pieces of feedback that have no score, and keep what follows; whether more of them waits.

    They are judged before others have to wait, and again in the rare case that more became known of one of them.
    """
    with one_moment(run):
        row = run.execute("select value from meta where key = ?", (_LOOKED,)).fetchone()
        looked = 0 if row is None else int(row[0])
        last: int = run.execute("select coalesce(max(position), 0) from facts").fetchone()[0]
        if looked == last:
            return False
        found = feedback_after(run, looked, following.since, READ_AT_ONCE)
        waiting = _without_score(run, found)
        rows = _some([row for _, row in waiting])
        scores = following.follow(run, rows)
    if len(rows) < len(waiting):
        looked = waiting[len(rows)][0] - 1
    else:
        looked = found[-1] if len(found) == READ_AT_ONCE else last
    with transaction(run):
        if _is_more_known(run, rows, last):
            scores = following.follow(run, rows)
        keep_following(run, scores, now)
        run.execute(
            "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value",
            (_LOOKED, str(looked)),
        )
    return looked < last


def _without_score(run: Connection, positions: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    """What was written at some positions and has no score yet, each with its position."""
    written = [
        (position, row) for position, row in zip(positions, rows_at(run, positions), strict=True) if row.get("text")
    ]
    waiting = {row["event_id"] for row in unjudged(run, [row for _, row in written])}
    return [(position, row) for position, row in written if row["event_id"] in waiting]


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of them, as many as are judged at once; one at least."""
    text = 0
    for place, row in enumerate(rows[:AT_ONCE]):
        text += len(row["text"])
        if place and text > TEXT_AT_ONCE:
            return rows[:place]
    return rows[:AT_ONCE]


def _is_more_known(run: Connection, rows: Sequence[dict[str, Any]], last: int) -> bool:
    """Whether anything was kept past the position `last` of who wrote, or of who is who."""
    origins = list(dict.fromkeys(origin_of(row.get("customer_id"), row.get("anonymous_id")) for row in rows))
    query = f"select 1 from facts where position > ? and (type = 'identity' or origin_id in ({marks(origins)})) limit 1"
    return bool(origins) and run.execute(query, (last, *origins)).fetchone() is not None
