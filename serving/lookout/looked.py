"""What the watchdogs saw in one look."""

from datetime import datetime

import msgspec

WATCHDOGS = ("past_review", "cap_counts_nothing", "silence_jumped", "source_quiet", "lookout")


class Finding(msgspec.Struct, frozen=True):
    """What one watchdog found: its name, how much, and what to do, in words."""

    watchdog: str
    value: float
    text: str


class Looked(msgspec.Struct, frozen=True):
    """One look: what was found, holds in force by kind, and seconds since each source was heard of."""

    at: datetime
    findings: list[Finding]
    holds: dict[str, int]
    sources: dict[str, float]
