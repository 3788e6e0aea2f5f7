"""The part of the policy that says when a jump of unhappy customers is an alarm."""

from typing import Annotated

from pydantic import Field, field_validator

from features.typed_yaml import Strict


class AlarmRules(Strict):
    """When staff are told that one place, carrier or store makes many unhappy. See docs/incidents.md."""

    false_alarms_per_year: float = Field(default=4, gt=0, le=365)
    """How many alarms a year chance alone may raise at most, over all groups and windows together."""
    min_customers: int = Field(default=5, ge=2, le=1000)
    """Fewer different customers in the window are no alarm, however unlikely."""
    windows_hours: list[Annotated[int, Field(ge=1, le=24)]] = Field(default=[6, 24], min_length=1, max_length=4)
    """Lengths of the windows that end now; each is compared with the same hours of earlier days."""
    baseline_weeks: int = Field(default=4, ge=2, le=12)
    """How many weeks of earlier days are compared with."""
    gap_days: int = Field(default=1, ge=0, le=7)
    """Days before the window that are not compared with, so that a slow beginning does not hide itself."""
    looks_a_day: int = Field(default=24, ge=1, le=288)
    """How often a day alarms are looked at; every look is counted as a chance to be wrong."""

    @field_validator("windows_hours")
    @classmethod
    def _no_window_twice(cls, windows: list[int]) -> list[int]:
        if len(set(windows)) < len(windows):
            raise ValueError("a window is given twice; keep one")
        return windows
