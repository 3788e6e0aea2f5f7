"""The rules of holds: per kind how grave it is, what it covers and how it ends. The defaults are the shipped policy.

Plain dataclasses, which the policy file's reader checks field by field; unknown keys are refused there.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

from features.customer.coverage import CATEGORIES, FEEDBACK_GROUP, Covers, channels_of

MAX_DAYS = 100
"""The longest end or review a rule may set: what the fold keeps reaches further back than this."""

LARGEST_BAD_SHARE = 0.6
LARGEST_NPS_BAD = 8
SMALLEST_PREDICTED_AT = 0.3
"""Scores beyond these are no reason to hold under any rules: who gave none worse need not be looked at."""

_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class HoldRule:
    """One kind of hold. `lasts_days` is its end by the clock, counted from what `HoldRules` says for the kind."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    severity: int
    """1 (mild) to 5 (grave), before what makes it worse."""
    categories: tuple[str, ...]
    """Action categories it covers."""
    channels: tuple[str, ...]
    """Channels it covers: their names, or `any`, `outbound`, `onsite`."""
    groups: tuple[str, ...] = ()
    """Groups it covers besides."""
    lasts_days: float | None = None
    """Days until it ends by itself."""
    review_days: float | None = None
    """Days after which a person should look at it; it stays in force."""

    def __post_init__(self) -> None:
        if not 1 <= self.severity <= 5:
            raise ValueError(f"severity {self.severity} is not between 1 and 5")
        unknown = sorted(set(self.categories) - set(CATEGORIES))
        if unknown:
            raise ValueError(f"categories {unknown} are not known; use some of {', '.join(CATEGORIES)}")
        if not (self.categories or self.groups) or not channels_of(self.channels):
            raise ValueError("a hold that covers nothing holds nothing; name categories or groups, and channels")
        for name in ("lasts_days", "review_days"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= MAX_DAYS:
                raise ValueError(f"{name} {value} is not above 0 and at most {MAX_DAYS}")
        if self.lasts_days is None and self.review_days is None:
            raise ValueError("a hold needs an end or a review date; give lasts_days or review_days")

    @cached_property
    def covers(self) -> Covers:
        """What it covers, channels spelled out."""
        return Covers(tuple(self.categories), channels_of(self.channels), tuple(self.groups))


SALES, SALES_AND_CARE = ("sales",), ("sales", "care")
FEEDBACK = (FEEDBACK_GROUP,)
ANY, OUTBOUND = ("any",), ("outbound",)

NEEDS: dict[str, tuple[str, ...]] = {
    "open_return": ("lasts_days", "review_days"),
    "open_case": ("lasts_days", "review_days"),
    "open_complaint": ("lasts_days", "review_days"),
    "bad_resolution": ("review_days",),
    "bad_rating": ("lasts_days",),
    "late_delivery": ("lasts_days", "review_days"),
    "friction": ("lasts_days",),
    "predicted": ("lasts_days",),
    "incident": ("lasts_days", "review_days"),
    "staff": ("review_days",),
}
"""Which ends a kind cannot do without: `lasts_days` once its cause is over, `review_days` while it may never be."""


@dataclass(frozen=True, kw_only=True)
class HoldRules:
    """All kinds of holds and what makes them worse. Raises `ValueError` for a kind without the ends it needs."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    open_return: HoldRule = HoldRule(severity=1, categories=SALES, channels=OUTBOUND, lasts_days=7, review_days=30)
    """A return on time and not asked about; `lasts_days` after it is resolved, at once when closed or cancelled."""
    open_case: HoldRule = HoldRule(
        severity=2, categories=SALES, groups=FEEDBACK, channels=ANY, lasts_days=7, review_days=14
    )
    """Exchange, warranty, delivery claim, failed delivery; a return or question late or asked about. `lasts_days` is
    the cool-down after it is resolved."""
    open_complaint: HoldRule = HoldRule(
        severity=3, categories=SALES_AND_CARE, groups=FEEDBACK, channels=ANY, lasts_days=30, review_days=14
    )
    """A complaint; `lasts_days` after it is resolved, at once when then rated well."""
    bad_resolution: HoldRule = HoldRule(
        severity=4, categories=SALES_AND_CARE, groups=FEEDBACK, channels=ANY, review_days=14
    )
    """Resolved, then rated badly: until a person releases it."""
    bad_rating: HoldRule = HoldRule(severity=2, categories=SALES, channels=ANY, lasts_days=30)
    """A bad rating; `lasts_days` from the rating."""
    late_delivery: HoldRule = HoldRule(severity=2, categories=SALES, channels=ANY, lasts_days=3, review_days=14)
    """A promised date passed; `lasts_days` after the delivery."""
    friction: HoldRule = HoldRule(severity=1, categories=SALES, channels=OUTBOUND, lasts_days=3)
    """Something went badly wrong unasked; `lasts_days` from then."""
    predicted: HoldRule = HoldRule(severity=1, categories=SALES, channels=OUTBOUND, lasts_days=30)
    """A model thinks she is dissatisfied; `lasts_days` from the last score that says so."""
    incident: HoldRule = HoldRule(severity=1, categories=SALES, channels=OUTBOUND, lasts_days=14, review_days=3)
    """One cause that many suffer from; `lasts_days` from its declaration, at once when it is closed."""
    staff: HoldRule = HoldRule(severity=2, categories=SALES, channels=ANY, review_days=14)
    """A person's hold; what it covers and its review date come with it, these fill in what it leaves out."""

    bad_share: float = 0.4
    """A score in the lowest such share of its scale is bad."""
    worst_share: float = 0.2
    """A score in the lowest such share is one grade more severe."""
    good_share: float = 0.4
    """A score in the highest such share is good."""
    nps_bad_max: float = 6
    """Recommendation scores (0-10) up to this one are bad."""
    nps_good_min: float = 9
    """Recommendation scores from this one are good."""
    days_per_severity: float = 7
    """A case or a late delivery grows one grade graver per so many days (the customer's own turns not counted)."""
    strong_frictions: tuple[str, ...] = ("failed_checkout", "payment_error", "pickup_unavailable", "long_wait")
    """Friction events that hold; `long_wait` only from `long_wait_seconds` on."""
    long_wait_seconds: float = 1800
    """How long a wait is strong friction."""
    predicted_models: tuple[str, ...] = ("dissatisfaction",)
    """Models whose scores hold."""
    predicted_at: float = 0.7
    """A score from this one opens a predicted hold."""
    predicted_below: float = 0.6
    """A later score below this one ends it."""
    recovery_severity: int = 3
    """After a hold of this severity or more ended, she is in recovery."""
    recovery_days: float = 30
    """For how long."""

    def __post_init__(self) -> None:
        for kind, needed in NEEDS.items():
            rule = getattr(self, kind)
            for name in needed:
                if getattr(rule, name) is None:
                    raise ValueError(f"holds of kind {kind} need {name}: without it one could last for ever; give it")
        if not (self.worst_share >= 0 and self.bad_share <= LARGEST_BAD_SHARE and self.good_share >= 0):
            raise ValueError(
                f"worst_share {self.worst_share} or good_share {self.good_share} is below 0, or bad_share "
                f"{self.bad_share} above {LARGEST_BAD_SHARE}"
            )
        if not self.worst_share <= self.bad_share < 1 - self.good_share:
            raise ValueError(
                f"worst_share {self.worst_share}, bad_share {self.bad_share} and good_share {self.good_share} "
                "overlap; keep worst <= bad < 1 - good"
            )
        if not self.nps_bad_max < self.nps_good_min:
            raise ValueError(f"nps_bad_max {self.nps_bad_max} is not below nps_good_min {self.nps_good_min}")
        if not self.nps_bad_max <= LARGEST_NPS_BAD:
            raise ValueError(f"nps_bad_max {self.nps_bad_max} is above {LARGEST_NPS_BAD}")
        if not self.predicted_at >= SMALLEST_PREDICTED_AT:
            raise ValueError(f"predicted_at {self.predicted_at} is below {SMALLEST_PREDICTED_AT}")
        if not self.predicted_below <= self.predicted_at:
            raise ValueError(f"predicted_below {self.predicted_below} is above predicted_at {self.predicted_at}")
        if not (0.01 <= self.days_per_severity <= 10_000 and 0 <= self.recovery_days <= MAX_DAYS):
            raise ValueError(
                f"days_per_severity must be between 0.01 and 10000, recovery_days between 0 and {MAX_DAYS}"
            )

    def is_strong(self, friction: str, wait_seconds: float | None) -> bool:
        """Whether a friction event holds."""
        if friction == "long_wait" and (wait_seconds or 0) < self.long_wait_seconds:
            return False
        return friction in self.strong_frictions

    def rule(self, kind: str) -> HoldRule:
        """The rule of a kind; raises `KeyError` for one that does not exist."""
        if kind not in NEEDS:
            raise KeyError(kind)
        rule: HoldRule = getattr(self, kind)
        return rule


HOLD_KINDS = tuple(f.name for f in fields(HoldRules) if f.name in NEEDS)
"""Every kind of hold, in the order of the policy."""
