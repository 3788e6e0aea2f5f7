"""What tells the time: a running service has the true clock, a demo on data of the past one that is behind."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives aware UTC instants."""


def utc_now() -> datetime:
    """The true clock."""
    return datetime.now(UTC)
