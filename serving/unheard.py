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

READ_AT_ONCE, AT_ONCE = 500, 30
"""Pieces of feedback that are looked at, and those with words that are judged: others wait while scores are kept."""

_LOOKED = "feedback_judged_to"


def judge_unheard(run: Connection, following: Following, now: datetime) -> bool:
    """Judge the next pieces of feedback that have no score, and keep what follows; whether more of them waits.

    They are judged before others have to wait, and again in the rare case that more became known of one of them.
    """
    with one_moment(run):
        row = run.execute("select value from meta where key = ?", (_LOOKED,)).fetchone()
        looked = 0 if row is None else int(row[0])
        (last,) = run.execute("select coalesce(max(position), 0) from facts").fetchone()
        if looked == last:
            return False
        found = feedback_after(run, looked, following.since, READ_AT_ONCE)
        rows = _some(rows_at(run, found))
        scores = following.follow(run, rows)
    more = len(found) == READ_AT_ONCE or len(rows) < len(found)
    with transaction(run):
        if _is_more_known(run, rows, last):
            scores = following.follow(run, rows)
        keep_following(run, scores, now)
        run.execute(
            "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value",
            (_LOOKED, str(found[len(rows) - 1] if more else last)),
        )
    return more


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of them, with no more that was written than is judged at once; one at least."""
    written = text = 0
    for place, row in enumerate(rows):
        words = len(row.get("text") or "")
        written, text = written + (words > 0), text + words
        if place and (written > AT_ONCE or text > TEXT_AT_ONCE):
            return rows[:place]
    return rows


def _is_more_known(run: Connection, rows: Sequence[dict[str, Any]], last: int) -> bool:
    """Whether anything was kept past the position `last` of who wrote, or of who is who."""
    origins = list(dict.fromkeys(origin_of(row.get("customer_id"), row.get("anonymous_id")) for row in rows))
    query = f"select 1 from facts where position > ? and (type = 'identity' or origin_id in ({marks(origins)})) limit 1"
    return bool(origins) and run.execute(query, (last, *origins)).fetchone() is not None
