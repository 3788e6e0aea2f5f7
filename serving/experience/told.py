"""What people said of touchpoints, and what went wrong there: scores, friction and complaints as tables of DuckDB.

`answers`: one row a score; `unit` in millionths from 0 (worst), `verdict` as the policy has it. `troubles`: one row a
friction or what amounts to one (a delivery failed or delayed, a promised day that passed without the parcel, a search
that found nothing), or a complaint, once however it was told. Both have touchpoint, who, moment, is_now, event_id.
"""

import pyarrow as pa

from features.customer.hold_rules import HoldRules
from features.customer.ledger import Mark
from features.customer.scales import scale_of, unit_score
from features.customer.span import verdict
from serving.alarms.signals import DELIVERY
from serving.experience.happened import Happened, Span

MILLION = 1_000_000
COMPLAINT = "complaint"
IN_VAIN = "search_in_vain"
LATE = "late_delivery"
AMOUNTS_TO = ("failed_delivery", "delayed_delivery", LATE, IN_VAIN)
"""Kinds of trouble that no friction event tells, beside those of friction."""


def tell(found: Happened, span: Span, rules: HoldRules) -> None:
    """Make the tables."""
    found.engine.execute(
        """create temp table said as
        select touchpoint, is_stated, who, moment, is_now, event_id, channel, type, kind, status, score, scale_min,
            scale_max, higher_is_better, text, reason, order_id, case_id, item_id
        from happened where type in ('feedback', 'friction') or (type = 'case' and status = 'opened')
        or (type = 'delivery' and status in ('failed', 'delayed'))
        or (type = 'browse' and action = 'search' and result_count = 0)"""
    )
    asked = found.rows(
        """select distinct kind, score, scale_min, scale_max, higher_is_better from said
        where type = 'feedback' and score is not null"""
    )
    judged = [(*row, *_judge(row, rules)) for row in asked]
    columns = list(zip(*judged, strict=True)) or [()] * len(_JUDGED)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, _JUDGED, strict=True)]
    found.engine.register("judged", pa.Table.from_arrays(arrays, schema=_JUDGED))
    found.engine.execute(_ANSWERS)
    found.engine.execute(_TROUBLES.format(**span._asdict()))


def _judge(row: tuple[object, ...], rules: HoldRules) -> tuple[int, int]:
    """The score in millionths, and whether the policy calls it bad, good or neither."""
    kind, score, low, high, better = row
    unit = unit_score(score, scale_of(kind, low, high, better))  # type: ignore[arg-type]
    mark = Mark(0, "", "", str(kind), unit, None, None, None, None, None)
    return round(unit * MILLION), verdict(mark, rules)


_JUDGED = pa.schema(
    [
        ("kind", pa.string()),
        ("score", pa.float64()),
        ("scale_min", pa.float64()),
        ("scale_max", pa.float64()),
        ("higher_is_better", pa.bool_()),
        ("unit", pa.int64()),
        ("verdict", pa.int64()),
    ]
)
_ANSWERS = """
create temp table answers as
select touchpoint, who, moment, is_now, event_id, unit, verdict
from said join judged using (kind, score)
where type = 'feedback' and said.scale_min is not distinct from judged.scale_min
and said.scale_max is not distinct from judged.scale_max
and said.higher_is_better is not distinct from judged.higher_is_better
"""
_TROUBLES = f"""
create temp table troubles as
with tellings as (
    select *, coalesce(case_id, event_id) as matter from said
    where type in ('feedback', 'case') and kind = '{COMPLAINT}'
), complaints as (
    select coalesce(arg_min(touchpoint, (moment, event_id)) filter (is_stated), arg_min(touchpoint, (moment, event_id)))
            as touchpoint,
        who, min(moment) as moment, arg_min(is_now, (moment, event_id)) as is_now,
        arg_min(event_id, (moment, event_id)) as event_id,
        '{COMPLAINT}' as kind, null::varchar as item_id
    from tellings group by who, matter
), promises as (
    select who, order_id, min(promised_at) as promised_at, arg_min(event_id, (promised_at, event_id)) as event_id,
        min(occurred_at) filter (status in ('delivered', 'cancelled')) as over_at
    from felt where type = 'delivery' group by who, order_id having promised_at is not null
), late as (
    select '{DELIVERY}' as touchpoint, who, epoch_us(promised_at) as moment,
        epoch_us(promised_at) > {{middle}} as is_now, event_id, '{LATE}' as kind, null::varchar as item_id
    from promises where epoch_us(promised_at) > {{start}} and epoch_us(promised_at) < {{now}}
    and coalesce(over_at > promised_at, true)
)
from complaints union all by name from late union all by name
select touchpoint, who, moment, is_now, event_id, item_id,
    case type when 'delivery' then status || '_delivery' when 'browse' then '{IN_VAIN}' else kind end as kind
from said where type not in ('feedback', 'case')
"""
