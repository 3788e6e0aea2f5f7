"""Alarms over a simulated shop's year, through the real store: as it is, and with a carrier that breaks down."""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.alarm_counts import RULES, episodes, look
from features.customer.hold_rules import HoldRules
from features.home import Home
from features.instants import DAY, to_us
from features.log.event_log import EventLog
from features.log.packing import FACT_COLUMNS, facts
from features.log.store import connect
from pipelines.ingest import ingest
from pipelines.simulate import simulate
from serving.alarms.counts import Group, count
from serving.alarms.jump import WEEK, level
from serving.alarms.signals import read_signs
from serving.alarms.watch import alarms
from serving.core.alarm_rules import AlarmRules

CUSTOMERS, SEED, YEAR = 3000, 7, 365
FIRST, LAST = date(2024, 11, 1), date(2026, 11, 1)
LOOK_HOURS = 8
LASTS, APART, SEEN_HOURS = timedelta(days=3), timedelta(days=34), 72
SHARES, COMPLAINS = (0.25, 0.5, 1.0), 0.2
HOLDS = HoldRules()


class Breakdown(NamedTuple):
    """A share of the carrier's parcels fails for three days; hours until the alarm, None if there was none."""

    share: float
    failed: int
    hours: int | None


class ShopYear(NamedTuple):
    """What the year's looks told."""

    false: dict[str, int]
    groups: int
    breakdowns: list[Breakdown]
    carrier: str

    def parts(self) -> list[dict[str, Any]]:
        """For the page."""
        rows = []
        for share in SHARES:
            of = [one for one in self.breakdowns if one.share == share]
            hours = [one.hours for one in of if one.hours is not None]
            when = f"{np.median(hours):.0f} h ({min(hours)} to {max(hours)})" if hours else "never"
            failed = np.mean([one.failed for one in of])
            rows.append([f"{share:.0%}", f"{failed:.0f}", f"{len(hours)} of {len(of)}", when])
        told = ", ".join(f"{name} {count}" for name, count in self.false.items())
        return [
            {"heading": "The simulated shop's year"},
            {
                "text": f"{CUSTOMERS:,} customers, {self.groups} groups, no incident but December's late parcels, "
                f"looked at every {LOOK_HOURS} hours through the store. Alarms in the year: {told}."
            },
            {
                "text": f"Then carrier {self.carrier} breaks down for three days, every {APART.days} days in a copy of "
                f"the shop: a share of its parcels fails on the way, a fifth of those customers complain. Looked at "
                f"every hour for {SEEN_HOURS} hours; the median, and the fastest and slowest."
            },
            {
                "table": {
                    "columns": ["parcels that fail", "of them, on average", "carrier alarmed", "after"],
                    "rows": rows,
                }
            },
        ]

    def facts(self) -> dict[str, Any]:
        """For machines."""
        return {
            "false_alarms": self.false,
            "groups": self.groups,
            "breakdowns": [one._asdict() for one in self.breakdowns],
        }


def shop_year(policy: AlarmRules) -> ShopYear:
    """Simulate the shop and look at its second year; then once more for each severity, in a copy with breakdowns."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        simulate(root / "shop", customers=CUSTOMERS, seed=SEED, start=FIRST, days=(LAST - FIRST).days)
        home = Home.open(root / "home")
        last = datetime.combine(LAST, datetime.min.time(), UTC)
        ingest(home, "simulated", root / "shop", now=last)
        false, groups = _looks(home, last - timedelta(days=YEAR), last, policy)
        carrier, found = "", []
        for share in SHARES:
            copy = Home.open(root / f"copy-{share}")
            shutil.copytree(home.root, copy.root, dirs_exist_ok=True)
            begin = last - timedelta(days=YEAR)
            while begin + LASTS <= last:
                carrier, failed = _break_down(copy, begin, share)
                found.append(Breakdown(share, failed, _hours_until(copy, begin, carrier, policy)))
                begin += APART
        return ShopYear(false, groups, found, carrier)


def _looks(home: Home, begin: datetime, end: datetime, policy: AlarmRules) -> tuple[dict[str, int], int]:
    """New alarms by rule, and of how many groups."""
    connection = connect(home, read_only=True)
    told: dict[str, list[set[Group]]] = {name: [] for name in RULES}
    at = begin
    while at < end:
        for name, groups in _alarming(connection, at, policy).items():
            told[name].append(groups)
        at += timedelta(hours=LOOK_HOURS)
    known_groups = _groups(connection, end)
    connection.close()
    found = {}
    for name, looks in told.items():
        every = sorted(set().union(*looks), key=str)
        flags = np.array([[group in look for group in every] for look in looks], dtype=bool)
        found[name] = episodes(flags.reshape(len(looks), len(every)), rest=24 // LOOK_HOURS)
    return found, known_groups


def _alarming(connection: Any, at: datetime, policy: AlarmRules) -> dict[str, set[Group]]:
    """Which groups each rule alarms for."""
    days = policy.baseline_weeks * WEEK
    now = to_us(at)
    known = read_signs(connection, since=now - (policy.gap_days + days + 1) * DAY, now=now, rules=HOLDS)
    told: dict[str, set[Group]] = {name: set() for name in RULES}
    for hours in policy.windows_hours:
        counts = count(known, now=now, hours=hours, baseline_days=days, gap_days=policy.gap_days)
        below = level(
            false_alarms_per_year=policy.false_alarms_per_year,
            looks_a_day=policy.looks_a_day,
            tests=len(counts.groups) * len(policy.windows_hours),
        )
        seen = look(counts.now, counts.before, counts.activity, below)
        for name, rule in RULES.items():
            flags = rule(seen) & (seen.now >= policy.min_customers)
            told[name] |= {counts.groups[place] for place in np.flatnonzero(flags)}
    return told


def _groups(connection: Any, at: datetime) -> int:
    now = to_us(at)
    known = read_signs(connection, since=now - YEAR * DAY, now=now, rules=HOLDS)
    return len(count(known, now=now, hours=24, baseline_days=YEAR - 2, gap_days=0).groups)


def _break_down(home: Home, begin: datetime, share: float) -> tuple[str, int]:
    """From `begin`, the busiest carrier's deliveries fail at the moment they would have come; customers complain."""
    draw = np.random.default_rng(SEED)
    connection = connect(home, read_only=True)
    rows = connection.execute(
        f"select {FACT_COLUMNS} from facts where type = 'delivery' and occurred_at between ? and ?",
        (to_us(begin), to_us(begin + LASTS)),
    )
    arrived = [fact for fact in facts(rows) if fact.payload["status"] == "delivered" and fact.payload.get("carrier")]
    connection.close()
    names = [fact.payload["carrier"] for fact in arrived]
    carrier = max(sorted(set(names)), key=names.count)
    events: list[dict[str, Any]] = []
    for fact in arrived:
        if fact.payload["carrier"] != carrier or draw.random() >= share:
            continue
        order = fact.payload["order_id"]
        at = [fact.occurred_at, fact.occurred_at + timedelta(hours=float(draw.uniform(1, 12)))]
        who = {"customer_id": fact.origin}
        failed = {"order_id": order, "status": "failed", "carrier": carrier}
        events.append(_event(f"broken:{order}", "delivery", at[0], who, failed))
        if draw.random() < COMPLAINS:
            complaint = {"kind": "complaint", "order_id": order}
            events.append(_event(f"angry:{order}", "feedback", at[1], who, complaint))
    with EventLog(home, durable=False) as log:
        results = log.append_live(events, source="breakdown", now=begin + LASTS + timedelta(days=1))
    assert all(result.status == "accepted" for result in results), results
    return carrier, sum(event["type"] == "delivery" for event in events)


def _event(event_id: str, kind: str, at: datetime, who: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    told = {"event_id": event_id, "type": kind, "occurred_at": at, "received_at": at, "touchpoint": "delivery"}
    times = {"occurred_at": at.isoformat(), "received_at": at.isoformat()}
    return told | times | who | {"channel": "partner", "payload": payload}


def _hours_until(home: Home, begin: datetime, carrier: str, policy: AlarmRules) -> int | None:
    connection = connect(home, read_only=True)
    try:
        for hours in range(1, SEEN_HOURS + 1):
            told = alarms(connection, begin + timedelta(hours=hours), HOLDS, policy)
            if any(alarm.carrier == carrier for alarm in told):
                return hours
        return None
    finally:
        connection.close()
