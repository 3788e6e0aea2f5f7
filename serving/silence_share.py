"""How large a share of those who are asked about is held or not known well enough, by the hour, and whether it jumps.

A jump is a fault of ours more often than of the world: a source that went quiet, a rule put in force too wide. Kept in
memory by the process that decides; after a start it says nothing until it has seen enough.
"""

import math
import threading
from datetime import datetime

from serving.core.decision import Decision

NOW_HOURS, BEFORE_HOURS = 6, 7 * 24
FEWEST = 200  # decisions in either stretch
LEAST_RATIO, LEAST_DEVIATIONS = 1.5, 6.0
_HOUR = 3600


class SilenceShare:
    """Counts served decisions and the silent among them. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hours: dict[int, tuple[int, int]] = {}

    def note(self, decision: Decision) -> None:
        """Count a decision that was made."""
        if decision.mode != "serve":
            return
        hour = int(decision.decided_at.timestamp()) // _HOUR
        silent = bool(decision.holds) or decision.state_status != "ok"
        with self._lock:
            if hour not in self._hours:
                for old in [h for h in self._hours if h < hour - NOW_HOURS - BEFORE_HOURS]:
                    del self._hours[old]
            made, kept = self._hours.get(hour, (0, 0))
            self._hours[hour] = made + 1, kept + silent

    def jump(self, now: datetime) -> tuple[float, float] | None:
        """The share in the last `NOW_HOURS` and in the days before, where it is that much larger; else None.

        Larger by `LEAST_RATIO`, and by `LEAST_DEVIATIONS` standard deviations of a share drawn from the hours before,
        whose own spread counts where it is wider than chance (the dispersion of a quasi-binomial).
        """
        end = int(now.timestamp()) // _HOUR + 1
        with self._lock:
            lately = [self._hours.get(h, (0, 0)) for h in range(end - NOW_HOURS, end)]
            before = [c for h, c in self._hours.items() if end - NOW_HOURS - BEFORE_HOURS <= h < end - NOW_HOURS]
        n, silent = (sum(one[i] for one in lately) for i in (0, 1))
        m, held = (sum(one[i] for one in before) for i in (0, 1))
        if n < FEWEST or m < FEWEST:
            return None
        share, usual = silent / n, (held + 1) / (m + 2)
        wider = _dispersion(before, usual)
        deviation = math.sqrt(wider * usual * (1 - usual) * (1 / n + 1 / m))
        jumped = share > LEAST_RATIO * usual and share - usual > LEAST_DEVIATIONS * deviation
        return (share, usual) if jumped else None


def _dispersion(hours: list[tuple[int, int]], share: float) -> float:
    """Pearson's statistic over its degrees of freedom, at least 1 (McCullagh & Nelder 1989, 4.5)."""
    told = [(made, held) for made, held in hours if made]
    if len(told) < 2:
        return 1.0
    pearson = sum((held - made * share) ** 2 / (made * share * (1 - share)) for made, held in told)
    return max(1.0, pearson / (len(told) - 1))
