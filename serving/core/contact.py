"""Contact policy: one counter per customer over a rolling window, weighed by channel.

What reached her counts (sent, or seen on the site), and what is reserved counts until its time limit. What was prepared
and not sent does not. Service and recovery never count, and are never capped.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from serving.core.question import Contact

_SLACK = 1e-9  # weights are decimal fractions; their sums are not


def used(contacts: Iterable[Contact], *, since: datetime, until: datetime, weights: Mapping[str, float]) -> float:
    """The weight of the contacts in (since, until], each decision counted once however many treatments it had."""
    total, seen = 0.0, set()
    for contact in contacts:
        if not since < contact.at <= until:
            continue
        if contact.decision_id:
            if contact.decision_id in seen:
                continue
            seen.add(contact.decision_id)
        total += weights.get(contact.channel, 1.0)
    return total


def over_cap(spent: float, more: float, limit: float) -> bool:
    """Whether `more` weight on top of what is spent would pass the limit.

    >>> over_cap(2.0, 1.0, 3.0), over_cap(2.5, 1.0, 3.0)
    (False, True)
    """
    return spent + more > limit + _SLACK


def frees_at(
    contacts: Iterable[Contact],
    now: datetime,
    length: timedelta,
    until: datetime,
    weights: Mapping[str, float],
    room: float,
) -> float:
    """When (epoch seconds) enough contacts will have left a window of `length` for their weight to be at most `room`.

    Infinite where that never comes: the room is less than nothing.
    """
    inside = sorted((c for c in contacts if now - length < c.at <= until), key=lambda c: c.at)
    found, rest, seen = math.inf, 0.0, set[str]()
    for leaving in reversed(inside):  # `rest` is the weight of those after it
        if rest > room + _SLACK:
            break
        found = (leaving.at + length).timestamp()
        if leaving.decision_id not in seen:
            rest += weights.get(leaving.channel, 1.0)
        if leaving.decision_id:
            seen.add(leaving.decision_id)
    return found


def marketing_only(contacts: Sequence[Contact], is_service: Callable[[str], bool]) -> list[Contact]:
    """The contacts that count: all but those of actions known to be service."""
    return [c for c in contacts if not is_service(c.action_id)]
