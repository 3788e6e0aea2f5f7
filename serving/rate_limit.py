"""How fast one caller may ask: the generic cell rate algorithm (ITU-T I.371), one number a caller.

For each caller is kept when its next request would come if it came evenly; who is ahead of that by more than the burst
waits. The limit is of one process: several workers each allow it.
"""

import threading
import time
from collections.abc import Callable, Hashable


class RateLimit:
    """At most `per_second` requests of a caller in the long run, and `burst_seconds` worth of them at once.

    `per_second` of 0 limits nothing. `monotonic` gives seconds of a clock that nobody sets. Safe to share between
    threads.
    """

    def __init__(
        self, per_second: float, burst_seconds: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._spacing = 1.0 / per_second if per_second else 0.0
        self._burst = max(burst_seconds, self._spacing)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._next: dict[Hashable, float] = {}

    def wait(self, caller: Hashable) -> float:
        """0.0 where the caller may go on, and that is counted; else the seconds after which it may."""
        if not self._spacing:
            return 0.0
        now = self._monotonic()
        with self._lock:
            due = max(self._next.get(caller, now), now)
            ahead = due + self._spacing - now - self._burst
            if ahead > 1e-9:
                return ahead
            self._next[caller] = due + self._spacing
            return 0.0
