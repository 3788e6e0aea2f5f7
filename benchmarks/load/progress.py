"""What a long measurement is at, for whoever waits for it: a line with the time of day, on standard error."""

import sys
from datetime import UTC, datetime


def say(text: str) -> None:
    """Tell that something begins, or what came of it."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)  # noqa: T201
