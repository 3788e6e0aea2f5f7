"""What follows from feedback that is in the store already: that of an import, or of one who kept it without a judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.facts import Fact
from features.instants import to_us
from features.log.connection import Connection
from features.log.live_intake import Follow, keep_following
from features.log.packing import FACT_COLUMNS, facts
from features.log.rules import RESERVED_PREFIX
from features.log.value_lists import marks, parts

_AT_ONCE = 200


@dataclass(frozen=True)
class Following:
    """`follow` says what follows from feedback with text; from what happened before `since` nothing would matter."""

    follow: Follow
    since: datetime


def feedback_after(connection: Connection, position: int, since: datetime, most: int) -> list[int]:
    """The first `most` positions past `position`, in order, of feedback that was given at `since` or later."""
    rows = connection.execute(
        "select position from facts where type = 'feedback' and occurred_at >= ? and position > ?"
        " order by position limit ?",
        (to_us(since), position, most),
    )
    return [int(found) for (found,) in rows]


def follow_up(connection: Connection, positions: list[int], follow: Follow, now: datetime) -> None:
    """Keep what follows from the facts at `positions`, a few in memory at a time; in the caller's transaction."""
    for some in parts(positions, _AT_ONCE):
        keep_following(connection, follow(connection, rows_at(connection, some)), now)


def rows_at(connection: Connection, positions: Sequence[int]) -> list[dict[str, Any]]:
    """The facts at some positions, in order, as the flat rows that they were."""
    if not positions:
        return []
    found = connection.execute(
        f"select {FACT_COLUMNS} from facts where position in ({marks(positions)}) order by position", positions
    )
    return [_row(fact) for fact in facts(found.fetchall())]


def _row(fact: Fact) -> dict[str, Any]:
    """A fact as the flat row that it was."""
    envelope: dict[str, Any] = {
        "event_id": fact.event_id,
        "type": fact.type,
        "occurred_at": fact.occurred_at,
        "received_at": fact.received_at,
        "channel": fact.channel,
        "touchpoint": fact.touchpoint,
    }
    is_visitor = fact.origin.startswith(RESERVED_PREFIX)
    who = {"anonymous_id" if is_visitor else "customer_id": fact.origin.removeprefix(RESERVED_PREFIX)}
    return fact.payload | envelope | who
