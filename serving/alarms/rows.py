"""Rows of the live store by type and time, as they were known at a moment, under whom they counted by then."""

from collections import defaultdict
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from features.log.connection import Connection
from features.log.rules import RESERVED_PREFIX


class Row(NamedTuple):
    """One event; instants are microseconds, `body` is the packed payload."""

    at: int
    received_at: int
    event_id: str
    channel: str | None
    touchpoint: str | None
    customer: str
    body: bytes


class Said(msgspec.Struct):
    """What of any payload counts here."""

    kind: str = ""
    status: str = ""
    score: float | None = None
    scale_min: float | None = None
    scale_max: float | None = None
    higher_is_better: bool | None = None
    order_id: str | None = None
    case_id: str | None = None
    promised_at: datetime | None = None
    carrier: str | None = None
    wait_seconds: float | None = None


read_said = msgspec.msgpack.Decoder(Said).decode


class Reader:
    """Reads what had happened and been received by `now`."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection, self._now = connection, now
        self._owners: dict[str, str] = {}

    def rows(self, kind: str, since: int) -> list[Row]:
        """Events of a type with since < occurred_at <= now, in their order."""
        # The type is written out: only then does SQLite see that its partial index holds them all.
        found = self._connection.execute(
            f"""select occurred_at, received_at, event_id, channel, touchpoint, origin_id, body from facts
            where type = '{kind}' and occurred_at > ? and occurred_at <= ? and received_at <= ?
            order by occurred_at, event_id""",
            (since, self._now, self._now),
        )
        return [
            Row(at, heard, event_id, channel, touchpoint, self._owner(origin), body)
            for at, heard, event_id, channel, touchpoint, origin, body in found
        ]

    def purchases(self, since: int) -> dict[str | None, list[int]]:
        """The instants of purchases by channel, and of all under None."""
        found: dict[str | None, list[int]] = defaultdict(list)
        rows = self._connection.execute(
            """select occurred_at, channel from facts where type = 'purchase' and occurred_at > ? and occurred_at <= ?
            and received_at <= ? order by occurred_at""",
            (since, self._now, self._now),
        )
        for at, channel in rows:
            found[None].append(at)
            if channel is not None:
                found[channel].append(at)
        return found

    def first_at(self) -> int | None:
        """When the shop's log begins."""
        firsts: list[Any] = []
        for kind in ("purchase", "feedback", "case", "friction", "delivery"):
            firsts += self._connection.execute(f"select min(occurred_at) from facts where type = '{kind}'").fetchone()
        return min((at for at in firsts if at is not None), default=None)

    def _owner(self, origin: str) -> str:
        if not origin.startswith(RESERVED_PREFIX):
            return origin
        if origin not in self._owners:
            row = self._connection.execute(
                """select customer_id from links where external_id = ? and linked_at <= ?
                and (unlinked_at is null or unlinked_at > ?)""",
                (origin.removeprefix(RESERVED_PREFIX), self._now, self._now),
            ).fetchone()
            self._owners[origin] = origin if row is None else str(row[0])
        return self._owners[origin]
