"""What is asked: a decision for one of the shop's customers, and events of theirs; and whether an answer was good.

Everything is drawn from a seed and written beforehand as far as it can be.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

DECISIONS, EVENTS = "/v1/decisions", "/v1/events"
_SALES_CHANNELS = ("web", "web", "web", "app")
_KINDS = ("view", "view", "view", "view", "view", "view", "view", "cart_add", "purchase", "rating")
_CLICKS = frozenset(("view", "cart_add"))


@dataclass(frozen=True)
class Cast:
    """Who asks and what is bought: ids of customers and items."""

    customers: Sequence[str]
    items: Sequence[str]


def decisions(cast: Cast, seed: int) -> Iterator[bytes]:
    """Bodies of questions without end: who comes to the front page, every customer equally likely."""
    draw = np.random.default_rng(seed)
    while True:
        for who, place in zip(draw.integers(0, len(cast.customers), 1_000), draw.integers(0, 4, 1_000), strict=True):
            channel = _SALES_CHANNELS[place]
            yield (
                b'{"customer_id":"%b","channel":"%b","placement":"front_page"}'
                % (cast.customers[who].encode(), channel.encode())
            )


class EventWriter:
    """Events of customers: seven in ten are views, then things put into the cart, orders and ratings.

    `mark` makes their ids unlike those of other runs.
    """

    def __init__(self, cast: Cast, seed: int, mark: str) -> None:
        self._cast, self._mark, self._number = cast, mark, 0
        self._draw = np.random.default_rng(seed)

    def bodies(self, at: datetime, count: int) -> bytes:
        """The body of a POST of `count` events that happen at `at`."""
        return json.dumps([self._event(at) for _ in range(count)]).encode()

    def _event(self, at: datetime) -> dict[str, object]:
        self._number += 1
        who, what, kind = self._draw.integers(0, (len(self._cast.customers), len(self._cast.items), len(_KINDS)))
        customer, item, drawn = self._cast.customers[who], self._cast.items[what], _KINDS[kind]
        event_id = f"{self._mark}-{self._number}"
        payload: dict[str, object]
        if drawn in _CLICKS:
            payload = {"action": drawn, "session_id": f"s-{customer}-{at:%j%H}", "item_id": item}
        elif drawn == "purchase":
            line = {"item_id": item, "quantity": 1, "unit_price": 1_990}
            payload = {"order_id": event_id, "currency": "EUR", "lines": [line]}
        else:
            payload = {"kind": "rating", "score": 1 + self._number % 5, "item_id": item}
        return {
            "event_id": event_id,
            "type": "browse" if drawn in _CLICKS else "feedback" if drawn == "rating" else drawn,
            "customer_id": customer,
            "occurred_at": at.astimezone(UTC).isoformat(),
            "channel": "web",
            "payload": payload,
        }


def fault(path: str, status: int, body: bytes) -> str | None:
    """What is wrong with an answer, None with nothing.

    Besides errors: an answer without a recorded decision, as the safe ones are, and events not all accepted.

    >>> fault(DECISIONS, 200, b'{"decision_id":null,"state_status":"unknown:deadline"}')
    'unknown:deadline'
    """
    if status != 200:
        return f"status {status}" if status else "connection lost"
    if path == DECISIONS:
        told = None if b'"decision_id":"' in body else json.loads(body)
        return None if told is None else str(told.get("state_status") or "no decision")
    told = json.loads(body)
    return None if told["accepted"] == len(told["results"]) > 0 else "not accepted"
