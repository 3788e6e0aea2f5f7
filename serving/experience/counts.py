"""What there is to count at each touchpoint: volume, scores and trouble, by period and by week, in a few queries."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from features.customer.span import BAD, GOOD
from features.instants import DAY
from features.log.rules import RESERVED_PREFIX
from serving.experience.figures import Values
from serving.experience.happened import Happened, Span
from serving.experience.told import MILLION

WEEK = 7 * DAY


class Trouble(msgspec.Struct, frozen=True):
    """One kind of friction, or complaints: how often, and how many people."""

    kind: str
    events: int
    people: int


class Volume(NamedTuple):
    """Events, those of them whose touchpoint was derived, and the people behind them, visitors among them."""

    events: int = 0
    unstated: int = 0
    people: int = 0
    visitors: int = 0


class Said(NamedTuple):
    """How many scores, and of each person who gave any: her mean, her shares of good and of bad ones."""

    answers: int = 0
    mean: Values = Values(0, 0, 0)
    good: Values = Values(0, 0, 0)
    bad: Values = Values(0, 0, 0)


class Counts:
    """The counts, by touchpoint and period (True: the later one) or week (0: the last). `told.tell` comes first."""

    def __init__(self, found: Happened, span: Span) -> None:
        self.span = span
        week = f"(({span.now} - moment) // {WEEK})"
        found.engine.execute(
            f"""create temp table seen as select touchpoint, who, is_now, case when is_now then {week} end as week,
            count(*) as events, count(*) filter (not is_stated) as unstated from happened group by all"""
        )
        counts = (
            "sum(events)::bigint, sum(unstated)::bigint, count(distinct who),"
            f" count(distinct who) filter (starts_with(who, '{RESERVED_PREFIX}'))"
        )
        self.volume = _nested(found.rows(f"select touchpoint, is_now, {counts} from seen group by all"), Volume)
        self.weeks = _nested(
            found.rows(f"select touchpoint, week, {counts} from seen where is_now group by all"), Volume
        )
        self.said = _nested(found.rows(_SAID.format(part="is_now", where="true")), _said)
        self.said_weeks = _nested(found.rows(_SAID.format(part=week, where="is_now")), _said)
        wrong = "select touchpoint, {part}, kind, count(*), count(distinct who) from troubles {where} group by all"
        self.wrong = _kinds(found.rows(wrong.format(part="is_now", where="")))
        self.wrong_weeks = _kinds(found.rows(wrong.format(part=week, where="where is_now")))
        troubled = found.rows("select touchpoint, is_now, count(distinct who) from troubles group by all")
        self.troubled = {(touchpoint, is_now): people for touchpoint, is_now, people in troubled}


_SAID = f"""
with hers as (
    select touchpoint, {{part}} as part, who, count(*) as answers, (2 * sum(unit) + count(*)) // (2 * count(*)) as mean,
        (2 * {MILLION} * sum((verdict = {GOOD})::bigint) + count(*)) // (2 * count(*)) as good,
        (2 * {MILLION} * sum((verdict = {BAD})::bigint) + count(*)) // (2 * count(*)) as bad
    from answers where {{where}} group by all
)
select touchpoint, part, sum(answers), count(*), sum(mean), sum(mean * mean), sum(good), sum(good * good), sum(bad),
    sum(bad * bad)
from hers group by all
"""


def _said(answers: Any, people: int, *sums: Any) -> Said:
    firsts, squares = sums[::2], sums[1::2]
    values = [Values(people, int(t) / MILLION, int(s) / MILLION**2) for t, s in zip(firsts, squares, strict=True)]
    return Said(int(answers), *values)


def _nested(rows: Iterable[tuple[Any, ...]], make: Callable[..., Any]) -> dict[str, dict[Any, Any]]:
    found: dict[str, dict[Any, Any]] = defaultdict(lambda: defaultdict(make if make is not _said else Said))
    for touchpoint, part, *counts in rows:
        found[touchpoint][part] = make(*counts)
    return found


def _kinds(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, Any], dict[str, Trouble]]:
    found: dict[tuple[str, Any], dict[str, Trouble]] = defaultdict(dict)
    for touchpoint, part, kind, events, people in rows:
        found[touchpoint, part][kind] = Trouble(kind, events, people)
    return found
