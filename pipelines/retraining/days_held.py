"""For how much of a window each customer was held: nobody sold to her then, and what is learned of leaving knows no
other treatment of her."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from features.customer.fold import fold
from features.customer.hold_spans import spans
from features.customer.incidents import incidents_of
from features.customer.span import Span
from features.facts import known_by
from features.home import Home
from features.instants import DAY, to_us
from features.log.event_log import EventLog
from serving.core.policy import load_policy
from training.metrics import Array, Floats


def days_held(home: Home, customers: Array, begin: datetime, end: datetime, as_of: datetime) -> Floats:
    """Days `[n]` of `[begin, end)` on which any hold was in force, by what was known at `as_of` and today's rules."""
    rules = load_policy(home).file.holds
    held: dict[str, float] = {}
    with EventLog(home) as log:
        incidents = incidents_of(known_by(log.shop_facts(), as_of))
        for customer, facts in log.all_facts(customers.tolist()):
            found = spans(fold(known_by(facts, as_of)), to_us(end), rules, incidents)
            held[customer] = _covered(found, to_us(begin), to_us(end)) / DAY
    return np.array([held.get(customer, 0.0) for customer in customers.tolist()])


def _covered(found: Iterable[Span], begin: int, end: int) -> int:
    """Microseconds of the window that lie in any of the spans."""
    total, reached = 0, begin
    for span in sorted(found, key=lambda one: one.opened_at):
        until = end if span.ends_at is None else min(span.ends_at, end)
        total += max(until - max(span.opened_at, reached), 0)
        reached = max(reached, until)
    return total
