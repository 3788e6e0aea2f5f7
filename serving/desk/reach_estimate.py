"""Whom an incident's rule would take in, told from some of the customers: of very many, all take longer than a person
waits who wants to pause offers now. The pause itself takes in everyone whom the rule does.
"""

import random
from collections.abc import Sequence
from datetime import datetime
from math import sqrt
from typing import Any

import msgspec

from features.customer.incidents import affects
from serving.desk.desk import Desk
from serving.desk.incidents import tried
from serving.desk.reach import EXAMPLES
from serving.desk.scan import of

ASKED = 5_000
_Z = 1.96


class ReachEstimate(msgspec.Struct, frozen=True):
    """About how many of the customers a rule takes in, with a 95 % interval, some of them, and how many were asked
    about; where that is all of them, the three numbers are one.
    """

    affected: int
    low: int
    high: int
    customers: int
    asked: int
    examples: list[str]


def estimate_reach(desk: Desk, rule: dict[str, Any], now: datetime, asked: int = ASKED) -> ReachEstimate:
    """The reach of a rule, from at most so many customers, the same at each call. Raises `FieldFaultError` for a rule
    that cannot be used.
    """
    incident, lens, run = tried(rule, now), desk.lens(now), desk.service.records.connection()
    known = [key for (key,) in run.execute("select customer_id from state order by 1")]
    some = known if len(known) <= asked else sorted(random.Random(asked).sample(known, asked))
    found = [one.customer_id for one in of(run, some, lens) if affects(incident, one.state, lens.ahead)]
    low, high = _interval(len(found), len(some), len(known))
    return ReachEstimate(_times(len(found), some, known), low, high, len(known), len(some), found[:EXAMPLES])


def _times(hits: int, some: Sequence[str], known: Sequence[str]) -> int:
    return round(hits * len(known) / len(some)) if some else 0


def _interval(hits: int, asked: int, known: int) -> tuple[int, int]:
    """Agresti and Coull's, narrower the larger a part of all was asked about; never less than was found."""
    if asked == known:
        return hits, hits
    share = (hits + 2) / (asked + 4)
    half = _Z * sqrt(share * (1 - share) / (asked + 4) * (1 - asked / known))
    return max(hits, round(known * (share - half))), min(known, round(known * (share + half)))
