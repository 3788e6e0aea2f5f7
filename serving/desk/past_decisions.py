"""Recorded decisions of a span of time, in the order they were made; a few in memory at a time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from features.instants import to_us
from features.log.connection import Connection
from serving.core.decision import Decision
from serving.record_body import unpack

_PAGE = 500
_ROUNDING = timedelta(milliseconds=1)


def between(run: Connection, start: datetime, end: datetime) -> Iterator[Decision]:
    """Decisions of the half-open [start, end), simulated ones never among them. Raises `DataError` for a torn record.

    Read by id: an id begins with the moment of its decision (`serving.service`).
    """
    after, until = _prefix(start - _ROUNDING), _prefix(end + _ROUNDING)
    query = """select decision_id, decided_at, body from decisions
        where decision_id > ? and decision_id < ? order by decision_id limit ?"""
    while page := run.execute(query, (after, until, _PAGE)).fetchall():
        for _, decided_at, body in page:
            if to_us(start) <= decided_at < to_us(end):
                yield unpack(body)
        after = page[-1][0]


def _prefix(moment: datetime) -> str:
    return f"d-{max(0, round(moment.timestamp() * 1000)):011x}"
