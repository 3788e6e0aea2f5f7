"""Checks of a snapshot: impossible values, and what became different from the snapshot a model was trained on.

A feature is compared where both snapshots could see about as much of its window: `comparable`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from math import inf, sqrt
from typing import Any

from scipy.stats import norm

from features.feature_store.batch import BATCH_FEATURES, INT, TIME, FeatureSpec
from features.feature_store.quality.drift import NO_DRIFT, Drift, drift
from features.feature_store.quality.profile import FeatureProfile, SnapshotProfile
from training.finding import Finding, beyond
from training.params import QualityParams

_RANGES = {"share 0-1": (0.0, 1.0), "unit score 0-1": (0.0, 1.0), "balance -1 to 1": (-1.0, 1.0)}
_ROUNDING = 1e-9
_OLDEST_BIN, _OLDEST_DAYS = 107, 91
"""Ages from 2^6.5 = 90.5 days on count as one: a customer who is gone only gets older, in the best of shops."""

_FILLED = 0.9
_EXPECTED = 20
"""Values that must be expected before the absence of all of them is a finding."""

_FASTER = 1.5


@dataclass(frozen=True)
class Comparison:
    """One feature now and before: null shares, typical values, drift; `why_not` says why drift was not judged."""

    name: str
    null: float
    null_before: float | None
    median: float | None
    median_before: float | None
    drift: Drift
    why_not: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        told = {key: value for key, value in vars(self).items() if key not in ("drift", "why_not")}
        judged = None if self.why_not else self.drift.psi
        return told | {"psi": judged, "chance": None if self.why_not else self.drift.chance, "why_not": self.why_not}


@dataclass(frozen=True)
class Seen:
    """A snapshot's profile, and the day that the history it could see begins."""

    profile: SnapshotProfile
    since: date | None

    @property
    def days(self) -> int:
        """Days of history before the cutoff."""
        return 0 if self.since is None else (self.profile.cutoff.date() - self.since).days


def check_alone(now: SnapshotProfile) -> list[Finding]:
    """What is wrong whatever was before: no customers, values that cannot be."""
    if not now.customers:
        words = f"The snapshot as of {now.cutoff:%Y-%m-%d} has no customer. Ingest events, or train as of a later date."
        return [Finding("customers", "none", "error", 0.0, 1.0, words)]
    return [
        Finding(
            "impossible", name, "error", 1.0, 0.0,
            f"{fault} in the snapshot as of {now.cutoff:%Y-%m-%d}. Look at the feature's expression and at the values "
            f"its source sends, put them right, and build again: tahdikas materialize",
        )
        for name, profile in now.features.items()
        if (fault := _impossible(BATCH_FEATURES[name], profile, now.cutoff))
    ]  # fmt: skip


def check_against(now: Seen, before: Seen, limits: QualityParams) -> tuple[list[Finding], list[Comparison]]:
    """What became different since another snapshot, and each feature of both side by side."""
    names = [name for name in now.profile.features if name in before.profile.features]
    alpha = limits.chance / max(1, len(names))
    compared = [compare(name, now, before, alpha) for name in names]
    findings = _customers(now, before, limits) + _types(now.profile, before.profile)
    for one in compared:
        findings += _null(one, now.profile, before.profile, limits, alpha)
        findings += _constant(one, now.profile, before.profile, alpha)
        if not one.why_not:
            words = (
                f"{one.name} is distributed otherwise than on {before.profile.cutoff:%Y-%m-%d}: PSI "
                f"{one.drift.psi:.2f}, limit {{limit:.2f}}{_medians(one)}. Look for a change of unit, currency or "
                "source. If the shop itself changed, accept it."
            )
            stop = limits.max_psi if _full(BATCH_FEATURES[one.name], min(now.days, before.days)) else inf
            findings += beyond(
                "drift", one.name, one.drift.psi, limits.warn_psi, stop, words, at_least=one.drift.chance
            )
    return findings, compared


def compare(name: str, now: Seen, before: Seen, alpha: float) -> Comparison:
    """A feature of two snapshots side by side."""
    spec, here, there = BATCH_FEATURES[name], now.profile.features[name], before.profile.features[name]
    why_not = comparable(spec, now.days, before.days)
    if not why_not and not (here.known and there.known):
        why_not = "no values to compare"
    found = NO_DRIFT if why_not else drift(_counts(spec, there), _counts(spec, here), alpha=alpha)
    return Comparison(
        name, now.profile.null_share(name), before.profile.null_share(name), here.median, there.median, found, why_not
    )


def comparable(spec: FeatureSpec, days: int, days_before: int) -> str:
    """Why a feature cannot be compared between snapshots that look back on so many days; empty if it can.

    A window that is still filling changes by itself, so what is compared in spite of it only warns; one that is
    divided (last year's season) changes by jumps.
    """
    window = _OLDEST_DAYS if spec.dtype == TIME else inf if spec.days is None else spec.days
    if spec.edges and not _full(spec, min(days, days_before)):
        return f"history does not fill its {spec.days} days"
    shorter, longer = sorted((min(window, days), min(window, days_before)))
    return "" if shorter >= _FILLED * longer else f"looks back on {shorter} days in one and {longer} in the other"


def _full(spec: FeatureSpec, days: int) -> bool:
    """Whether a window sees no more of a longer history; an age sees `_OLDEST_DAYS`."""
    window = _OLDEST_DAYS if spec.dtype == TIME else spec.days
    return window is not None and days >= window


def _counts(spec: FeatureSpec, profile: FeatureProfile) -> dict[Any, int]:
    if spec.dtype != TIME:
        return profile.counts
    young = {number: count for number, count in profile.bins.items() if number < _OLDEST_BIN}
    return {**young, _OLDEST_BIN: sum(profile.bins.values()) - sum(young.values())}


def _impossible(spec: FeatureSpec, told: FeatureProfile, cutoff: datetime) -> str:
    if told.bad:
        return f"{told.bad:,} values of {spec.name} are infinite or no number"
    if told.low is None or told.high is None:
        return ""
    if spec.dtype == TIME:
        return f"{spec.name} is {-told.low:.1f} days after the cutoff" if told.low < 0 else ""
    if spec.dtype == INT and told.low < 0:
        return f"{spec.name} ({spec.unit}) is as little as {told.low:g}: it cannot be negative"
    low, high = _RANGES.get(spec.unit, (-inf, inf))
    if told.low < low - _ROUNDING or told.high > high + _ROUNDING:
        return f"{spec.name} ({spec.unit}) is between {told.low:g} and {told.high:g}"
    return ""


def _customers(now: Seen, before: Seen, limits: QualityParams) -> list[Finding]:
    here, there = now.profile.customers, before.profile.customers
    if not there:
        return []
    words = (
        f"{here:,} customers as of {now.profile.cutoff:%Y-%m-%d}, {there:,} as of {before.profile.cutoff:%Y-%m-%d}. "
    )
    fewer = 1 - here / there
    found = beyond(
        "customers", "fewer", fewer, limits.warn_fewer_customers, limits.max_fewer_customers,
        words + f"{fewer:.0%} fewer, limit {{limit:.0%}}. See whether a source or part of the log is missing: "
        "tahdikas status",
        at_least=_noise(0.5, here, there, limits.chance),
    )  # fmt: skip
    limit = _FASTER * max(1.0, now.days / max(1, before.days))
    if here / there > limit and here - there > _EXPECTED:
        more = words + f"That is more than {limit:.1f} times as many. See whether customers came in under two ids."
        found.append(Finding("customers", "more", "warning", here / there, limit, more))
    return found


def _types(now: SnapshotProfile, before: SnapshotProfile) -> list[Finding]:
    return [
        Finding(
            "types", name, "error", 0.0, 1.0,
            f"The log holds no {name} event as of {now.cutoff:%Y-%m-%d}, and did on {before.cutoff:%Y-%m-%d}. "
            "Import that source again, or accept that the model learns without it.",
        )
        for name in sorted(set(before.present) - set(now.present))
    ]  # fmt: skip


def _null(
    one: Comparison, now: SnapshotProfile, before: SnapshotProfile, limits: QualityParams, alpha: float
) -> list[Finding]:
    was = one.null_before or 0.0
    source = BATCH_FEATURES[one.name].source
    words = (
        f"{one.name} is absent for {one.null:.0%} of customers, on {before.cutoff:%Y-%m-%d} for {was:.0%}; "
        f"a change of {{limit:.0%}} is allowed. See whether {source} events arrive with all their fields: "
        "tahdikas status"
    )
    if one.null == 1 and was < 1 and (1 - was) * now.customers >= _EXPECTED:
        return [Finding("null", one.name, "error", 1.0, was, words.format(limit=limits.max_null_change))]
    if one.why_not and one.null < 1:
        return []
    change = abs(one.null - was)
    stop = limits.max_null_change if one.null > was else 1.0
    least = _noise((one.null + was) / 2, now.customers, before.customers, alpha)
    return beyond("null", one.name, change, limits.warn_null_change, stop, words, at_least=least)


def _constant(one: Comparison, now: SnapshotProfile, before: SnapshotProfile, alpha: float) -> list[Finding]:
    here, there = now.features[one.name], before.features[one.name]
    if len(here.counts) != 1 or not there.known or one.why_not:
        return []
    (only,) = here.counts
    share = there.counts.get(only, 0) / there.known
    expected = (there.counts.get(only, 0) + 1) / (there.known + 1)  # nobody among few is not nobody ever
    if expected**here.known >= alpha:
        return []
    words = (
        f"{one.name} is the same for everybody; on {before.cutoff:%Y-%m-%d} {share:.0%} had that value. See what its "
        f"source, {BATCH_FEATURES[one.name].source} events, sends."
    )
    return [Finding("constant", one.name, "error", 1.0, share, words)]


def _medians(one: Comparison) -> str:
    if one.median is None or one.median_before is None:
        return ""
    return f"; the middle value is about {in_words(one.median)}, was {in_words(one.median_before)}"


def in_words(value: float) -> str:
    """A number with the two digits that count.

    >>> in_words(15123.0), in_words(0.1234), in_words(7.0)
    ('15,000', '0.12', '7')
    """
    return f"{float(f'{value:.2g}'):,.10g}"


def _noise(share: float, n: int, m: int, alpha: float) -> float:
    """How far two shares lie apart by chance."""
    if not n or not m:
        return 0.0
    return float(norm.isf(alpha / 2) * sqrt(share * (1 - share) * (1 / n + 1 / m)))
