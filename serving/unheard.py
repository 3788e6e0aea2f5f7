"""Feedback that was kept without being judged, by an older version or another program: heard after all, once.

How far the facts were looked through stands in the store, so that a look costs what came since the one before.
"""

from datetime import datetime

from features.log.connection import Connection, one_moment, transaction
from features.log.following import Following, feedback_after, follow_up

AT_ONCE = 500
"""Pieces of feedback judged in one transaction: others wait for it."""

_LOOKED = "feedback_judged_to"


def judge_unheard(run: Connection, following: Following, now: datetime) -> bool:
    """Judge the next pieces of feedback that have no score, and keep what follows; whether more of them waits."""
    with one_moment(run):
        row = run.execute("select value from meta where key = ?", (_LOOKED,)).fetchone()
        looked = 0 if row is None else int(row[0])
        (last,) = run.execute("select coalesce(max(position), 0) from facts").fetchone()
        if looked == last:
            return False
        found = feedback_after(run, looked, following.since, AT_ONCE)
    more = len(found) == AT_ONCE
    with transaction(run):
        follow_up(run, found, following.follow, now)
        run.execute(
            "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value",
            (_LOOKED, str(found[-1] if more else last)),
        )
    return more
