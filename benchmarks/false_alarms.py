"""Alarms: how often chance raises one, and after how many hours a true jump is seen, beside simpler rules.

Counts whose truth is made up, and the year of a simulated shop through the real store. No rule alarms below five
customers, so that all are compared on the same ground.
"""

import sys
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from benchmarks.alarm_counts import (
    HOURS,
    RULES,
    WARM_UP,
    Course,
    Flags,
    episodes,
    hourly_rates,
    look,
    windows,
)
from benchmarks.alarm_shop import ShopYear, shop_year
from benchmarks.report import write_result
from serving.alarms.jump import Floats, level
from serving.core.alarm_rules import AlarmRules

POLICY = AlarmRules()
GROUPS, YEARS, YEAR = 20, 20, 365
BASE = np.geomspace(0.2, 30, GROUPS)
COURSES = (
    Course("Poisson"),
    Course("weekdays alike in all groups", weekly="shared"),
    Course("weekdays of each group's own", weekly="own"),
    Course("scattered days (variance 2 x mean)", scatter=2),
    Course("scattered days (4 x), own weekdays", weekly="own", scatter=4),
    Course("growing 2 % a week, unannounced", weekly="shared", growth=0.02),
    Course("all of it (2 x, own weekdays, 2 % growth)", weekly="own", scatter=2, growth=0.02),
)
USUAL = Course("", weekly="shared", scatter=1.5)
RATES, JUMPS, TRIALS, SEEN_HOURS = (0.5, 2.0, 8.0, 30.0), (2, 3, 5), 400, 72
PARTS = 40
"""A year's looks are judged in so many parts, which fit the processor's cache."""
SEED = 19400601


class Power(NamedTuple):
    """Of `TRIALS` jumps: how many were seen within `SEEN_HOURS`, and after how many hours each of those."""

    seen: int
    hours: list[int]


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    false = {course.name: _false_alarms(course) for course in COURSES}
    power = {(rate, jump): _power(rate, jump) for rate in RATES for jump in JUMPS}
    _report(now, false, power, shop_year(POLICY))
    return True


def _alarming(counts: Floats, ends: Any) -> dict[str, Flags]:
    """Which groups each rule alarms for at each look, in any of the policy's windows."""
    below = level(
        false_alarms_per_year=POLICY.false_alarms_per_year,
        looks_a_day=POLICY.looks_a_day,
        tests=len(counts) * len(POLICY.windows_hours),
    )
    found = {name: np.zeros((len(ends), len(counts)), dtype=bool) for name in RULES}
    for hours in POLICY.windows_hours:
        both = windows(counts, hours, ends)
        seen = look(both[..., 0], both[..., 1:], np.ones_like(both), below)
        for name, rule in RULES.items():
            found[name] |= rule(seen) & (seen.now >= POLICY.min_customers)
    return found


def _false_alarms(course: Course) -> dict[str, int]:
    draw = np.random.default_rng(SEED)
    ends = np.arange(HOURS * WARM_UP, HOURS * (WARM_UP + YEAR))
    found = dict.fromkeys(RULES, 0)
    for _ in range(YEARS):
        counts = draw.poisson(hourly_rates(draw, BASE, WARM_UP + YEAR, course)).astype(np.float64)
        parts = [_alarming(counts, some) for some in np.array_split(ends, PARTS)]
        for name in RULES:
            found[name] += episodes(np.concatenate([part[name] for part in parts]), rest=HOURS)
    return found


def _power(rate: float, jump: float) -> dict[str, Power]:
    draw = np.random.default_rng(SEED)
    base = np.array([rate, *BASE[1:]])
    hours: dict[str, list[int]] = {name: [] for name in RULES}
    for _ in range(TRIALS):
        rates = hourly_rates(draw, base, WARM_UP + 5, USUAL)
        begins = HOURS * (WARM_UP + 1) + int(draw.integers(HOURS))
        rates[0, begins:] *= jump
        ends = begins + 1 + np.arange(SEEN_HOURS)
        for name, alarming in _alarming(draw.poisson(rates).astype(np.float64), ends).items():
            if alarming[:, 0].any():
                hours[name].append(int(alarming[:, 0].argmax()) + 1)
    return {name: Power(len(found), found) for name, found in hours.items()}


def _report(
    now: datetime, false: dict[str, dict[str, int]], power: dict[tuple[float, int], dict[str, Power]], shop: ShopYear
) -> None:
    names = list(RULES)
    false_rows = [[course, *(_a_year(found[name]) for name in names)] for course, found in false.items()]
    power_rows = [
        [f"{rate:g}", f"x {jump}", *(_seen(by[name]) for name in names)] for (rate, jump), by in power.items()
    ]
    nominal = POLICY.false_alarms_per_year
    worst = max(found["ours"] for found in false.values()) / YEARS
    write_result(
        "false_alarms",
        title="Alarms: false ones, and hours until a true one",
        order=60,
        command="python -m benchmarks false_alarms",
        today=now.date(),
        parts=[
            {
                "text": f"Nominal: at most {nominal:g} false alarms a year over all groups of a shop, looked at every "
                f"hour. Measured at worst: {worst:.1f} a year, that is {worst / GROUPS:.2f} a group. Beside it, on the "
                "same windows and never below five customers: the exact test on counts divided by the scatter, a "
                "Poisson test without correction, both at the same level, and three standard deviations."
            },
            {"heading": "False alarms a shop's year, nothing being wrong"},
            {
                "text": f"{YEARS} years of {GROUPS} groups with {BASE[0]:g} to {BASE[-1]:g} unhappy customers a day, "
                "looked at every hour; with exact 95 % intervals. A group that alarms again within a day is one alarm."
            },
            {"table": {"columns": ["the days", *names], "rows": false_rows}},
            {"heading": "A true jump"},
            {
                "text": f"Share of {TRIALS} jumps seen within {SEEN_HOURS} hours, with its 95 % interval, and the "
                "median and quartiles of the hours until then. Days with shared weekdays and variance 1.5 x mean. "
                "What the simpler rules gain in hours they pay for in the table above."
            },
            {"table": {"columns": ["usual a day", "jump", *names], "rows": power_rows}},
            *shop.parts(),
        ],
        facts={
            "nominal_per_year": nominal,
            "groups": GROUPS,
            "false_alarms_per_year": {
                course: {name: count / YEARS for name, count in found.items()} for course, found in false.items()
            },
            "power": {
                f"{rate:g} x {jump}": {
                    name: {
                        "seen": one.seen / TRIALS,
                        "median_hours": float(np.median(one.hours)) if one.hours else None,
                    }
                    for name, one in by.items()
                }
                for (rate, jump), by in power.items()
            },
            "shop": shop.facts(),
        },
    )


def _a_year(count: int) -> str:
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = chi2.ppf(0.975, 2 * count + 2) / 2
    return f"{count / YEARS:.1f} ({low / YEARS:.1f} to {high / YEARS:.1f})"


def _seen(one: Power) -> str:
    from scipy.stats import binomtest

    interval = binomtest(one.seen, TRIALS).proportion_ci(method="wilson")
    share = f"{one.seen / TRIALS:.0%} ({interval.low:.0%} to {interval.high:.0%})"
    if not one.hours:
        return share
    quarter, half, three = np.quantile(one.hours, (0.25, 0.5, 0.75))
    return f"{share}, {half:.0f} h ({quarter:.0f} to {three:.0f})"


if __name__ == "__main__":
    sys.exit(0 if run(datetime.now(UTC)) else 1)
