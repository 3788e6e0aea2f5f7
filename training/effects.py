"""What each action adds, by its own control group: the average effect, and its share of the responses.

A contact `sent` is treated; one `released` with the treatment `control` was planned and held back by lot
(`uplift_contacts.py`). Whom an action moves needs inputs of each contact's own week (`uplift.py`); how much it adds on
average needs none, only two arms that were drawn. That they were is tried on what each had bought before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from features.errors import DataError
from features.log.event_log import EventLog
from training.metrics import Difference
from training.uplift_checks import check_arms
from training.uplift_choice import mean_by_customer
from training.uplift_learners import UpliftRows, row_effects

RESPONSE = timedelta(days=7)
MOST = 20_000
"""Newest contacts of an action that are looked at: bounds the time."""
PERIOD_DAYS = 28
"""A control group may grow or shrink: contacts are compared with those of the same four weeks."""
NAMES = ("recency_days", "log_orders", "log_orders_90d")
FOLDS, DRAWS, SEED = 5, 500, 7


@dataclass(frozen=True)
class ActionEffect:
    """What is known of one action. `effect` is None where nothing can be said, and `told` says why."""

    action: str
    treated: int
    controls: int
    responded: float  # share of the treated who bought within the response time
    effect: Difference | None
    told: str

    @property
    def claimed(self) -> bool:
        """Whether the action is shown to add something."""
        return self.effect is not None and self.effect.better

    def plain(self) -> dict[str, Any]:
        """As the report keeps it; `incrementality` is the share of the responses that would not have come without."""
        found = {"action": self.action, "treated": self.treated, "controls": self.controls, "claimed": self.claimed}
        found |= {"responded": self.responded, "told": self.told}
        if self.effect is None:
            return found
        return found | {"effect": vars(self.effect), "incrementality": _incrementality(self.effect, self.responded)}


def _incrementality(effect: Difference, responded: float) -> dict[str, float]:
    """The effect over the share that responded, each end cut to 0 and 1; that share is taken as known."""
    ends = {"value": effect.value, "low": effect.low, "high": effect.high}
    return {name: min(max(end / responded, 0.0), 1.0) for name, end in ends.items()}


def effects_of(log: EventLog, lines: pa.Table, known_by: datetime) -> list[ActionEffect]:
    """The effect of every action with a contact held back by lot, by its id. `lines` are purchases (`PURCHASE_SCHEMA`).

    The response is a purchase in `[contact, contact + 7 days)`; contacts whose time is not over by `known_by` are left
    out, and four-week periods in which only one arm is there.
    """
    found = _contacts(log, lines, known_by)
    action = np.array(found["action_id"].to_pylist(), np.str_)
    rows = _rows(found)
    return [_effect(name, rows.take(action == name)) for name in np.unique(action).tolist()]


def _effect(action: str, rows: UpliftRows) -> ActionEffect:
    rows = rows.take((rows.share > 0) & (rows.share < 1)).in_order()
    treated = rows.treated > 0.5
    responded = float(rows.outcome[treated].mean()) if treated.any() else float("nan")
    told = ActionEffect(action, int(treated.sum()), int((~treated).sum()), responded, None, "")
    try:
        check_arms(rows)
    except DataError as error:
        return ActionEffect(**vars(told) | {"told": f"{action}: no claim. {error}"})
    effect = mean_by_customer(rows.customers, row_effects(rows, FOLDS), DRAWS, SEED)
    return ActionEffect(**vars(told) | {"effect": effect, "told": _words(told, effect)})


def _words(told: ActionEffect, effect: Difference) -> str:
    arms = f"{told.action}: {told.treated:,} treated, {told.controls:,} held back by lot"
    share = _incrementality(effect, told.responded)
    if effect.better:
        return (
            f"{arms}; it adds {effect} to the chance of a purchase in {RESPONSE.days} days: {share['value']:.0%} "
            f"[{share['low']:.0%}, {share['high']:.0%}] of the responses would not have come. State it as its "
            "incrementality."
        )
    if effect.worse:
        return f"{arms}; it takes {effect} off the chance of a purchase in {RESPONSE.days} days. Let it rest."
    return (
        f"{arms}; no claim: its effect on the chance of a purchase in {RESPONSE.days} days cannot be told from none "
        f"({effect}). Keep the control group, and do not raise the stated incrementality."
    )


def _contacts(log: EventLog, lines: pa.Table, known_by: datetime) -> pa.Table:
    """The newest contacts of each action that has controls: who, when, treated, response, and what she had bought."""
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("lines", lines)
        table: pa.Table = con.sql(
            f"""with drawn as (
                  select customer_id, action_id, occurred_at as moment, event_id,
                    cast(status = 'sent' as double) as treated
                  from ({log.scan()})
                  where type = 'contact' and customer_id is not null and action_id is not null
                    and occurred_at <= $known_by::timestamptz - $response and received_at <= $known_by
                    and (status = 'sent' or (status = 'released' and treatment_id = 'control'))
                  qualify min(treated) over (partition by action_id) = 0),
                newest as (
                  select * from drawn
                  qualify row_number() over (partition by action_id order by moment desc, event_id) <= $most),
                orders as (select distinct customer_id, order_id, occurred_at from lines)
                select customer_id, action_id, moment, treated,
                  count(order_id) filter (where occurred_at >= moment and occurred_at < moment + $response) as bought,
                  count(order_id) filter (where occurred_at < moment) as orders,
                  count(order_id) filter (where occurred_at between moment - interval 90 days
                    and moment - interval 1 microsecond) as lately,
                  (epoch(moment) - epoch(max(occurred_at) filter (where occurred_at < moment))) / 86400 as recency_days
                from newest n left join orders using (customer_id)
                group by customer_id, action_id, moment, treated, event_id order by all""",
            params={"known_by": known_by, "response": RESPONSE, "most": MOST},
        ).to_arrow_table()
    return table


def _rows(found: pa.Table) -> UpliftRows:
    """As rows; the chance of being treated is the share found among contacts of the same action and four weeks."""
    treated = found["treated"].to_numpy().astype(np.float64)
    days = found["moment"].cast(pa.int64()).to_numpy() // (PERIOD_DAYS * 86_400_000_000)
    actions = np.array(found["action_id"].to_pylist(), np.str_)
    together = np.char.add(np.char.add(days.astype(np.str_), " "), actions)
    _, drawn_together = np.unique(together, return_inverse=True)
    size = np.bincount(drawn_together)
    share = (np.bincount(drawn_together, treated) / np.maximum(size, 1))[drawn_together]
    orders, lately = (np.log1p(found[name].to_numpy().astype(np.float64)) for name in ("orders", "lately"))
    recency = found["recency_days"].to_numpy(zero_copy_only=False).astype(np.float64)
    return UpliftRows(
        customers=np.array(found["customer_id"].to_pylist(), np.str_),
        inputs=np.column_stack([recency, orders, lately]),
        names=NAMES,
        treated=treated,
        outcome=(found["bought"].to_numpy() > 0).astype(np.float64),
        share=share,
    )
