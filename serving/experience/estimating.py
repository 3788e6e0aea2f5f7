"""A running estimate of how things stand with one customer, to draw her curve by. No decision looks at it.

Her scores, the newer the weightier, beside one imagined answer in the middle; less a penalty for each thing that went
wrong, which fades. While a case is open, what it weighs does not fade. Nothing is estimated before she gave a score
or met trouble.

    estimate = (0.5 + sum of w x score) / (1 + sum of w) - sum of penalty x f, kept between 0 and 1
    w = 0.5 ^ (age / 180 days)
    f = 0.5 ^ (age / 30 days), for a case: time since it was finished, 1 while it is open
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from features.customer.case_course import course_of
from features.customer.ledger import Case
from features.instants import DAY, to_us
from serving.experience.moments import Moment, scored

SCORE_HALF_LIFE_DAYS = 180
TROUBLE_HALF_LIFE_DAYS = 30
PENALTIES = {
    "friction": 0.1,
    "delivery delayed": 0.05,
    "delivery failed": 0.15,
    "promise_broken": 0.15,
    "case complaint": 0.25,
    "case exchange": 0.1,
    "case warranty": 0.1,
    "case delivery_claim": 0.1,
    "case asked or reopened": 0.1,
    "contact unsubscribe": 0.05,
}
"""What each thing takes off; an ordinary return or question takes nothing."""


class _Trouble(NamedTuple):
    at: int
    penalty: float
    case: Case | None


def estimated(moments: Sequence[Moment], cases: Sequence[Case], now: int) -> tuple[list[Moment], float | None]:
    """The moments with the estimate after each, and the estimate at `now` (microseconds)."""
    scores, troubles = scored(moments), [*_troubles(moments), *_troubles_of(cases)]
    told = [msgspec.structs.replace(one, estimate=_estimate(to_us(one.at), scores, troubles)) for one in moments]
    return told, _estimate(now, scores, troubles)


def _estimate(at: int, scores: Sequence[tuple[int, float]], troubles: Sequence[_Trouble]) -> float | None:
    given = [(score, 0.5 ** ((at - then) / (SCORE_HALF_LIFE_DAYS * DAY))) for then, score in scores if then <= at]
    met = [trouble for trouble in troubles if trouble.at <= at]
    if not given and not met:
        return None
    base = (0.5 + sum(score * weight for score, weight in given)) / (1.0 + sum(weight for _, weight in given))
    lost = sum(one.penalty * _fade(one, at) for one in met)
    return min(max(float(base - lost), 0.0), 1.0)


def _fade(trouble: _Trouble, at: int) -> float:
    over = trouble.at
    if trouble.case is not None:
        course = course_of(trouble.case, at)
        finished_at = None if course is None else course.finished_at
        over = at if finished_at is None else finished_at
    return float(0.5 ** ((at - over) / (TROUBLE_HALF_LIFE_DAYS * DAY)))


def _troubles(moments: Sequence[Moment]) -> list[_Trouble]:
    found = []
    for one in moments:
        penalty = PENALTIES.get(one.kind) or PENALTIES.get(f"{one.kind} {one.detail}")
        if penalty is not None:
            found.append(_Trouble(to_us(one.at), penalty, None))
    return found


def _troubles_of(cases: Sequence[Case]) -> list[_Trouble]:
    """Each case by the gravest kind stated so far, and each time she had to ask or it was reopened."""
    found = []
    for case in cases:
        worst = 0.0
        for at, status, _, kind in case.steps:
            weight = PENALTIES.get(f"case {kind}", 0.0)
            if weight > worst:
                found.append(_Trouble(at, weight - worst, case))
                worst = weight
            if status in ("customer_asked", "reopened"):
                found.append(_Trouble(at, PENALTIES["case asked or reopened"], case))
    return found
