"""A small made-up shop in an event log: all sources, late arrivals, visitors who turn out to be customers."""

import random
from datetime import datetime, timedelta
from typing import Any

from feature_histories import T, event, purchase, table

from features.home import Home
from features.log.event_log import EventLog

FIRST = T - timedelta(days=400)


def shop_rows(customers: int = 60, seed: int = 5) -> list[dict[str, Any]]:
    """Some 25 events a customer in the 400 days before `T`, all received by `T`."""
    draw = random.Random(seed)
    rows: list[dict[str, Any]] = []

    def moment(after: datetime = FIRST) -> datetime:
        return after + timedelta(microseconds=draw.randrange(int((T - after) / timedelta(microseconds=1))))

    def add(event_type: str, who: str | None, at: datetime, **fields: Any) -> None:
        rows.append(
            event(event_type, who, at, f"{len(rows):06}", received_at=min(T, at + timedelta(hours=2)), **fields)
        )

    for number in range(customers):
        who, visitor = f"c{number:03}", f"v{number:03}"
        for _ in range(draw.randrange(1, 9)):
            at, order = moment(), f"o{len(rows):06}"
            lines = [
                {
                    "item_id": f"i{draw.randrange(20)}",
                    "quantity": draw.randrange(1, 4),
                    "unit_price": 900,
                    "discount": 50,
                }
            ]
            rows.append(purchase(who, at, f"{len(rows):06}", *lines))
            add("delivery", who, at, order_id=order, status="promised", promised_at=at + timedelta(days=3))
            if draw.random() < 0.8:
                add("delivery", who, min(T, at + timedelta(days=draw.randrange(6))), order_id=order, status="delivered")
            if draw.random() < 0.3:
                back = [{"item_id": "i1", "quantity": 1, "amount": 900}]
                add("return", who, moment(at), order_id=order, lines=back)
        for _ in range(draw.randrange(6)):
            add("browse", draw.choice([who, None]), moment(), action="view", session_id="s", anonymous_id=visitor)
        if draw.random() < 0.5:
            add("identity", who, moment(), action="link", anonymous_id=visitor)
        if draw.random() < 0.5:
            add("feedback", None, moment(), kind="rating", score=float(draw.randrange(1, 6)), anonymous_id=visitor)
        if draw.random() < 0.4:
            opened = moment()
            add("case", who, opened, case_id=f"k{number}", kind="complaint", status="opened")
            if draw.random() < 0.5:
                add("case", who, moment(opened), case_id=f"k{number}", kind="complaint", status="resolved")
        for _ in range(draw.randrange(3)):
            add("contact", who, moment(), action_id="offer", status=draw.choice(["sent", "click"]), channel="email")
    return rows


def ingested(home: Home, rows: list[dict[str, Any]], now: datetime = T) -> EventLog:
    """An open log with the rows in it."""
    log = EventLog(home)
    report = log.append_history([table(rows)], source="test", now=now)
    assert report.accepted == len(rows), report
    return log
