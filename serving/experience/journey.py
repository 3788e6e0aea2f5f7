"""One customer's own curve: the moments of her journey, and how things stood after each."""

from datetime import datetime, timedelta

import msgspec

from features.customer.hold_rules import HoldRules
from features.customer.state import fold, known_by
from features.customer.view_parts import CaseView, case_views
from features.instants import to_us
from features.log.connection import Connection
from features.log.identity import resolve
from features.log.refolding import facts_of
from serving.desk.faults import NotThereError
from serving.experience.estimating import estimated
from serving.experience.moments import Moment, moments_of


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """Her curve, oldest first, of the last `days`; `moments_in_all` are those of her whole history.

    `estimate` is how things stand at `as_of`: a drawing aid, which no decision looks at. None while nothing is known.
    """

    customer_id: str
    as_of: datetime
    days: int
    moments_in_all: int
    scores_in_all: int
    estimate: float | None
    open_cases: list[CaseView]
    moments: list[Moment]


def journey(run: Connection, customer_id: str, now: datetime, days: int, rules: HoldRules) -> Journey:
    """The curve of a customer by any id of hers, of what was known at `now`.

    Raises `NotThereError` for one of whom nothing is known, or whose data was erased.
    """
    key = resolve(run, customer_id)
    everything = facts_of(run, key)
    if fold(everything).erased_at is not None:
        raise NotThereError(f"The data of customer {customer_id!r} was erased: there is no curve, and none will come.")
    facts = known_by(everything, now)
    if not facts:
        raise NotThereError(
            f"Nothing is known of customer {customer_id!r}. Check the id, or post an event about her first."
        )
    state = fold(facts)
    moments, estimate = estimated(moments_of(facts, state, now), state.cases, to_us(now))
    return Journey(
        customer_id=key,
        as_of=now,
        days=days,
        moments_in_all=len(moments),
        scores_in_all=sum(one.value is not None for one in moments),
        estimate=estimate,
        open_cases=[case for case in case_views(state, to_us(now), rules) if case.is_open],
        moments=[one for one in moments if one.at > now - timedelta(days=days)],
    )
