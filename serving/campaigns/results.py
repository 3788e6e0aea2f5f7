"""What a campaign brought: who was first assigned to its list against who was held out of it by chance."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil, sqrt
from typing import Any

import duckdb
import msgspec

from features.home import Home
from features.instants import days, to_us
from serving import campaign_lists as lists
from serving.campaigns.spec import NEVER_HELD_OUT
from serving.service import DecisionService
from serving.snapshot import state_of

WEEKS = 4
"""What was bought within so many weeks after the first export counts."""

LEAST = 30
"""Fewer people in an arm tell nothing."""

_PAGE = 500


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One side: how many people, how many of them bought, and what they paid on average; minor units."""

    people: int
    bought: int
    mean: float
    spread: float


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What is known so far. `difference` is paid a person, treated less held out, with its 95 % interval.

    `why` says why there is none yet; `tells_at` when all have had their weeks, `needed` how many people an arm would
    have to have to see a difference of a tenth. `withheld` is the expected gain of whom holds kept off the list.
    """

    sent_at: datetime | None
    tells_at: datetime | None
    treated: Arm | None
    held_out: Arm | None
    difference: float | None
    low: float | None
    high: float | None
    why: str | None
    needed: int | None
    withheld: float


def results(service: DecisionService, home: Home, list_id: str, now: datetime) -> Results | None:
    """What became of a list, None where there is none. Everybody stays in the arm of the first assignment."""
    summary, sent = lists.summary(home, list_id), lists.exports(home, list_id)
    if summary is None:
        return None
    nothing = Results(
        sent_at=None, tells_at=None, treated=None, held_out=None, difference=None, low=None, high=None,
        why="not_sent", needed=None, withheld=_withheld(summary),
    )  # fmt: skip
    if not sent:
        return nothing
    sent_at = sent[-1]["at"]
    tells_at = sent_at + timedelta(weeks=WEEKS)
    sides = [_arm(service, who, sent_at, now) for who in arms(home, list_id)]
    found = msgspec.structs.replace(nothing, sent_at=sent_at, tells_at=tells_at, treated=sides[0], held_out=sides[1])
    if min(arm.people for arm in sides) < LEAST:
        return msgspec.structs.replace(found, why="too_few")
    error = sqrt(sum(arm.spread**2 / arm.people for arm in sides))
    difference = sides[0].mean - sides[1].mean
    worth = max(sides[1].mean, 1.0) / 10
    needed = ceil(2 * (1.96 + 0.84) ** 2 * max(arm.spread for arm in sides) ** 2 / worth**2)
    return msgspec.structs.replace(
        found,
        difference=difference,
        low=difference - 1.96 * error,
        high=difference + 1.96 * error,
        why="too_early" if now < tells_at else None,
        needed=needed,
    )


def _withheld(summary: dict[str, Any]) -> float:
    steps = (one for one in summary["funnel"] if one["step"] == "kept_off" and one["code"].startswith("hold:"))
    return float(sum(one["gain"] for one in steps))


def arms(home: Home, list_id: str) -> tuple[list[str], list[str]]:
    """Who was first assigned to a list, and who was held out of it, by customer; both of the same kind.

    Chance alone tells them apart: those never held out (service) are on neither side, and where a bound cut the list,
    of the held out only those who would have fitted before the cut are taken, since the list has the dearest.
    """
    folder = lists.folder_of(home, list_id)
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        query = "select customer_id from read_parquet(?) where not list_contains(?, category) order by customer_id"
        on = connection.execute(query, [str(folder / "list.parquet"), list(NEVER_HELD_OUT)]).fetchall()
        query = """with off as (select * from read_parquet(?)),
            cut as (select customer_id, would_be_gain from off where reason = 'over_budget'
                order by would_be_gain desc, customer_id limit 1)
            select off.customer_id from off left join cut on true where reason = 'campaign_holdout'
                and (cut.customer_id is null or off.would_be_gain > cut.would_be_gain
                    or (off.would_be_gain = cut.would_be_gain and off.customer_id < cut.customer_id))
            order by off.customer_id"""
        off = connection.execute(query, [str(folder / "kept_off.parquet")]).fetchall()
    return [one for (one,) in on], [one for (one,) in off]


def _arm(service: DecisionService, who: Sequence[str], since: datetime, now: datetime) -> Arm:
    run = service.records.connection()
    start, end = to_us(since), min(to_us(now), to_us(since) + days(7 * WEEKS))
    paid: list[int] = []
    for at in range(0, len(who), _PAGE):
        page = who[at : at + _PAGE]
        marks = ",".join("?" * len(page))
        rows = run.execute(f"select customer_id, position, body from state where customer_id in ({marks})", page)
        found = {row[0]: row[1:] for row in rows.fetchall()}
        for key in page:
            orders = state_of(run, key, found[key], found[key][0])[0].orders if key in found else ()
            paid.append(sum(order.paid for order in orders if start < order.at <= end))
    mean = sum(paid) / len(paid) if paid else 0.0
    variance = sum((one - mean) ** 2 for one in paid) / (len(paid) - 1) if len(paid) > 1 else 0.0
    return Arm(people=len(paid), bought=sum(one > 0 for one in paid), mean=mean, spread=sqrt(variance))
