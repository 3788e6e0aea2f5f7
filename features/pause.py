"""Leaving a server alone that has just not answered: a circuit breaker that closes again by time."""

import time


class Pause:
    """The time in which a server that did not answer is not asked again, by any thread that shares this."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = 0.0

    def begin(self) -> None:
        """It did not answer just now."""
        self._until = time.monotonic() + self._seconds

    def lasts(self) -> bool:
        """Whether it is still to be left alone."""
        return time.monotonic() < self._until
