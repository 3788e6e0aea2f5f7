"""The worst stories of each touchpoint: what one person said or suffered there, and how her case stands now."""

from datetime import datetime

import msgspec

from features.customer.hold_rules import HoldRules
from features.customer.span import BAD
from features.customer.state import fold, known_by
from features.customer.view_parts import CaseView, case_views
from features.instants import from_us, to_us
from features.log.connection import Connection
from features.log.refolding import facts_of
from serving.experience.happened import Happened
from serving.experience.told import COMPLAINT, MILLION

LONGEST_TEXT = 280


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One story. `score` is from 0 (worst) to 1, None where she gave none; `text` is what she wrote, cut to length.

    `case` is the case it opened, names, or is about the same order as; None where there is none.
    """

    customer_id: str
    at: datetime
    event_id: str
    kind: str
    score: float | None
    text: str
    channel: str | None
    case: CaseView | None


def stories(
    found: Happened, run: Connection, now: datetime, rules: HoldRules, most: int, only: str | None = None
) -> dict[str, list[Story]]:
    """By touchpoint, the `most` worst of the later period, everyone's worst only; of one touchpoint with `only`.

    The worst score first, a complaint without one as the worst there is; then complaints before other words, those
    with a text before those without, the latest first.
    """
    told: dict[str, list[Story]] = {}
    for touchpoint, who, at, event_id, kind, unit, text, channel, case_id, order_id in found.rows(_WORST, only, most):
        told.setdefault(touchpoint, []).append(
            Story(
                customer_id=who,
                at=from_us(at),
                event_id=event_id,
                kind=kind,
                score=None if unit is None else unit / MILLION,
                text=shortened(text or ""),
                channel=channel,
                case=_case(run, who, case_id or (event_id if kind == COMPLAINT else None), order_id, now, rules),
            )
        )
    return told


def shortened(text: str) -> str:
    """A text cut to `LONGEST_TEXT` characters, white space as single spaces.

    >>> shortened("  It never\\n came ")
    'It never came'
    """
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST_TEXT else plain[: LONGEST_TEXT - 1].rstrip() + "…"


def _case(
    run: Connection, who: str, case_id: str | None, order_id: str | None, now: datetime, rules: HoldRules
) -> CaseView | None:
    state = fold(known_by(facts_of(run, who), now))
    cases = case_views(state, to_us(now), rules)
    named = [case for case in cases if case.case_id == case_id]
    about = [case for case in cases if order_id is not None and case.order_id == order_id]
    return max(named or about, key=lambda case: (case.opened_at, case.case_id), default=None)


_WORST = f"""
with bad as (
    select s.touchpoint, s.who, s.moment, s.event_id, s.kind, a.unit, coalesce(s.text, s.reason) as text, s.channel,
        s.case_id, s.order_id, (
            coalesce(a.unit, 0), s.kind <> '{COMPLAINT}', coalesce(s.text, s.reason) is null, -s.moment, s.event_id
        ) as place
    from said s left join answers a using (event_id)
    where s.is_now and s.type in ('feedback', 'case') and s.touchpoint = coalesce(?, s.touchpoint)
    and (a.verdict = {BAD} or s.kind = '{COMPLAINT}') and not (s.type = 'case' and exists (
        from said f where f.type = 'feedback' and f.kind = '{COMPLAINT}' and f.case_id = s.case_id and f.who = s.who
    ))
), hers as (from bad qualify row_number() over (partition by touchpoint, who order by place) = 1)
select touchpoint, who, moment, event_id, kind, unit, text, channel, case_id, order_id from hers
qualify row_number() over (partition by touchpoint order by place) <= ? order by touchpoint, place
"""
